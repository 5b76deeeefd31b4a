// Which Services are ours (openelb-api.md 1.2).
import { type Service, loadBalancerClasses, optInAnnotation, optInValues, poolLabel } from '../model/index.ts'
import { type Pools, defaultEip } from './pools.ts'

/** `holdsRecord`: an EipAllocation names the Service, so an address in its status is not a stranger's. */
export function isOurs(service: Service, pools: Pools, holdsRecord: boolean): boolean {
  if (service.type !== 'LoadBalancer') return false
  if (service.loadBalancerClass !== undefined) return loadBalancerClasses.includes(service.loadBalancerClass)
  const optIn = service.annotations[optInAnnotation]
  if (optIn !== undefined) return optInValues.includes(optIn)
  if (defaultEip(pools)?.adopt !== true) return false
  return service.ingress.length === 0 || holdsRecord || poolLabel in service.labels
}

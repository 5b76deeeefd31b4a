// The first stage: is the Service for Bellhop, and what does it ask for?
import { formatIp } from '../address/index.ts'
import { type ServiceRequest, defaultEip, isOurs, readRequest, sortRecords, wantedIn } from '../ipam/index.ts'
import {
  type Allocation,
  type Service,
  claimAnnotation,
  findCondition,
  keyOf,
  loadBalancerClasses,
  optInAnnotation,
  optInValues,
  soleProviderCondition,
} from '../model/index.ts'
import { type Stage, fail, listed, ok, warn } from './stage.ts'
import { type ClusterView, recordsOf } from './view.ts'

export interface Request {
  readonly stage: Stage
  /** Undefined: it is not ours, or what it asks for cannot be read. */
  readonly request: ServiceRequest | undefined
  /** Records that are its own. */
  readonly own: readonly Allocation[]
}

export function explainRequest(service: Service, view: ClusterView): Request {
  const { pools, taken, findService } = view
  const records = recordsOf(view, service)
  const none = { request: undefined, own: [] }
  if (!isOurs(service, pools, records.length > 0)) return { ...none, stage: notOurs(service, view) }
  const key = keyOf(service)
  const { own } = sortRecords(records, { key, service, taken, findService })
  const nonce = service.annotations[claimAnnotation]
  const claimed = nonce === undefined ? [] : taken.ofClaim(nonce)
  const read = readRequest(service, own, pools.primaryFamily, claimed)
  if (!read.ok) return { request: undefined, own, stage: fail('request', read.reason.code, read.reason.message) }
  const { request } = read
  if (service.deleting) {
    const keepers = service.finalizers.filter((each) => each !== 'service.kubernetes.io/load-balancer-cleanup')
    const waits = keepers.length === 0 ? '' : `: it waits for the finalizer ${listed(keepers)}`
    return { request, own, stage: fail('request', 'Released', `the Service is being deleted${waits}`) }
  }
  const says = `${whyOurs(service)}; asks for ${askedOf(request)}`
  const rival = findCondition(service.conditions, soleProviderCondition)
  if (rival?.status === 'False') return { request, own, stage: warn('request', 'OtherProvider', rival.message) }
  return { request, own, stage: ok('request', says) }
}

function whyOurs({ loadBalancerClass, annotations }: Service): string {
  if (loadBalancerClass !== undefined) return `for Bellhop by its class ${loadBalancerClass}`
  const optIn = annotations[optInAnnotation]
  return optIn === undefined ? 'for Bellhop because the default Eip adopts' : `for Bellhop by its annotation ${optIn}`
}

function askedOf(request: ServiceRequest): string {
  const families = wantedIn(request).map((family) => `IPv${family}`)
  const family = families.join(request.optional === undefined ? ' and ' : ' and if it can be had ')
  const { addresses, pools, protocol } = request
  const parts = [
    ...(addresses.length > 0 ? [`address ${addresses.map(formatIp).join(' and ')}`] : []),
    ...(pools.length > 0 ? [`Eip ${pools.join(', ')}`] : []),
    ...(protocol === undefined || protocol === 'bgp' ? [] : [`protocol ${protocol}`]),
  ]
  return parts.length === 0 ? `any ${family} address` : `${parts.join(', ')} (${family})`
}

function notOurs(service: Service, { pools }: ClusterView): Stage {
  const { type, loadBalancerClass, annotations } = service
  if (type !== 'LoadBalancer') {
    return fail('request', 'NotOurs', `the Service is of type ${type}, not LoadBalancer`)
  }
  if (loadBalancerClass !== undefined) {
    const says = `the Service is for another provider: its class is ${loadBalancerClass}, not ${loadBalancerClasses.join(' or ')}`
    return fail('request', 'NotOurs', says)
  }
  const optIn = annotations[optInAnnotation]
  if (optIn !== undefined) {
    const says = `annotation ${optInAnnotation} of the Service is "${optIn}", not ${optInValues.join(' or ')}: an explicit no`
    return fail('request', 'NotOurs', says)
  }
  const fallback = defaultEip(pools)
  const why =
    fallback === undefined
      ? 'there is no default Eip that could adopt it'
      : fallback.adopt
        ? `it has ${listed(service.ingress.map(formatIp))} from another provider`
        : `Eip ${fallback.name}, the default, does not adopt Services (spec.adopt)`
  return fail('request', 'NotOurs', `the Service has neither class nor annotation for Bellhop, and ${why}`)
}

// A Service of type LoadBalancer, or one that still carries what we wrote when it was.
import { type Family, type Ip, parseIp } from '../address/index.ts'
import { type Condition, readConditions } from './condition.ts'
import { type KubeObjectLike, listAt, numberAt, stringAt, stringMapAt, stringsAt } from './field.ts'
import { type Metadata, readMetadata } from './metadata.ts'
import { claimAnnotation, poolLabel } from './names.ts'

export type IpFamilyPolicy = 'SingleStack' | 'PreferDualStack' | 'RequireDualStack'
export type TrafficPolicy = 'Cluster' | 'Local'

export interface ServicePort {
  readonly protocol: string
  readonly port: number
}

export interface Service extends Metadata {
  readonly generateName: string
  readonly type: string
  readonly loadBalancerClass: string | undefined
  readonly loadBalancerIP: string | undefined
  /** Empty at CREATE unless the user wrote them: the API server fills them in only when it stores the Service. */
  readonly ipFamilies: readonly Family[]
  readonly ipFamilyPolicy: IpFamilyPolicy | undefined
  readonly externalTrafficPolicy: TrafficPolicy
  readonly ports: readonly ServicePort[]
  readonly selector: Readonly<Record<string, string>>
  /** Addresses in status.loadBalancer.ingress, in order; entries with a hostname only are left out. */
  readonly ingress: readonly Ip[]
  readonly conditions: readonly Condition[]
}

export function readService(object: KubeObjectLike): Service {
  const { spec, status } = object
  return {
    ...readMetadata(object),
    generateName: stringAt(object.metadata, 'generateName') ?? '',
    type: stringAt(spec, 'type') ?? 'ClusterIP',
    loadBalancerClass: stringAt(spec, 'loadBalancerClass'),
    loadBalancerIP: stringAt(spec, 'loadBalancerIP'),
    ipFamilies: stringsAt(spec, 'ipFamilies').map((family) => (family === 'IPv6' ? 6 : 4)),
    ipFamilyPolicy: stringAt(spec, 'ipFamilyPolicy') as IpFamilyPolicy | undefined,
    externalTrafficPolicy: stringAt(spec, 'externalTrafficPolicy') === 'Local' ? 'Local' : 'Cluster',
    ports: listAt(spec, 'ports').map((port) => ({
      protocol: stringAt(port, 'protocol') ?? 'TCP',
      port: numberAt(port, 'port') ?? 0,
    })),
    selector: stringMapAt(spec, 'selector'),
    ingress: listAt(status, 'loadBalancer', 'ingress')
      .map((entry) => parseIp(stringAt(entry, 'ip') ?? ''))
      .filter((ip) => ip !== undefined),
    conditions: readConditions(status),
  }
}

/** True when a store of ours has any use for the Service: the rest of a cluster's Services costs no memory. */
export function isOfInterest(service: Service): boolean {
  return (
    service.type === 'LoadBalancer' ||
    poolLabel in service.labels ||
    claimAnnotation in service.annotations ||
    service.finalizers.some((finalizer) => finalizer.includes('kubesphere.io'))
  )
}

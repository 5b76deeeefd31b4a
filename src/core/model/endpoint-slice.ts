// An EndpointSlice (discovery.k8s.io/v1) as far as announcing needs it: which nodes have an endpoint in which state.
import type { Family } from '../address/index.ts'
import { type KubeObjectLike, booleanAt, listAt, stringAt } from './field.ts'
import { type Metadata, readMetadata } from './metadata.ts'

export interface Endpoint {
  /** Undefined for hand-made slices that name none. */
  readonly node: string | undefined
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
}

export interface EndpointSlice extends Pick<Metadata, 'namespace' | 'name'> {
  /** Name of the Service, in the same namespace. */
  readonly service: string
  /** Undefined for address type FQDN. */
  readonly family: Family | undefined
  readonly endpoints: readonly Endpoint[]
}

export function readEndpointSlice(object: KubeObjectLike): EndpointSlice | undefined {
  const { namespace, name, labels } = readMetadata(object)
  const service = labels['kubernetes.io/service-name']
  if (service === undefined) return undefined
  const addressType = stringAt(object, 'addressType')
  return {
    namespace,
    name,
    service,
    family: addressType === 'IPv4' ? 4 : addressType === 'IPv6' ? 6 : undefined,
    endpoints: listAt(object, 'endpoints').map((endpoint) => {
      // An absent `ready` means unknown and is to be read as true; an absent `serving` follows `ready` (discovery/v1).
      const ready = booleanAt(endpoint, 'conditions', 'ready') ?? true
      return {
        node: stringAt(endpoint, 'nodeName'),
        ready,
        serving: booleanAt(endpoint, 'conditions', 'serving') ?? ready,
        terminating: booleanAt(endpoint, 'conditions', 'terminating') ?? false,
      }
    }),
  }
}

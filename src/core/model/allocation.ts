// EipAllocation: one object per address in use; its name is the lock (design §3).
import { type Ip, parseIp } from '../address/index.ts'
import { type KubeObjectLike, listAt, numberAt, stringAt, stringMapAt } from './field.ts'
import { type Metadata, readMetadata } from './metadata.ts'
import type { ServicePort } from './service.ts'

/** What the user asked for, when he did: Bellhop's own annotations are never taken for a request. */
export interface Asked {
  readonly pool: string | undefined
  readonly address: string | undefined
  /** `spec.loadBalancerIP` as it was, whether it counted or not: only a change of it is a new request. */
  readonly loadBalancerIP: string | undefined
  readonly protocol?: string | undefined
  /** What stood in Porter's spelling and did not count then: only a change of it is a new request. */
  readonly porter?: PorterWords | undefined
}

export interface PorterWords {
  readonly pool?: string
  readonly address?: string
  readonly protocol?: string
}

/** One Service that holds the address. */
export interface Holder {
  readonly namespace: string
  /** Empty until the generated name is known. */
  readonly name: string
  readonly generateName: string
  /** Nonce of the admission, equal to the Service's annotation; the Service's UID where the controller claimed. */
  readonly claim: string
  readonly ports: readonly ServicePort[]
  readonly asked: Asked
}

export interface Allocation extends Metadata {
  readonly address: Ip
  readonly eip: string
  readonly protocol: string
  readonly holders: readonly Holder[]
  /** RFC 3339; only while Retained. */
  readonly retainedUntil: string | undefined
}

/** Name of the object: IPv4 as it is, IPv6 fully expanded with `-` for `:`. */
export function allocationName(ip: Ip): string {
  if (ip.family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => (ip.bits >> shift) & 0xffn).join('.')
  }
  return (ip.bits.toString(16).padStart(32, '0').match(/.{4}/g) ?? []).join('-')
}

/** Undefined when the object names no address (somebody else's, or damaged): it is left alone. */
export function readAllocation(object: KubeObjectLike): Allocation | undefined {
  const { spec, status } = object
  const address = parseIp(stringAt(spec, 'address') ?? '')
  if (address === undefined) return undefined
  return {
    ...readMetadata(object),
    address,
    eip: stringAt(spec, 'eip') ?? '',
    protocol: stringAt(spec, 'protocol') ?? 'bgp',
    holders: listAt(spec, 'services').map((holder) => ({
      namespace: stringAt(holder, 'namespace') ?? '',
      name: stringAt(holder, 'name') ?? '',
      generateName: stringAt(holder, 'generateName') ?? '',
      claim: stringAt(holder, 'claim') ?? '',
      ports: listAt(holder, 'ports').map((port) => ({
        protocol: stringAt(port, 'protocol') ?? 'TCP',
        port: numberAt(port, 'port') ?? 0,
      })),
      asked: {
        pool: stringAt(holder, 'asked', 'pool'),
        address: stringAt(holder, 'asked', 'address'),
        loadBalancerIP: stringAt(holder, 'asked', 'loadBalancerIP'),
        ...readWords(holder),
      },
    })),
    retainedUntil: stringAt(status, 'retainedUntil'),
  }
}

function readWords(holder: unknown): Pick<Asked, 'protocol' | 'porter'> {
  const protocol = stringAt(holder, 'asked', 'protocol')
  const porter = stringMapAt(holder, 'asked', 'porter')
  return {
    ...(protocol === undefined ? {} : { protocol }),
    ...(Object.keys(porter).length === 0 ? {} : { porter }),
  }
}

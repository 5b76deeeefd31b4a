// The EipAllocation to create for a claim.
import { formatIp } from '../address/index.ts'
import { type Holder, type Service, allocationName, eipLabel, group, namespaceLabel } from '../model/index.ts'
import type { Draft } from './choose.ts'
import type { ServiceRequest } from './request.ts'

export interface AllocationObject {
  readonly apiVersion: string
  readonly kind: 'EipAllocation'
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly spec: {
    readonly address: string
    readonly eip: string
    readonly protocol: string
    readonly services: readonly unknown[]
  }
  readonly [field: string]: unknown
}

/** Without the fields that are empty: the schema knows no empty names. */
export function holderObject({ namespace, name, generateName, claim, ports, asked }: Holder): Record<string, unknown> {
  const known = Object.entries(asked).filter(([, value]) => value !== undefined)
  return {
    namespace,
    ...(name === '' ? { generateName } : { name }),
    claim,
    ports: ports.map(({ protocol, port }) => ({ protocol, port })),
    ...(known.length === 0 ? {} : { asked: Object.fromEntries(known) }),
  }
}

export function allocationObject({ address, eip, protocol }: Draft, holder: Holder): AllocationObject {
  return {
    apiVersion: `${group}/v1alpha2`,
    kind: 'EipAllocation',
    metadata: {
      name: allocationName(address),
      labels: { [eipLabel]: eip, [namespaceLabel]: holder.namespace },
    },
    spec: { address: formatIp(address), eip, protocol, services: [holderObject(holder)] },
  }
}

/** The entry of a Service in the record of its address. `claim` is its nonce, or its UID where the controller claims. */
export function holderOf(service: Service, request: ServiceRequest, claim: string): Holder {
  const { namespace, name, generateName, ports } = service
  return { namespace, name, generateName: name === '' ? generateName : '', claim, ports, asked: request.asked }
}

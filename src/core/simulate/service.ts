// A Service created: what admission answers, without asking it.
import { formatIp } from '../address/index.ts'
import { decideAdmission } from '../admission/index.ts'
import { type Draft, type Pools, type Taken, nameOf } from '../ipam/index.ts'
import type { Reason, Service } from '../model/index.ts'

export type ServiceSimulation =
  /** Not one of ours. */
  | { readonly kind: 'ignore' }
  | { readonly kind: 'refuse'; readonly reason: Reason }
  /** Admitted, with no address yet. */
  | { readonly kind: 'wait'; readonly reasons: readonly Reason[] }
  | {
      readonly kind: 'assign'
      readonly addresses: readonly { readonly address: string; readonly eip: string }[]
      /** It asked for them, or had them before: it gets these and no others. */
      readonly certain: boolean
      readonly warnings: readonly Reason[]
    }

/** `unavailable`: as the webhook is configured. */
export function simulateService(
  service: Service,
  pools: Pools,
  taken: Taken,
  unavailable: 'wait' | 'refuse' = 'wait',
): ServiceSimulation {
  const decided = decideAdmission({ service, dryRun: true }, pools, taken, {
    start: 0,
    nonce: 'simulated',
    unavailable,
  })
  switch (decided.kind) {
    case 'ignore':
    case 'refuse':
      return decided
    case 'wait':
      return { kind: 'wait', reasons: decided.warnings.length > 0 ? decided.warnings : [joins(service)] }
    case 'reuse':
      return { kind: 'assign', addresses: decided.records.map(told), certain: true, warnings: [] }
    case 'claim': {
      const [got] = decided.candidates
      if (got !== undefined) {
        return { kind: 'assign', addresses: got.map(told), certain: decided.askedAddress, warnings: decided.warnings }
      }
      const answer = decided.exhausted()
      return answer.kind === 'refuse' ? answer : { kind: 'wait', reasons: answer.warnings }
    }
  }
}

function told({ address, eip }: Pick<Draft, 'address' | 'eip'>): { readonly address: string; readonly eip: string } {
  return { address: formatIp(address), eip }
}

// The one thing that waits without a warning.
function joins(service: Service): Reason {
  const message = `the address that Service ${nameOf(service)} asks for is in use; the controller lets it join if every holder consents`
  return { code: 'AddressTaken', message }
}

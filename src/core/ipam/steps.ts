// The steps of a plan, as data: each is one write or one event, carried out in order by whoever holds the client.
import { type Ip, formatIp } from '../address/index.ts'
import type { JsonPatch } from '../admission/json-patch.ts'
import type { Allocation, Condition, Eip, Holder } from '../model/index.ts'
import type { Draft } from './choose.ts'

export type Step =
  /** Create the record of one candidate; the plan is made again after it. */
  | {
      readonly kind: 'claim'
      readonly candidates: Iterable<readonly Draft[]>
      readonly holder: Holder
      /** The Service has the address already and lacks its record only: maxPerNamespace is not asked. */
      readonly regains: boolean
    }
  /** Add or replace this Service's entry in a record that exists, which is then not Retained any more. */
  | {
      readonly kind: 'bind'
      readonly record: Allocation
      readonly holder: Holder
      /** The Eip that the record belongs to from now on, where the one it names is gone. */
      readonly home?: Eip
    }
  /** The address is kept for its Service, though that does not have it: status.retainedUntil is written. */
  | { readonly kind: 'retain'; readonly record: Allocation; readonly forMs: number }
  /** The Service has let go: its entry is removed, the whole record when it is the last and has cooled down. */
  | { readonly kind: 'release'; readonly record: Allocation; readonly key: string }
  /** `ingress` undefined: the addresses stay as they are. */
  | {
      readonly kind: 'writeStatus'
      readonly ingress: readonly Ip[] | undefined
      readonly conditions: readonly Condition[]
    }
  | { readonly kind: 'writeMetadata'; readonly patch: JsonPatch }
  | {
      readonly kind: 'event'
      readonly type: 'Normal' | 'Warning'
      readonly reason: string
      readonly message: string
    }

export interface ServicePlan {
  readonly steps: readonly Step[]
  /** Look again after so long, whatever happens. */
  readonly recheckAfterMs: number | undefined
  /** The Service lacks something: look again when pools, records or namespaces change. */
  readonly waits: boolean
}

export function assigned(ip: Ip): Step {
  return { kind: 'event', type: 'Normal', reason: 'AssignIP', message: `success to assign ip: ${formatIp(ip)}` }
}

export function released({ address }: Allocation): Step {
  const message = `success to release ip: ${formatIp(address)}`
  return { kind: 'event', type: 'Normal', reason: 'ReleaseIP', message }
}

export function lostAddress(ip: Ip): Step {
  const message = `${formatIp(ip)} is held by an older claim, which keeps it; this Service is assigned another address as soon as one is to be had`
  return { kind: 'event', type: 'Warning', reason: 'LostAddress', message }
}

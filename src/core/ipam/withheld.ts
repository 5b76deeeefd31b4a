// Row 6 of design §3, its second half: the Eip of an address was force-deleted. The Service loses the address, its record
// stays for a day as the memory of who had it, and gives it back when an Eip covers it again (docs/adr/0008).
import { type Ip, formatIp, sameIp } from '../address/index.ts'
import type { JsonPatch } from '../admission/json-patch.ts'
import type { Allocation, Eip, Reason, Service } from '../model/index.ts'
import { keptInstead, notAssigned } from '../status/service.ts'
import { findHolder } from './own.ts'
import { type Pools, isOlder, mayAsk, spans } from './pools.ts'
import type { Step } from './steps.ts'
import { patchForgotten } from './written.ts'

/** For so long the Services of a force-deleted Eip get their addresses back (openelb-api.md 1.4). */
export const withheldMs = 86_400_000

export interface WithheldInput {
  readonly key: string
  readonly pools: Pools
  /** Whether the Eip went with the annotation on it, as far as this program saw; one that is there never did. */
  forceDeleted(eip: string): boolean
  /** Until status.retainedUntil of the record, by the wall clock of whoever plans; undefined: it has none. */
  keptForMs(record: Allocation): number | undefined
}

/**
 * The Eip that a record belongs to: the one it names, or, where that is gone, the oldest that covers the address and may
 * serve the Service. Undefined: none covers it.
 */
export function homeOf({ eip, address }: Allocation, service: Service, pools: Pools): Eip | undefined {
  const named = pools.eips.get(eip)
  if (named !== undefined) return spans(named, address) ? named : undefined
  const covering = [...pools.eips.values()].filter((each) => spans(each, address) && mayAsk(each, service, pools))
  return covering.toSorted((a, b) => (isOlder(a, b) ? -1 : 1))[0]
}

/**
 * Whether the Service may not have the address of its record now. A record without the mark, whose Eip was not seen to be
 * forced, is kept and announced: its Eip went some other way.
 */
export function isWithheld(record: Allocation, service: Service, input: WithheldInput): boolean {
  if (record.retainedUntil === undefined && !input.forceDeleted(record.eip)) return false
  return homeOf(record, service, input.pools) === undefined
}

export function isAnyOf(records: readonly Allocation[]): (ip: Ip) => boolean {
  return (ip) => records.some(({ address }) => sameIp(address, ip))
}

/** The mark, the one thing stored: it outlives this program, so it comes before the status is cleared. */
export function markWithheld(withheld: readonly Allocation[]): readonly Step[] {
  return withheld
    .filter(({ retainedUntil }) => retainedUntil === undefined)
    .map((record) => ({ kind: 'retain', record, forMs: withheldMs }))
}

export function withheldReason({ key }: WithheldInput, withheld: readonly Allocation[]): Reason {
  const addresses = withheld.map(({ address }) => formatIp(address)).join(', ')
  const eips = [...new Set(withheld.map(({ eip }) => eip))].join(', ')
  const message = `Eip ${eips} was force-deleted; ${addresses} is kept for Service ${key} for 24 h: create an Eip with it again, or ask for another address`
  return { code: 'PoolForceDeleted', message }
}

/**
 * Marked first, then out of the status with the reason; what it is to have besides, of the other family, stays there or
 * comes there. Steps that have been taken already are left out.
 */
export function withhold(
  input: WithheldInput,
  service: Service,
  withheld: readonly Allocation[],
  besides: readonly Allocation[],
): readonly Step[] {
  const reason = withheldReason(input, withheld)
  const conditions = besides.length > 0 ? keptInstead(besides, reason) : notAssigned(reason)
  const said = conditions.every(({ type, message }) =>
    service.conditions.some((stored) => stored.type === type && stored.message === message),
  )
  const moved = service.ingress.some(isAnyOf(withheld)) || !besides.every(isIn(service))
  const steps: Step[] = [...markWithheld(withheld)]
  if (!moved && said) return steps
  const ingress = moved ? besides.map(({ address }) => address) : undefined
  const message = conditions[0]?.message ?? reason.message
  steps.push({ kind: 'writeStatus', ingress, conditions })
  steps.push({ kind: 'event', type: 'Warning', reason: reason.code, message })
  return steps
}

/** Whether the status has the address of the record. */
export function isIn({ ingress }: Service): (record: Allocation) => boolean {
  return ({ address }) => ingress.some((ip) => sameIp(ip, address))
}

/** The day is over: the Service is as its user wrote it again, and chooses anew. */
export function forgetWithheld(
  input: WithheldInput,
  service: Service,
  withheld: readonly Allocation[],
): readonly Step[] {
  const over = withheld.filter((record) => (input.keptForMs(record) ?? 1) <= 0)
  const [first] = over
  if (first === undefined) return []
  const asked = findHolder(first, input.key, service)?.asked
  const patch: JsonPatch = asked === undefined ? [] : patchForgotten(service, asked)
  return [
    ...(patch.length === 0 ? [] : [{ kind: 'writeMetadata' as const, patch }]),
    ...over.map((record): Step => ({ kind: 'release', record, key: input.key })),
  ]
}

/** When the first of them is over. */
export function withheldForMs(input: WithheldInput, withheld: readonly Allocation[]): number | undefined {
  const leftMs = withheld.map((record) => input.keptForMs(record)).filter((ms) => ms !== undefined)
  return leftMs.length === 0 ? undefined : Math.max(0, Math.min(...leftMs))
}

/** Whether what the Service asks for now is the very thing that is withheld from it. */
export function asksForWithheld(fitting: readonly Allocation[], withheld: readonly Allocation[]): boolean {
  return fitting.some((record) => withheld.includes(record))
}

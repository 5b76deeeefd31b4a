// What is to be done about one Service and the records that name it (design §3, "How the two can disagree"): each row of
// that table is a block below. A plan is made from what is known now; after its steps, whoever changed calls for another.
import { type Ip, sameIp } from '../address/index.ts'
import { type Allocation, type Service, claimAnnotation } from '../model/index.ts'
import { notAssigned } from '../status/service.ts'
import { holderOf } from './allocation.ts'
import { type Choice, chooseAddresses } from './choose.ts'
import { isOurs } from './ours.ts'
import { claimOf, findHolder, fit, foreignIngress, sortRecords } from './own.ts'
import { regain } from './regain.ts'
import { type ServiceRequest, areEnough, readRequest, wantedIn } from './request.ts'
import type { HolderService } from './share.ts'
import { type SettleInput, keep, refuse, settle, unbound } from './settle.ts'
import { type ServicePlan, type Step, lostAddress, released } from './steps.ts'
import {
  asksForWithheld,
  forgetWithheld,
  isAnyOf,
  isIn,
  isWithheld,
  markWithheld,
  withheldForMs,
  withheldReason,
  withhold,
} from './withheld.ts'
import { patchReleased } from './written.ts'

export interface PlanInput extends SettleInput {
  /** Undefined: it does not exist. */
  readonly service: Service | undefined
  /** All that name the Service, or its claim. */
  readonly records: readonly Allocation[]
  readonly findService: HolderService
  readonly start: number
  /** How long the record has been known here, on a monotonic clock: another program's clock is never trusted. */
  ageMs(name: string): number
  /** Whether a Service with this claim was seen to exist while the record was known here. */
  wasBound(name: string, claim: string): boolean
}

/** A record whose Service was never seen is given up after so long (state Held). */
export const heldMs = 60_000

export function planService(input: PlanInput): ServicePlan {
  const { service, pools, records, key } = input
  const mine = records.filter((record) => findHolder(record, key, service) !== undefined)
  if (service === undefined || service.deleting) return planGone(input, mine)
  if (!isOurs(service, pools, mine.length > 0)) return planReleased(service, mine, key)
  return planOurs(input, service, mine)
}

// Rows 2 and 3: the Service is gone, or was never stored (its create failed after the webhook had claimed). One that is
// being deleted counts as gone: that cannot be taken back, and a finalizer of somebody else must not pin an address. But
// as long as its status has the address, it is announced and kube-proxy serves it: so that goes first.
function planGone(input: PlanInput, mine: readonly Allocation[]): ServicePlan {
  const { service } = input
  const { steps, recheckAfterMs } = giveUp(input, mine)
  const isHeld = service?.ingress.some(isAnyOf(mine)) ?? false
  const cleared: readonly Step[] = isHeld ? [{ kind: 'writeStatus', ingress: [], conditions: [] }] : []
  return { steps: [...cleared, ...steps], recheckAfterMs, waits: false }
}

// A claim that no Service was seen with may be that of a create on its way (state Held).
function giveUp(input: PlanInput, records: readonly Allocation[]): Pick<ServicePlan, 'steps' | 'recheckAfterMs'> {
  const { key, service } = input
  const steps: Step[] = []
  let recheckAfterMs: number | undefined
  for (const record of records) {
    const claim = findHolder(record, key, service)?.claim ?? ''
    const leftMs = heldMs - input.ageMs(record.name)
    if (!input.wasBound(record.name, claim) && leftMs > 0) recheckAfterMs = Math.max(recheckAfterMs ?? 0, leftMs)
    else steps.push({ kind: 'release', record, key })
  }
  return { steps, recheckAfterMs }
}

// Row 2: not ours any more. What we wrote goes first, so that the address is withdrawn before it is free.
function planReleased(service: Service, mine: readonly Allocation[], key: string): ServicePlan {
  const patch = patchReleased(service)
  if (mine.length === 0 && patch.length === 0) return { steps: [], recheckAfterMs: undefined, waits: false }
  const held = service.ingress.filter(isAnyOf(mine))
  const steps: Step[] = []
  if (held.length > 0) steps.push({ kind: 'writeStatus', ingress: [], conditions: [] })
  if (patch.length > 0) steps.push({ kind: 'writeMetadata', patch })
  for (const record of mine) steps.push({ kind: 'release', record, key }, released(record))
  return { steps, recheckAfterMs: undefined, waits: false }
}

function planOurs(input: PlanInput, service: Service, mine: readonly Allocation[]): ServicePlan {
  const { pools, taken, key } = input
  const sorted = sortRecords(mine, { ...input, service })
  const { own, strangers, lost } = sorted
  // Row 6, a force-deleted Eip.
  const withheld = own.filter((record) => isWithheld(record, service, input))
  const held = own.filter((record) => !withheld.includes(record))
  const forgotten = forgetWithheld(input, service, withheld)
  if (forgotten.length > 0) return { steps: forgotten, recheckAfterMs: undefined, waits: true }
  const foreign = [...foreignIngress(service, sorted, taken), ...service.ingress.filter(isAnyOf(withheld))]
  // Row 5: what others hold and do not share leaves the status first, then the record; both with the reason.
  const letGo: readonly Step[] = [
    ...lost.map((record): Step => ({ kind: 'release', record, key })),
    ...foreign.filter((ip) => !isAnyOf(withheld)(ip)).map(lostAddress),
  ]
  // Row 4: records of this name with another claim, of a Service that had the name before, or is about to.
  const { steps: gone, recheckAfterMs } = giveUp(input, strangers)
  const done = (steps: readonly Step[], waits = false): ServicePlan => ({
    steps: [...steps, ...letGo],
    recheckAfterMs: earliest(recheckAfterMs, withheldForMs(input, withheld)),
    waits,
  })
  // Row 1: what is in the status and has no record is claimed again, or joined again where others hold it and share.
  const again = regain(input, service, own)
  if (again.length > 0) return { steps: again, recheckAfterMs: undefined, waits: false }
  const marks = markWithheld(withheld)
  const nonce = service.annotations[claimAnnotation]
  const claimed = nonce === undefined ? [] : taken.ofClaim(nonce)
  const read = readRequest(service, own, pools.primaryFamily, claimed)
  if (!read.ok) {
    if (held.length > 0) {
      return done([...gone, ...marks, ...keep(input, service, held, read.reason), ...unbound(input, service, held)])
    }
    return done([...gone, ...marks, ...refuse(service, notAssigned(read.reason), foreign)])
  }
  const { request } = read
  const wanted = strangers.filter(
    (record) => wants(service, request, record.address, own.length > 0) && !isWithheld(record, service, input),
  )
  const usable = fit(wanted, request, pools)
  // Not one of two families alone: a Service that needs both would be left with one.
  const rest = (): Choice => chooseAddresses({ ...input, service, request }, usable.families)
  const isToBeHad = (): boolean => areEnough(usable.families, request) || !['wait', 'refuse'].includes(rest().kind)
  if (usable.fitting.length > 0 && (own.length > 0 || isToBeHad())) {
    const holder = holderOf(service, request, claimOf(service, taken))
    return done(usable.fitting.map((record) => ({ kind: 'bind', record, holder })))
  }

  const { fitting, families } = fit(own, request, pools)
  if (asksForWithheld(fitting, withheld)) {
    const others = held.filter((record) => !fitting.includes(record))
    const besides = fitting.filter((record) => !withheld.includes(record))
    const steps = others.some(isIn(service))
      ? [...marks, ...keep(input, service, held, withheldReason(input, withheld))]
      : [
          ...withhold(input, service, withheld, besides),
          ...others.map((record): Step => ({ kind: 'release', record, key })),
        ]
    return done([...gone, ...steps], true)
  }
  const complete = families.length === wantedIn(request).length
  const enough = areEnough(families, request)
  if (complete) return done([...gone, ...settle(input, service, own, fitting, request)])

  const choice = chooseAddresses({ ...input, service, request }, families)
  const next = stepsTo(choice, input, service, request)
  if (choice.kind === 'claim' && next.length > 0 && !isOnlyOptionalMissing(choice, enough)) {
    return { steps: [...gone, ...next], recheckAfterMs: undefined, waits: false }
  }
  if (choice.kind === 'join') return { steps: [...gone, ...next], recheckAfterMs: undefined, waits: false }
  const reason = choice.kind === 'claim' ? choice.lacking : choice.reason
  // Of the two that PreferDualStack wants one is had; what it has of the other family is not let go for nothing (row 9).
  if (enough) {
    const stays = withKept(fitting, held, request)
    return done([...gone, ...settle(input, service, own, stays, request, reason), ...next], true)
  }
  if (reason === undefined) return done(gone, true)
  // Row 9, the new address is not to be had: the old one stays.
  if (held.length > 0) return done([...gone, ...marks, ...keep(input, service, held, reason)], true)
  return done([...gone, ...marks, ...refuse(service, notAssigned(reason), foreign)], true)
}

function earliest(...timesMs: readonly (number | undefined)[]): number | undefined {
  const given = timesMs.filter((ms) => ms !== undefined)
  return given.length === 0 ? undefined : Math.min(...given)
}

// One that has an address takes over only what it asks for: it moves there (row 9).
function wants(service: Service, { addresses, pools }: ServiceRequest, ip: Ip, hasOther: boolean): boolean {
  if (addresses.some((asked) => sameIp(asked, ip))) return true
  if (hasOther) return false
  return service.ingress.some((held) => sameIp(held, ip)) || (addresses.length === 0 && pools.length === 0)
}

// One record of each family wanted: the one that fits, else the one it goes by.
function withKept(
  fitting: readonly Allocation[],
  held: readonly Allocation[],
  request: ServiceRequest,
): readonly Allocation[] {
  return wantedIn(request).flatMap((family) => {
    const isOf = ({ address }: Allocation): boolean => address.family === family
    return fitting.find(isOf) ?? held.find(isOf) ?? []
  })
}

function isOnlyOptionalMissing(choice: Extract<Choice, { kind: 'claim' }>, enough: boolean): boolean {
  return enough && choice.lacking !== undefined
}

function stepsTo(choice: Choice, { taken }: PlanInput, service: Service, request: ServiceRequest): readonly Step[] {
  const holder = holderOf(service, request, claimOf(service, taken))
  if (choice.kind === 'claim') return [{ kind: 'claim', candidates: choice.candidates, holder, regains: false }]
  if (choice.kind === 'join') return choice.records.map((record) => ({ kind: 'bind', record, holder }))
  return []
}

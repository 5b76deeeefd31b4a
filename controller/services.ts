// Services and the records of their addresses, kept in step for life: core/ipam plans, the steps are carried out here in
// their order, and a step that fails leaves the rest to the next plan.
//
//   1. a change of a Service or of a record brings the Service's key at once; a change of pools brings all, behind
//      everything else; a record that is gone brings those that wait for an address
//   2. plan, carry out; a claim that was made is planned again at once, since the address goes into the status next
//   3. an address that was given back is looked at again when the Leases of the speakers say that they have seen it
import { formatIp } from '../src/core/address/index.ts'
import { type Step, isOurs, planService } from '../src/core/ipam/index.ts'
import {
  type Allocation,
  type Service,
  assignedCondition,
  claimAnnotation,
  findCondition,
  sharingKeyAnnotation,
} from '../src/core/model/index.ts'
import { type WorkOutcome, openWorkQueue } from '../src/io/kube/index.ts'
import { isMaterial, lookUpClaim } from '../src/io/pools/index.ts'
import type { Timer } from '../src/io/process/clock.ts'
import type { Ahead } from './ahead.ts'
import { openBreath } from './breath.ts'
import { openContest } from './contest.ts'
import { cooledUpToMs } from './cooling.ts'
import { type Duty, type Leading, queueTimes } from './duty.ts'
import type { Latency } from './latency.ts'
import { measureReasons } from './measure.ts'
import { carryOut, clearStatus } from './plan-steps.ts'
import { sameValue } from '../src/core/status/index.ts'
import type { StatusWrites } from './status-writes.ts'
import { recordsOf } from './view.ts'

const workers = 16
// Claim, then bind or status; more only when somebody else changes the same things at the same time.
const mostRounds = 4
/** Services that wait are tried again so long after what they may have waited for. */
const retryWaitingMs = 50
const coolingCheckMs = 20
/** For the rule about speakers that are silent: time alone is no event. */
const coolingAgainMs = 30_000
/** Queue key of a claim whose Service has no name yet; `:` is in no namespace. */
const claimPrefix = 'claim:'

export function keepServices(leading: Leading, statusWrites: StatusWrites, ahead: Ahead, latency: Latency): Duty {
  const { view, events, metrics, clock, random, log } = leading
  const { records } = view
  const contest = openContest(clock)
  const breathe = openBreath(50)
  const waiting = new Set<string>()
  /** Services without an address, and why. */
  const lacking = new Map<string, string>()
  const cooling = new Map<string, readonly string[]>()
  const lookedUp = new Map<string, string>()
  let retryTimer: Timer | undefined
  let coolingTimer: Timer | undefined
  const context = { leading, contest, begunMs: clock.wallMs(), statusWrites, ahead, latency }
  const queue = openWorkQueue({ work, workers, clock, random, log, ...queueTimes(leading, 'services') })

  async function work(key: string): Promise<WorkOutcome> {
    await breathe()
    if (key.startsWith(claimPrefix)) return workClaim(key.slice(claimPrefix.length))
    for (let round = 0; round < mostRounds; round++) {
      const outcome = await workService(key, ahead.of(key))
      if (outcome !== 'again') return outcome
    }
    return 'retry'
  }

  async function workService(key: string, service: Service | undefined): Promise<WorkOutcome | 'again'> {
    if (service === undefined) forgetService(key)
    else if (await lookUpOnce(key, service)) return 'retry'
    const named = recordsOf(records, key, service)
    if (service !== undefined && !service.deleting && !isOurs(service, view.pools, named.length > 0)) {
      const cleared = await clearStatus(context, key, service, named)
      if (cleared !== 'done') return cleared
    }
    return workPlan(key, ahead.of(key), named)
  }

  async function workPlan(
    key: string,
    service: Service | undefined,
    named: readonly Allocation[],
  ): Promise<WorkOutcome | 'again'> {
    const plan = planService({
      ...{ key, service, records: named, pools: view.pools, taken: records.taken, start: random() },
      findService: (namespace, name) => ahead.of(`${namespace}/${name}`),
      ageMs: (name) => records.ageMs(name),
      wasBound: (name, claim) => records.wasBound(name, claim),
      forceDeleted: (eip) => view.forceDeleted(eip),
      keptForMs: ({ retainedUntil }) =>
        retainedUntil === undefined ? undefined : Date.parse(retainedUntil) - clock.wallMs(),
    })
    if (plan.waits) waiting.add(key)
    else waiting.delete(key)
    noteLack(key, lackOf(service, plan.steps))
    const outcome = await carryOut(context, key, service, plan.steps)
    if (outcome.cooling.length > 0) cooling.set(key, outcome.cooling)
    else cooling.delete(key)
    if (outcome.then !== 'done') return outcome.then
    const recheckMs = [plan.recheckAfterMs, outcome.recheckAfterMs].filter((ms) => ms !== undefined)
    if (cooling.has(key)) recheckMs.push(coolingAgainMs)
    return recheckMs.length === 0 ? 'done' : { retryAfterMs: Math.min(...recheckMs) }
  }

  function noteLack(key: string, reason: string | undefined): void {
    if (reason === undefined) lacking.delete(key)
    else {
      lacking.set(key, reason)
      latency.forget(key)
    }
  }

  // A claim of a Service that has no name yet (generateName) and may never be stored.
  async function workClaim(claim: string): Promise<WorkOutcome> {
    const record = records.taken.ofClaim(claim).find(({ holders }) => holders.some((one) => isUnnamed(one, claim)))
    const holder = record?.holders.find((one) => isUnnamed(one, claim))
    if (record === undefined || holder === undefined) return 'done'
    const outcome = await workPlan(`${holder.namespace}/`, undefined, [record])
    return outcome === 'again' ? 'retry' : outcome
  }

  // The claim of the webhook may be on its way to us: the API server has it already. True: it could not be looked up.
  async function lookUpOnce(key: string, service: Service): Promise<boolean> {
    const claim = service.annotations[claimAnnotation]
    if (claim === undefined || service.ingress.length > 0 || lookedUp.get(key) === claim) return false
    const looked = await lookUpClaim(leading.client, records, service)
    if (looked) lookedUp.set(key, claim)
    return !looked
  }

  function forgetService(key: string): void {
    contest.forget(key)
    waiting.delete(key)
    lacking.delete(key)
    latency.forget(key)
    ahead.forget(key)
    lookedUp.delete(key)
  }

  function addHolders(record: Allocation | undefined): void {
    for (const { namespace, name, claim } of record?.holders ?? []) {
      if (name !== '') queue.add(`${namespace}/${name}`)
      else {
        queue.add(`${claimPrefix}${claim}`)
        const key = claimed.get(claim)
        if (key !== undefined) queue.add(key)
      }
    }
  }

  /** Claims that Services carry whose records are not known or do not know their names. */
  const claimed = new Map<string, string>()
  function noteClaim(key: string, before: Service | undefined, after: Service | undefined): void {
    const [was, is] = [before?.annotations[claimAnnotation], after?.annotations[claimAnnotation]]
    if (was !== undefined && was !== is && claimed.get(was) === key) claimed.delete(was)
    if (is !== undefined && after?.generateName !== '') claimed.set(is, key)
  }

  function retryWaiting(): void {
    retryTimer ??= clock.after(retryWaitingMs, () => {
      retryTimer = undefined
      for (const key of waiting) queue.add(key, 'low')
    })
  }

  function checkCooling(): void {
    if (cooling.size === 0) return
    coolingTimer ??= clock.after(coolingCheckMs, () => {
      coolingTimer = undefined
      const upToMs = cooledUpToMs(view.presence.entries(), (node) => view.nodes.has(node), clock.wallMs())
      for (const [key, names] of cooling) {
        if (names.some((name) => (records.releasedMs(name) ?? 0) <= upToMs)) queue.add(key)
      }
    })
  }

  function addAll(): void {
    for (const key of view.services.keys()) queue.add(key, 'low')
  }

  const unlisten = view.listen({
    service: (key, before, after) => {
      noteClaim(key, before, after)
      if (before === undefined && after?.ingress.length === 0) latency.begin(key, after, true)
      queue.add(key)
      if (after === undefined) {
        statusWrites.forget(key)
        tellReleased(before, recordsOf(records, key, undefined))
      }
      if (waiting.size > 0 && before !== undefined && sharesOtherwise(before, after)) retryWaiting()
    },
    record: (_name, before, after) => {
      addHolders(before)
      addHolders(after)
      if (after === undefined || (before !== undefined && !sameValue(before.holders, after.holders))) retryWaiting()
    },
    pools: (change) => {
      if (change.kind !== 'eip') retryWaiting()
      else if (isMaterial(change)) addAll()
      if (change.kind === 'eip' && (change.before === undefined || change.after === undefined))
        for (const record of records.taken.ofEip(change.name)) addHolders(record)
    },
    presence: checkCooling,
    node: checkCooling,
  })

  // openelb-api.md 3.4; other releases are told by the plan.
  function tellReleased(service: Service | undefined, held: readonly Allocation[]): void {
    if (service === undefined) return
    const { namespace, name, uid } = service
    for (const record of held) {
      const about = { apiVersion: 'v1', kind: 'Service', namespace, name, uid }
      events.record(about, 'Normal', 'ReleaseIP', `success to release ip: ${formatIp(record.address)}`)
    }
  }

  for (const [key, service] of view.services.entries()) {
    noteClaim(key, undefined, service)
    if (service.ingress.length === 0) latency.begin(key, service, false)
  }
  addAll()
  for (const record of records.reflector.store.values()) addHolders(record)

  return {
    depth: () => queue.depth(),
    measure: () => measureReasons(metrics.servicesWaiting, lacking.values()),
    async stop() {
      unlisten()
      retryTimer?.cancel()
      coolingTimer?.cancel()
      await queue.stop()
      metrics.servicesWaiting.replaceAll([])
    },
  }
}

// Why the Service has no address; undefined: it has one, or is about to.
function lackOf(service: Service | undefined, steps: readonly Step[]): string | undefined {
  if (service === undefined) return undefined
  const said = steps.flatMap((step) => (step.kind === 'writeStatus' ? step.conditions : []))
  const condition = findCondition(said, assignedCondition) ?? findCondition(service.conditions, assignedCondition)
  return condition?.status === 'False' ? condition.reason : undefined
}

function isUnnamed(holder: { readonly name: string; readonly claim: string }, claim: string): boolean {
  return holder.name === '' && holder.claim === claim
}

// What decides whether others may share an address with the Service.
function sharesOtherwise(before: Service, after: Service | undefined): boolean {
  const matters = (service: Service | undefined): unknown => [
    service?.annotations[sharingKeyAnnotation],
    service?.externalTrafficPolicy,
    service?.selector,
    service?.ports,
  ]
  return !sameValue(matters(before), matters(after))
}

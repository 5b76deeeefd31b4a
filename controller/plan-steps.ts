// The steps of a plan about one Service, carried out in their order.
import { sameIp } from '../src/core/address/index.ts'
import type { JsonPatch } from '../src/core/admission/json-patch.ts'
import type { Step } from '../src/core/ipam/index.ts'
import {
  type Allocation,
  type Condition,
  type Service,
  assignedCondition,
  findCondition,
  readService,
} from '../src/core/model/index.ts'
import { type WorkOutcome, services } from '../src/io/kube/index.ts'
import { claimAddresses } from '../src/io/pools/index.ts'
import type { Ahead } from './ahead.ts'
import { saysSame } from './conditions.ts'
import { type Contest, otherWriter } from './contest.ts'
import { type Leading, fieldManager } from './duty.ts'
import type { Latency } from './latency.ts'
import { outcomeOf } from './outcome.ts'
import { bindHolder, releaseHolder, retainRecord } from './record-writes.ts'
import { changesAnything, clearedStatusPatch, statusPatch } from './service-patch.ts'
import type { StatusWrites } from './status-writes.ts'

export interface StepContext {
  readonly leading: Leading
  readonly contest: Contest
  /** Our wall time since when everything is known that exists. */
  readonly begunMs: number
  /** Our wall time just before the addresses of a Service were written. */
  readonly statusWrites: StatusWrites
  readonly ahead: Ahead
  readonly latency: Latency
}

export interface CarriedOut {
  /** `again`: the plan has brought about what the next one rests on. */
  readonly then: WorkOutcome | 'again'
  readonly recheckAfterMs: number | undefined
  /** Names of records that wait for the speakers. */
  readonly cooling: readonly string[]
}

// One that collides so long that it is not through by then is planned anew.
const claimLimitMs = 10_000

type Done = { readonly then: WorkOutcome | 'again' } | { readonly recheckAfterMs: number } | 'done'

export async function carryOut(
  context: StepContext,
  key: string,
  service: Service | undefined,
  steps: readonly Step[],
): Promise<CarriedOut> {
  const { leading } = context
  const cooling: string[] = []
  let recheckAfterMs: number | undefined
  let again = false
  // Of a release that was told before: what follows it in the plan would say it again.
  let told = false
  // Known only of a status that was written just now: what left it some other way has left it by now at the latest.
  let releasedMs: number | undefined
  for (const step of steps) {
    if (step.kind === 'event' && step.reason === 'ReleaseIP' && told) continue
    if (step.kind === 'release') {
      told = leading.view.records.releasedMs(step.record.name) !== undefined
      const isGone = service === undefined || service.deleting
      const absentMs = absentSinceMs(context, step)
      const released = await releaseHolder(leading, { ...step, isGone, releasedMs: releasedMs ?? absentMs })
      if (released === 'cooling') cooling.push(step.record.name)
      else if (released !== 'done' && 'failed' in released) return { then: released.failed, recheckAfterMs, cooling }
      else if (released !== 'done')
        recheckAfterMs = Math.min(recheckAfterMs ?? released.retryAfterMs, released.retryAfterMs)
      continue
    }
    const done = await take(context, key, service, step)
    if (step.kind === 'writeStatus') releasedMs = context.statusWrites.of(key)
    if (done === 'done') continue
    if ('then' in done && done.then !== 'again') return { then: done.then, recheckAfterMs, cooling }
    if ('then' in done) again = true
    else recheckAfterMs = Math.min(recheckAfterMs ?? done.recheckAfterMs, done.recheckAfterMs)
  }
  return { then: again ? 'again' : 'done', recheckAfterMs, cooling }
}

// Of a claim that no Service was seen with, of a create that failed: the speakers have not seen one since then either, and
// on a quiet day they say so only once a minute.
function absentSinceMs(
  { leading, begunMs }: StepContext,
  { record, key }: Extract<Step, { kind: 'release' }>,
): number | undefined {
  const { records } = leading.view
  const holder = record.holders.find(({ namespace, name }) => `${namespace}/${name}` === key)
  if (holder !== undefined && records.wasBound(record.name, holder.claim)) return undefined
  return Math.max(begunMs, leading.clock.wallMs() - records.ageMs(record.name))
}

async function take(
  context: StepContext,
  key: string,
  service: Service | undefined,
  step: Exclude<Step, { kind: 'release' }>,
): Promise<Done> {
  const { leading } = context
  const count = (write: string, ok: boolean): void =>
    leading.metrics.serviceWrites.add({ write, outcome: ok ? 'done' : 'failed' })
  switch (step.kind) {
    case 'claim': {
      const { client, view, clock, log, metrics } = leading
      const claimed = await claimAddresses(
        { client, allocations: view.records, pools: view.pools, clock, log, attempts: metrics.claimAttempts },
        { ...step, readCollisions: true, dryRun: false, deadlineMs: clock.nowMs() + claimLimitMs },
      )
      count('claim', claimed.kind === 'claimed')
      return { then: claimed.kind === 'failed' ? outcomeOf(claimed.error) : 'again' }
    }
    case 'bind': {
      const failed = await bindHolder(leading, step)
      count('bind', failed === undefined)
      if (failed !== undefined) return { then: failed }
      // A Service that takes over an address, or joins its holders, has it from now on: that is planned anew.
      return service?.ingress.some((ip) => sameIp(ip, step.record.address)) === true ? 'done' : { then: 'again' }
    }
    case 'retain': {
      const kept = await retainRecord(leading, step.record, step.forMs)
      return 'failed' in kept ? { then: kept.failed } : { recheckAfterMs: kept.retryAfterMs }
    }
    case 'writeMetadata': {
      if (service === undefined) return 'done'
      const { namespace, name, resourceVersion } = service
      const test = { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion }
      const ref = { resource: services, namespace, name }
      const written = await leading.client.patch(ref, { type: 'json', body: [test, ...step.patch], fieldManager })
      count('metadata', written.ok)
      if (!written.ok) return { then: written.error.code === 'NotFound' ? 'done' : outcomeOf(written.error) }
      context.ahead.note(key, readService(written.value))
      return 'done'
    }
    case 'writeStatus':
      return service === undefined ? 'done' : writeStatus(context, key, service, step)
    case 'event':
      if (service !== undefined) recordEvent(leading, service, step)
  }
  return 'done'
}

function recordEvent(
  { events }: Leading,
  { namespace, name, uid }: Service,
  { type, reason, message }: Extract<Step, { kind: 'event' }>,
): void {
  events.record({ apiVersion: 'v1', kind: 'Service', namespace, name, uid }, type, reason, message)
}

/**
 * Of a Service that is ours no longer: our addresses and conditions go from its status, before label and claim do, since
 * without these it is no longer looked at.
 */
export async function clearStatus(
  context: StepContext,
  key: string,
  service: Service,
  records: readonly Allocation[],
): Promise<WorkOutcome> {
  const hasOurs = service.ingress.some((ip) => records.some(({ address }) => sameIp(address, ip)))
  const patch = clearedStatusPatch(service, hasOurs)
  if (!changesAnything(patch)) return 'done'
  if (hasOurs) context.statusWrites.note(key, context.leading.clock.wallMs())
  return patchStatus(context, key, service, patch)
}

async function writeStatus(
  context: StepContext,
  key: string,
  service: Service,
  { ingress, conditions }: Extract<Step, { kind: 'writeStatus' }>,
): Promise<Done> {
  const { leading, contest, statusWrites, latency } = context
  const { clock } = leading
  if (ingress !== undefined && ingress.length > 0) {
    const waitMs = contest.waitMs(key, ingress)
    if (waitMs > 0) return { then: { retryAfterMs: waitMs } }
  }
  const wanted = contest.isContested(key) ? await contested(leading, service, conditions) : conditions
  const patch =
    ingress?.length === 0 && conditions.length === 0
      ? clearedStatusPatch(service, true)
      : statusPatch(service, ingress, wanted.filter(isNewTo(service)), clock.wallMs())
  if (!changesAnything(patch)) return 'done'
  if (ingress !== undefined) statusWrites.note(key, clock.wallMs())
  const written = await patchStatus(context, key, service, patch)
  if (written !== 'done') return { then: written }
  if (ingress !== undefined && ingress.length > 0) {
    contest.wrote(key, ingress)
    latency.assigned(key)
  }
  return 'done'
}

async function patchStatus(
  { leading, ahead }: StepContext,
  key: string,
  { namespace, name }: Service,
  body: JsonPatch,
): Promise<WorkOutcome> {
  const ref = { resource: services, namespace, name }
  const written = await leading.client.patch(ref, { type: 'json', body, subresource: 'status', fieldManager })
  leading.metrics.serviceWrites.add({ write: 'status', outcome: written.ok ? 'done' : 'failed' })
  if (written.ok) ahead.note(key, readService(written.value))
  return written.ok || written.error.code === 'NotFound' ? 'done' : outcomeOf(written.error)
}

function isNewTo(service: Service): (condition: Condition) => boolean {
  return (condition) => !saysSame(findCondition(service.conditions, condition.type), condition)
}

// Row 8: the condition names the other writer, for as long as the contest lasts.
async function contested(
  { client }: Leading,
  service: Service,
  conditions: readonly Condition[],
): Promise<readonly Condition[]> {
  const stored = findCondition(service.conditions, assignedCondition)
  if (stored?.reason === 'StatusContested') return conditions.map((one) => (one.type === stored.type ? stored : one))
  const { namespace, name } = service
  const found = await client.get({ resource: services, namespace, name })
  const other = found.ok ? otherWriter(found.value, fieldManager) : undefined
  const who = other === undefined ? 'another program' : `the field manager ${other}`
  const message = `${who} keeps rewriting the status of Service ${namespace}/${name}; its address is written back less and less often: stop the other one`
  return conditions.map((one) =>
    one.type === assignedCondition ? { ...one, reason: 'StatusContested', message } : one,
  )
}

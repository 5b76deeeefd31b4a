// Claiming: an EipAllocation named after the address is created, and whoever creates it has the address. A create that
// finds the name taken goes on to the next candidate; one whose answer was lost is looked up before it is believed lost;
// one that turns out to be over the quota of its Eip is given back.
import { type Draft, type Pools, allocationObject } from '../../core/ipam/index.ts'
import { type Allocation, type Holder, allocationName, readAllocation } from '../../core/model/index.ts'
import type { KubeClient, KubeError } from '../kube/interface.ts'
import { eipAllocations } from '../kube/resources.ts'
import { type Clock, pause } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { CounterMetric } from '../telemetry/metrics.ts'
import type { Allocations } from './allocations.ts'
import { isWithinQuota } from './quota.ts'

export interface Claimer {
  readonly client: KubeClient
  readonly allocations: Pick<Allocations, 'learn' | 'forget' | 'taken'>
  readonly pools: Pick<Pools, 'eips'>
  readonly clock: Clock
  readonly log: Log
  readonly attempts: CounterMetric<'outcome'>
}

export interface ClaimRequest {
  /** Combinations of addresses that would do, best first; read lazily. */
  readonly candidates: Iterable<readonly Draft[]>
  /** The entry of the Service; by its claim our own record is known again. */
  readonly holder: Holder
  /** Whether collisions are read, so that the next decision can say who is in the way: when an address was asked for. */
  readonly readCollisions: boolean
  /** The Service has the address already and lacks its record only: maxPerNamespace is not asked. */
  readonly regains: boolean
  readonly dryRun: boolean
  /** On the clock's monotonic time: no call goes on beyond it. */
  readonly deadlineMs: number
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly drafts: readonly Draft[]; readonly records: readonly Allocation[] }
  /** Every candidate is taken, or the quota is reached; `allocations` knows by whom. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'failed'; readonly error: KubeError }

type One =
  | { readonly kind: 'claimed'; readonly record: Allocation }
  | { readonly kind: 'taken' }
  | { readonly kind: 'failed'; readonly error: KubeError }

/** All addresses of one candidate, or none: what was claimed for a candidate that did not work out is given back. */
export async function claimAddresses(claimer: Claimer, request: ClaimRequest): Promise<ClaimResult> {
  const held = new Map<string, Allocation>()
  const giveBackBut = (kept: ReadonlySet<string>): Promise<void> =>
    giveBack(
      claimer,
      request,
      [...held.values()].filter(({ name }) => !kept.has(name)),
    )
  for (const drafts of request.candidates) {
    const got = await claimCandidate(claimer, request, drafts, held)
    if (got.kind === 'failed') {
      await giveBackBut(new Set())
      return got
    }
    if (got.kind === 'claimed') {
      await giveBackBut(new Set(got.records.map(({ name }) => name)))
      const within = await areWithinQuota(claimer, request, got.records)
      if (within === true) return { ...got, drafts }
      await giveBack(claimer, request, got.records)
      return within === false ? { kind: 'taken' } : { kind: 'failed', error: within }
    }
  }
  await giveBackBut(new Set())
  return { kind: 'taken' }
}

async function areWithinQuota(
  { client, allocations, pools, clock }: Claimer,
  { holder, dryRun, regains, deadlineMs }: ClaimRequest,
  records: readonly Allocation[],
): Promise<boolean | KubeError> {
  if (dryRun || regains) return true
  for (const record of records) {
    const eip = pools.eips.get(record.eip)
    if (eip?.maxPerNamespace === undefined) continue
    const { namespace } = holder
    const timeoutMs = left(deadlineMs, clock)
    const within = await isWithinQuota(client, allocations, { eip, namespace, record, timeoutMs })
    if (!within.ok) return within.error
    if (!within.value) return false
  }
  return true
}

/** Deletes records that nobody else has touched since; one that cannot be deleted now ends as Held after 60 s. */
export async function giveBack(
  { client, allocations, log }: Claimer,
  { dryRun }: Pick<ClaimRequest, 'dryRun'>,
  records: readonly Allocation[],
): Promise<void> {
  if (dryRun) return
  await Promise.all(
    records.map(async ({ name, uid, resourceVersion }) => {
      const answer = await client.delete({ resource: eipAllocations, name }, { uid, resourceVersion, timeoutMs: 1_000 })
      if (answer.ok || answer.error.code === 'NotFound') allocations.forget(name)
      else log.warn('a claim was not given back', { allocation: name, code: answer.error.code })
    }),
  )
}

async function claimCandidate(
  claimer: Claimer,
  request: ClaimRequest,
  drafts: readonly Draft[],
  held: Map<string, Allocation>,
): Promise<{ readonly kind: 'claimed'; readonly records: readonly Allocation[] } | Exclude<One, { kind: 'claimed' }>> {
  const records: Allocation[] = []
  for (const draft of drafts) {
    const name = allocationName(draft.address)
    const one = held.has(name) ? undefined : await claimOne(claimer, request, draft)
    if (one !== undefined && one.kind !== 'claimed') return one
    const record = one?.record ?? held.get(name)
    if (record === undefined) continue
    held.set(name, record)
    records.push(record)
  }
  return { kind: 'claimed', records }
}

async function claimOne(claimer: Claimer, request: ClaimRequest, draft: Draft): Promise<One> {
  const { client, clock, allocations, attempts } = claimer
  const { dryRun, deadlineMs, holder } = request
  let mayExist = false
  let error: KubeError = { code: 'Timeout', message: 'there was no time left to claim an address' }
  for (let remainingMs = deadlineMs - clock.nowMs(); remainingMs > 0; remainingMs = deadlineMs - clock.nowMs()) {
    const answer = await client.create(eipAllocations, allocationObject(draft, holder), {
      dryRun,
      timeoutMs: remainingMs,
    })
    if (answer.ok) {
      attempts.add({ outcome: 'created' })
      const record = readAllocation(answer.value)
      if (record === undefined) return malformed(draft)
      if (!dryRun) allocations.learn(record)
      return { kind: 'claimed', record }
    }
    if (answer.error.code === 'AlreadyExists') {
      attempts.add({ outcome: 'taken' })
      return lookAtCollision(claimer, request, draft, mayExist)
    }
    attempts.add({ outcome: 'failed' })
    error = answer.error
    if (!worthAnotherTry(error)) break
    mayExist = true
    await pause(clock, Math.min(error.retryAfterMs ?? 50, Math.max(0, deadlineMs - clock.nowMs())))
  }
  if (mayExist && !dryRun) void giveBackLater(claimer, request, draft)
  return { kind: 'failed', error }
}

// Whose record stands there: our own when an earlier answer was lost.
async function lookAtCollision(
  { client, clock, allocations }: Claimer,
  { holder, readCollisions, deadlineMs }: ClaimRequest,
  draft: Draft,
  mayBeOurs: boolean,
): Promise<One> {
  const name = allocationName(draft.address)
  if (mayBeOurs || readCollisions) {
    const answer = await client.get({ resource: eipAllocations, name }, { timeoutMs: left(deadlineMs, clock) })
    const record = answer.ok ? readAllocation(answer.value) : undefined
    if (record !== undefined) {
      allocations.learn(record)
      return record.holders.some(({ claim }) => claim === holder.claim)
        ? { kind: 'claimed', record }
        : { kind: 'taken' }
    }
    // Given back in between: free again, for the next plan.
    if (!answer.ok && answer.error.code === 'NotFound') return { kind: 'taken' }
  }
  allocations.learn(unknownHolder(draft))
  return { kind: 'taken' }
}

// The create may have happened without our knowing; the review was answered without the address.
async function giveBackLater(claimer: Claimer, request: ClaimRequest, draft: Draft): Promise<void> {
  const { client, clock, allocations } = claimer
  await pause(clock, 1_000)
  const name = allocationName(draft.address)
  const answer = await client.get({ resource: eipAllocations, name })
  const record = answer.ok ? readAllocation(answer.value) : undefined
  if (record === undefined) return
  allocations.learn(record)
  const [holder, ...others] = record.holders
  if (holder?.claim === request.holder.claim && others.length === 0) await giveBack(claimer, request, [record])
}

function worthAnotherTry({ code }: KubeError): boolean {
  return (
    code === 'Timeout' ||
    code === 'Unreachable' ||
    code === 'Server' ||
    code === 'MalformedAnswer' ||
    code === 'TooManyRequests'
  )
}

// Stands in the index until the watch brings the real one: the address is in use, by whom is not known yet.
function unknownHolder({ address, eip, protocol }: Draft): Allocation {
  return {
    namespace: '',
    name: allocationName(address),
    uid: '',
    resourceVersion: '',
    generation: 0,
    creationTimestamp: '',
    deleting: false,
    labels: {},
    annotations: {},
    finalizers: [],
    address,
    eip,
    protocol,
    holders: [],
    retainedUntil: undefined,
  }
}

function malformed(draft: Draft): One {
  const message = `the API server answered with an EipAllocation ${allocationName(draft.address)} that has no address`
  return { kind: 'failed', error: { code: 'MalformedAnswer', message } }
}

function left(deadlineMs: number, clock: Clock): number {
  return Math.max(1, deadlineMs - clock.nowMs())
}

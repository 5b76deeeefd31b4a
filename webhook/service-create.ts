// A Service being created: decide, claim, tell the outcome; and where the claim found the world different from what was
// believed, decide again with what was learnt.
import { type Admission, type ServiceReview, decideAdmission } from '../src/core/admission/index.ts'
import { type Draft, type Pools, allocationObject } from '../src/core/ipam/index.ts'
import { parseIp } from '../src/core/address/index.ts'
import {
  type Allocation,
  type Reason,
  addressAnnotation,
  allocationName,
  claimAnnotation,
  eitherSpelling,
  readAllocation,
} from '../src/core/model/index.ts'
import { type KubeError, eipAllocations } from '../src/io/kube/index.ts'
import type { Allocations } from './allocations.ts'
import { type Verdict, allowed } from './answer.ts'
import { type Claimer, claimAddresses, giveBack } from './claim.ts'
import { isWithinQuota } from './quota.ts'

export interface ServiceContext extends Claimer {
  readonly allocations: Allocations
  readonly pools: Pools
  readonly random: () => number
  readonly newNonce: () => string
  readonly unavailable: 'wait' | 'refuse'
}

// Each round has learnt of at least one record that was in the way.
const mostRounds = 5

// Giving back is waited for, but not for long.
const graceMs = 200

/**
 * `deadlineMs` on the monotonic clock. Never refuses a Service for what the API server does not do in time: it is
 * created, and a claim that nobody was told of ends as Held, or is taken over by the controller for this very Service.
 */
export async function answerServiceCreate(
  context: ServiceContext,
  review: ServiceReview,
  deadlineMs: number,
): Promise<Verdict> {
  const { clock } = context
  const { promise: tooLate, resolve } = Promise.withResolvers<Verdict>()
  const timer = clock.after(deadlineMs + graceMs - clock.nowMs(), () => resolve(later(undefined)))
  try {
    return await Promise.race([decideAndClaim(context, review, deadlineMs), tooLate])
  } finally {
    timer.cancel()
  }
}

async function decideAndClaim(context: ServiceContext, review: ServiceReview, deadlineMs: number): Promise<Verdict> {
  const { pools, allocations, random, newNonce, unavailable, clock, log } = context
  await lookUpClaim(context, review, deadlineMs)
  const nonce = newNonce()
  let admission: Admission | undefined
  for (let round = 0; round < mostRounds && clock.nowMs() < deadlineMs; round++) {
    admission = decideAdmission(review, pools, allocations.taken, { start: random(), nonce, unavailable })
    if (admission.kind !== 'claim') return verdictOf(admission)
    const outcome = await claim(context, review, admission, nonce, deadlineMs)
    if (outcome.kind === 'claimed')
      return { allowed: true, warnings: admission.warnings, patch: admission.patch(outcome.drafts) }
    if (outcome.kind === 'failed') {
      log.warn('an address was not claimed', { service: nameOf(review), code: outcome.error.code })
      return later(outcome.error)
    }
  }
  return admission?.kind === 'claim' ? verdictOf(admission.exhausted()) : later(undefined)
}

type Outcome =
  | { readonly kind: 'claimed'; readonly drafts: readonly Draft[] }
  | { readonly kind: 'again' }
  | { readonly kind: 'failed'; readonly error: KubeError }

async function claim(
  context: ServiceContext,
  review: ServiceReview,
  admission: Extract<Admission, { kind: 'claim' }>,
  nonce: string,
  deadlineMs: number,
): Promise<Outcome> {
  const { dryRun } = review
  const result = await claimAddresses(context, {
    candidates: admission.candidates,
    objectOf: (draft) => allocationObject(draft, admission.holder),
    claim: nonce,
    readCollisions: admission.askedAddress,
    dryRun,
    deadlineMs,
  })
  if (result.kind === 'taken') return { kind: 'again' }
  if (result.kind === 'failed') return result
  if (dryRun) return { kind: 'claimed', drafts: result.drafts }
  const within = await checkQuota(context, review, result.records, deadlineMs)
  if (within === true) return { kind: 'claimed', drafts: result.drafts }
  await giveBack(context, review, result.records)
  return within === false ? { kind: 'again' } : { kind: 'failed', error: within }
}

async function checkQuota(
  { client, allocations, pools, clock }: ServiceContext,
  { service }: ServiceReview,
  records: readonly Allocation[],
  deadlineMs: number,
): Promise<boolean | KubeError> {
  for (const record of records) {
    const eip = pools.eips.get(record.eip)
    if (eip?.maxPerNamespace === undefined) continue
    const timeoutMs = Math.max(1, deadlineMs - clock.nowMs())
    const { namespace } = service
    const within = await isWithinQuota(client, allocations, { eip, namespace, record, timeoutMs })
    if (!within.ok) return within.error
    if (!within.value) return false
  }
  return true
}

// Called a second time for one request, perhaps at another replica, the Service carries the nonce of the first call: a
// consistent read of the records it names says whether that claim is known (reinvocationPolicy IfNeeded).
async function lookUpClaim(
  { client, allocations, clock }: ServiceContext,
  { service }: ServiceReview,
  deadlineMs: number,
): Promise<void> {
  const nonce = service.annotations[claimAnnotation]
  if (nonce === undefined || allocations.taken.ofClaim(nonce).length > 0) return
  const named = (eitherSpelling(service.annotations, addressAnnotation) ?? '').split(',')
  for (const ip of named.map((text) => parseIp(text.trim()))) {
    if (ip === undefined) continue
    const timeoutMs = Math.max(1, deadlineMs - clock.nowMs())
    const answer = await client.get({ resource: eipAllocations, name: allocationName(ip) }, { timeoutMs })
    const record = answer.ok ? readAllocation(answer.value) : undefined
    if (record !== undefined) allocations.learn(record)
  }
}

function verdictOf(outcome: Exclude<Admission, { kind: 'claim' }>): Verdict {
  if (outcome.kind === 'ignore') return allowed
  if (outcome.kind === 'refuse') return { allowed: false, reason: outcome.reason }
  return { allowed: true, warnings: outcome.warnings, patch: outcome.patch }
}

// Not a fault of the Service: it is created, and the controller sees to its address.
function later(error: KubeError | undefined): Verdict {
  const why = error === undefined ? 'was too busy' : `did not take the claim (${error.code})`
  const reason: Reason = {
    code: 'NoAddress',
    message: `no address yet: the API server ${why}; the controller of Bellhop will assign one`,
  }
  return { allowed: true, warnings: [reason], patch: [] }
}

function nameOf({ service }: ServiceReview): string {
  return `${service.namespace}/${service.name === '' ? `${service.generateName}*` : service.name}`
}

// A Service being created: decide, claim, tell the outcome; and where the claim found the world different from what was
// believed, decide again with what was learnt.
import { type Admission, type ServiceReview, decideAdmission } from '../src/core/admission/index.ts'
import type { Pools } from '../src/core/ipam/index.ts'
import { type Allocation, type Reason, type ReasonCode, readAllocation } from '../src/core/model/index.ts'
import { type KubeError, eipAllocations } from '../src/io/kube/index.ts'
import { type Allocations, type Claimer, claimAddresses, lookUpClaim } from '../src/io/pools/index.ts'
import { type Verdict, allowed } from './answer.ts'
import { lookAgain } from './look-again.ts'

export interface ServiceContext extends Claimer {
  readonly allocations: Allocations
  readonly pools: Pools
  readonly random: () => number
  readonly newNonce: () => string
  readonly unavailable: 'wait' | 'refuse'
}

// Each round has learnt of at least one record that was in the way; of those who race for the last of a quota some are
// over it several times, and time is what ends that.
const mostRounds = 12

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
  const { client, allocations, random, newNonce, unavailable, clock, log } = context
  let { pools } = context
  // Called a second time for one request, perhaps at another replica, the Service carries the nonce of the first call
  // (reinvocationPolicy IfNeeded).
  await lookUpClaim(client, allocations, review.service, Math.max(1, deadlineMs - clock.nowMs()))
  const nonce = newNonce()
  let admission: Admission | undefined
  const lookedAgain = new Set<ReasonCode>()
  for (let round = 0; round < mostRounds && clock.nowMs() < deadlineMs; round++) {
    admission = decideAdmission(review, pools, allocations.taken, { start: random(), nonce, unavailable })
    if (admission.kind === 'reuse') {
      const found = await areStillThere(context, admission.records, deadlineMs)
      if (found === true) return { allowed: true, warnings: [], patch: admission.patch }
      if (found === false) continue
      return later(found)
    }
    const no =
      admission.kind === 'refuse' ? admission.reason : admission.kind === 'wait' ? admission.warnings[0] : undefined
    if (no !== undefined && !lookedAgain.has(no.code)) {
      lookedAgain.add(no.code)
      const { namespace } = review.service
      const current = await lookAgain(context, { no, namespace, deadlineMs })
      if (current !== undefined) {
        pools = current
        continue
      }
    }
    if (admission.kind !== 'claim') return verdictOf(admission)
    const claimed = await claimAddresses(
      { ...context, pools },
      {
        candidates: admission.candidates,
        holder: admission.holder,
        readCollisions: admission.askedAddress,
        regains: false,
        dryRun: review.dryRun,
        deadlineMs,
      },
    )
    if (claimed.kind === 'claimed')
      return { allowed: true, warnings: admission.warnings, patch: admission.patch(claimed.drafts) }
    if (claimed.kind === 'failed') {
      log.warn('an address was not claimed', { service: nameOf(review), code: claimed.error.code })
      return later(claimed.error)
    }
  }
  return admission?.kind === 'claim' ? verdictOf(admission.exhausted()) : later(undefined)
}

// Of a Service deleted a moment ago the record may be gone too, and our watch not have told yet: its address would be
// promised though nobody holds it. False: something else was learnt.
async function areStillThere(
  { client, allocations, clock }: ServiceContext,
  records: readonly Allocation[],
  deadlineMs: number,
): Promise<boolean | KubeError> {
  for (const { name, uid, holders } of records) {
    const found = await client.get(
      { resource: eipAllocations, name },
      { timeoutMs: Math.max(1, deadlineMs - clock.nowMs()) },
    )
    if (!found.ok && found.error.code !== 'NotFound') return found.error
    const record = found.ok ? readAllocation(found.value) : undefined
    if (record === undefined) allocations.forget(name)
    else allocations.learn(record)
    const claims = record?.holders.map(({ claim }) => claim)
    if (record?.uid !== uid || !holders.every(({ claim }) => claims?.includes(claim) === true)) return false
  }
  return true
}

function verdictOf(outcome: Exclude<Admission, { kind: 'claim' | 'reuse' }>): Verdict {
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

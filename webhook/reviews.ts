// From an AdmissionReview to its answer: read, pick the rule by the path, measure.
import {
  type Judgement,
  type Review,
  judgeBgpConf,
  judgeBgpPeer,
  judgeEip,
  judgeServiceUpdate,
  putBackClaim,
  readReview,
  serviceOf,
} from '../src/core/admission/index.ts'
import type { Pools } from '../src/core/ipam/index.ts'
import { readEip } from '../src/core/model/index.ts'
import type { HandlerAnswer, ReviewHandler } from '../src/io/http/admission-server.ts'
import type { Metrics } from '../src/io/telemetry/metrics.ts'
import { type Verdict, allowed, toReview } from './answer.ts'
import { answerConversion } from './convert.ts'
import { type LookAgain, lookAgain } from './look-again.ts'
import { type ServiceContext, answerServiceCreate } from './service-create.ts'

export interface ReviewContext extends ServiceContext {
  readonly metrics: Pick<Metrics, 'admissionDecisions' | 'admissionDuration'>
  /** False until everything that decisions rest on has been listed. */
  readonly isSynced: () => boolean
}

// The API server waits 3 s (timeoutSeconds) and then goes on without us: an answer must be there before.
const budgetMs = 2_500

type Rule = (context: ReviewContext, review: Review, deadlineMs: number) => Promise<Verdict> | Verdict

const rules: Readonly<Record<string, Rule>> = {
  '/mutate-service': mutateService,
  '/validate-service': validateService,
  '/validate-eip': validateEip,
  '/validate-bgppeer': (_context, { object, oldObject }) =>
    object === undefined ? allowed : verdictOf(judgeBgpPeer(object, oldObject)),
  '/validate-bgpconf': (_context, { object, oldObject }) =>
    object === undefined ? allowed : verdictOf(judgeBgpConf(object, oldObject)),
}

/** One handler a path; the paths stand in the webhook configurations and, for `/convert`, in the definitions of the kinds. */
export function reviewHandlers(context: ReviewContext): ReadonlyMap<string, ReviewHandler> {
  return new Map<string, ReviewHandler>([
    ...Object.entries(rules).map(([path, rule]): [string, ReviewHandler] => [
      path,
      (body, receivedMs) => answerReview(context, path, rule, body, receivedMs),
    ]),
    ['/convert', (body, receivedMs) => answerConversion(context.metrics, body, receivedMs)],
  ])
}

async function answerReview(
  context: ReviewContext,
  path: string,
  rule: Rule,
  body: unknown,
  receivedMs: number,
): Promise<HandlerAnswer> {
  const { metrics, isSynced } = context
  const read = readReview(body)
  if (!read.ok) {
    metrics.admissionDecisions.add({ path, decision: 'malformed', reason: '' })
    return { status: 400, message: read.message }
  }
  const verdict = isSynced() ? await rule(context, read.review, receivedMs + budgetMs) : allowed
  metrics.admissionDecisions.add({ path, ...decisionOf(verdict) })
  metrics.admissionDuration.observe({ path }, (performance.now() - receivedMs) / 1000)
  return { status: 200, body: toReview(read.review.uid, verdict) }
}

function mutateService(context: ReviewContext, review: Review, deadlineMs: number): Promise<Verdict> | Verdict {
  const { object, oldObject, dryRun } = review
  if (object === undefined) return allowed
  const service = serviceOf(object, review)
  if (review.operation === 'CREATE') return answerServiceCreate(context, { service, dryRun }, deadlineMs)
  if (oldObject === undefined) return allowed
  const patch = putBackClaim(serviceOf(oldObject, review), service, context.pools)
  return { allowed: true, warnings: [], patch }
}

function validateService(context: ReviewContext, review: Review, deadlineMs: number): Promise<Verdict> | Verdict {
  const { allocations, unavailable } = context
  const { object, oldObject } = review
  if (object === undefined || oldObject === undefined) return allowed
  const before = serviceOf(oldObject, review)
  const after = serviceOf(object, review)
  return judgeTwice(context, { namespace: after.namespace, deadlineMs }, (pools) =>
    judgeServiceUpdate(before, after, pools, allocations.taken, unavailable),
  )
}

function validateEip(
  context: ReviewContext,
  { operation, object, oldObject }: Review,
  deadlineMs: number,
): Promise<Verdict> | Verdict {
  const before = oldObject === undefined ? undefined : readEip(oldObject)
  const after = object === undefined ? undefined : readEip(object)
  return judgeTwice(context, { eip: (after ?? before)?.name, deadlineMs }, (pools) =>
    judgeEip({ operation, before, after }, pools, context.allocations.taken),
  )
}

// What is allowed is answered from what the watches know; a "no" only after the API server was asked.
async function judgeTwice(
  context: ReviewContext,
  about: Omit<LookAgain, 'no'>,
  judge: (pools: Pools) => Judgement,
): Promise<Verdict> {
  const first = judge(context.pools)
  if (first.kind === 'allow') return verdictOf(first)
  const current = await lookAgain(context, { ...about, no: first.reason })
  return verdictOf(current === undefined ? first : judge(current))
}

function verdictOf(judgement: Judgement): Verdict {
  return judgement.kind === 'refuse'
    ? { allowed: false, reason: judgement.reason }
    : { allowed: true, warnings: judgement.warnings, patch: [] }
}

// One warning stands for all: the series stay few.
function decisionOf(verdict: Verdict): { readonly decision: string; readonly reason: string } {
  if (!verdict.allowed) return { decision: 'refused', reason: verdict.reason.code }
  const [warning] = verdict.warnings
  if (warning !== undefined) return { decision: 'warned', reason: warning.code }
  return { decision: verdict.patch.length > 0 ? 'changed' : 'unchanged', reason: '' }
}

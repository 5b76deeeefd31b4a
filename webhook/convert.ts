// Objects of our kinds between v1alpha1 and v1alpha2 (ConversionReview). It needs nothing that is listed first: the very
// lists may need it.
import { convertReview } from '../src/core/api/index.ts'
import type { HandlerAnswer } from '../src/io/http/admission-server.ts'
import type { Metrics } from '../src/io/telemetry/metrics.ts'

const path = '/convert'

/** A Failure is an answer too: the API server passes its sentence on to whoever asked. */
export function answerConversion(
  metrics: Pick<Metrics, 'admissionDecisions' | 'admissionDuration'>,
  body: unknown,
  receivedMs: number,
): Promise<HandlerAnswer> {
  const review = convertReview(body)
  const decision = review.response.result.status === 'Success' ? 'converted' : 'refused'
  metrics.admissionDecisions.add({ path, decision, reason: '' })
  metrics.admissionDuration.observe({ path }, (performance.now() - receivedMs) / 1000)
  return Promise.resolve({ status: 200, body: review })
}

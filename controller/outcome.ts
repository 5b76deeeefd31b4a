// What a failed call means for the key that was worked on.
import type { KubeError, WorkOutcome } from '../src/io/kube/index.ts'

/**
 * `NotFound` and `Conflict`: the object is gone or has changed, so the view is about to change too and the key will be
 * looked at again; the retry is for the case that it was not. Everything else backs off, a 429 as long as it says.
 */
export function outcomeOf({ code, retryAfterMs }: KubeError): WorkOutcome {
  return code === 'TooManyRequests' && retryAfterMs !== undefined ? { retryAfterMs } : 'retry'
}

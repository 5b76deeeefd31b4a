// Time as an argument: everything that waits or measures gets a Clock, so that tests can drive it.

export interface Timer {
  /** No effect when the timer has fired or was cancelled before. */
  cancel(): void
}

export interface Clock {
  /** Milliseconds on a monotonic clock of arbitrary origin: for intervals, ages and deadlines. */
  nowMs(): number
  /** Milliseconds since 1970-01-01 UTC: for what is written into objects; may jump. */
  wallMs(): number
  /** Calls `fire` once, `delayMs` from now (at once, but never synchronously, when that is not positive). */
  after(delayMs: number, fire: () => void): Timer
}

// setTimeout fires at once when asked for more than this.
const longestTimeoutMs = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fire) {
    const timeout = setTimeout(fire, Math.min(Math.max(0, delayMs), longestTimeoutMs))
    return { cancel: () => clearTimeout(timeout) }
  },
}

/** Resolves `delayMs` from now, or at once when `signal` is aborted (look at the signal to tell them apart). */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve()
    const finish = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = clock.after(delayMs, finish)
    signal?.addEventListener('abort', finish)
  })
}

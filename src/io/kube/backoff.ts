import type { KubeError } from './interface.ts'

export interface BackoffBounds {
  readonly minMs: number
  readonly maxMs: number
}

/**
 * Milliseconds to wait after `failures` failures in a row (1 or more): doubling from `minMs` up to `maxMs`, of which
 * the upper half is random, so that many clients of a server that comes back do not come all at once.
 */
export function backoffMs(failures: number, random: () => number, { minMs, maxMs }: BackoffBounds): number {
  const wholeMs = Math.min(maxMs, minMs * 2 ** Math.min(30, failures - 1))
  return wholeMs * (0.5 + random() / 2)
}

/** API servers ask for 32 s at most; a proxy that asks for an hour would have us announce what is gone for as long. */
const longestAskedMs = 40_000

/**
 * The same, but not before the server said to come back, as far as `longestAskedMs`; up to a quarter later, so that not all
 * do at once.
 */
export function retryDelayMs(
  failures: number,
  error: KubeError | undefined,
  random: () => number,
  bounds: BackoffBounds,
): number {
  const askedMs = Math.min(longestAskedMs, error?.retryAfterMs ?? 0) * (1 + random() / 4)
  return Math.max(askedMs, backoffMs(failures, random, bounds))
}

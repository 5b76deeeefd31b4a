import { setTimeout as pause } from 'node:timers/promises'

export interface WaitOptions {
  /** Default 10 s. */
  readonly timeoutMs?: number
  /** Default 50 ms. */
  readonly everyMs?: number
}

/** Thrown by a condition that can never come true any more: ends the wait at once. */
export class GiveUp extends Error {}

/**
 * Asks `condition` until it answers with something other than undefined, null or false, and resolves with that. A
 * condition that throws is asked again. Rejects after `timeoutMs` with one sentence: `what`, and what `missing` says
 * then or what was thrown last.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 50, missing }: WaitOptions & { readonly missing?: () => string } = {},
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + timeoutMs
  let last = ''
  for (;;) {
    try {
      const value = await condition()
      if (value !== undefined && value !== null && value !== false) return value as Exclude<T, undefined | null | false>
      last = missing?.() ?? ''
    } catch (error) {
      if (error instanceof GiveUp) throw new GiveUp(`${what}: never (${error.message})`, { cause: error })
      last = error instanceof Error ? error.message : String(error)
    }
    if (performance.now() >= deadline) break
    await pause(everyMs)
  }
  throw new Error(`${what}: not within ${timeoutMs / 1000} s${last === '' ? '' : ` (${last})`}`)
}

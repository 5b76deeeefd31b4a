import { type ManualClock, settle } from '../../unit/io/process/manual-clock.ts'

/** Waits in real time until `holds`; fails with what was missing. */
export async function waitFor(what: string, holds: () => boolean, timeoutMs = 5000): Promise<void> {
  const untilMs = performance.now() + timeoutMs
  while (!holds()) {
    if (performance.now() > untilMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/**
 * Waits like waitFor while a clock of the test moves on by itself: for code whose pauses are on that clock and whose
 * requests are real. The clock moves `stepMs` each time nothing has happened for some turns of the event loop.
 */
export async function advanceUntil(
  clock: ManualClock,
  what: string,
  holds: () => boolean,
  { stepMs = 100, maxMs = 3_600_000 }: { stepMs?: number; maxMs?: number } = {},
): Promise<void> {
  const untilMs = performance.now() + 10_000
  const startMs = clock.nowMs()
  while (!holds()) {
    if (performance.now() > untilMs || clock.nowMs() - startMs > maxMs)
      throw new Error(`not within ${Math.round(clock.nowMs() - startMs)} ms of the test's clock: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
    await settle()
    if (!holds()) await clock.advance(stepMs)
  }
}

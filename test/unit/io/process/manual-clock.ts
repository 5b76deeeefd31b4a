import type { Clock } from '../../../../src/io/process/clock.ts'

export interface ManualClock extends Clock {
  /** Moves time on, firing what comes due in order; promises settle between two timers and at the end. */
  advance(byMs: number): Promise<void>
  /** The same, without letting promises settle. */
  advanceSync(byMs: number): void
  /** Moves only the wall clock, as a step of NTP does. */
  stepWall(byMs: number): void
  /** Milliseconds until the next timer, if any. */
  nextInMs(): number | undefined
  /** Timers that wait. */
  readonly waiting: number
}

interface Waiting {
  readonly dueMs: number
  readonly order: number
  readonly fire: () => void
}

/** A clock that stands still until told; both clocks start at `startMs`. */
export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = 0
  let wallOffsetMs = startMs
  let order = 0
  const waiting = new Set<Waiting>()

  function next(): Waiting | undefined {
    let first: Waiting | undefined
    for (const timer of waiting) {
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order)
      )
        first = timer
    }
    return first
  }

  function fireNext(untilMs: number): boolean {
    const timer = next()
    if (timer === undefined || timer.dueMs > untilMs) return false
    waiting.delete(timer)
    nowMs = Math.max(nowMs, timer.dueMs)
    timer.fire()
    return true
  }

  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs + wallOffsetMs,
    after(delayMs, fire) {
      const timer = { dueMs: nowMs + Math.max(0, delayMs), order: order++, fire }
      waiting.add(timer)
      return { cancel: () => void waiting.delete(timer) }
    },
    async advance(byMs) {
      const untilMs = nowMs + byMs
      await settle()
      while (fireNext(untilMs)) await settle()
      nowMs = untilMs
    },
    advanceSync(byMs) {
      const untilMs = nowMs + byMs
      while (fireNext(untilMs));
      nowMs = untilMs
    },
    stepWall: (byMs) => void (wallOffsetMs += byMs),
    nextInMs: () => {
      const timer = next()
      return timer === undefined ? undefined : timer.dueMs - nowMs
    },
    get waiting() {
      return waiting.size
    },
  }
}

/** Lets everything that waits on settled promises run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

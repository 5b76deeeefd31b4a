// How often an object may be written: summaries are watched by every speaker, so each of them changes seldom.
import type { Clock } from '../src/io/process/clock.ts'

export interface Pace {
  /** Milliseconds until `name` may be written again; 0: now. */
  waitMs(name: string): number
  /** It is being written. */
  mark(name: string): void
  forget(name: string): void
}

/**
 * At least `gapMs()` between two marks of one name. While marks follow one another without a pause the gap doubles each
 * time, `mostDoublings` times at most.
 */
export function openPace(clock: Clock, gapMs: () => number, mostDoublings = 0): Pace {
  const marks = new Map<string, { readonly atMs: number; readonly doublings: number }>()
  const dueMs = (name: string): number => {
    const mark = marks.get(name)
    return mark === undefined ? Number.NEGATIVE_INFINITY : mark.atMs + gapMs() * 2 ** mark.doublings
  }
  return {
    waitMs: (name) => Math.max(0, dueMs(name) - clock.nowMs()),
    mark(name) {
      const atMs = clock.nowMs()
      const isPause = atMs - dueMs(name) >= gapMs()
      const doublings = isPause ? 0 : Math.min(mostDoublings, (marks.get(name)?.doublings ?? 0) + 1)
      marks.set(name, { atMs, doublings })
    },
    forget: (name) => void marks.delete(name),
  }
}

/**
 * Between two summaries of one object (design §5): a second, more with more than a hundred nodes. `leastMs`: in its place
 * for what is done more often, and slows down alike.
 */
export function summaryGapMs(nodes: number, leastMs = 1000): number {
  return Math.max(1, nodes / 100) * leastMs
}

// How often an object may be written: summaries are watched by every speaker, so each of them changes seldom.
import type { Clock } from '../src/io/process/clock.ts'

export interface Pace {
  /** Milliseconds until `name` may be written again; 0: now. */
  waitMs(name: string): number
  /** It is being written. */
  mark(name: string): void
  forget(name: string): void
}

/** At least `gapMs()` between two marks of one name. */
export function openPace(clock: Clock, gapMs: () => number): Pace {
  const lastMs = new Map<string, number>()
  return {
    waitMs(name) {
      const last = lastMs.get(name)
      return last === undefined ? 0 : Math.max(0, last + gapMs() - clock.nowMs())
    },
    mark: (name) => void lastMs.set(name, clock.nowMs()),
    forget: (name) => void lastMs.delete(name),
  }
}

/** Between two summaries of one object (design §5): a second, more with more than a hundred nodes. */
export function summaryGapMs(nodes: number): number {
  return Math.max(1, nodes / 100) * 1000
}

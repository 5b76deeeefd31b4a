// Whether the server was away for a while, by how calls ended. A watch whose stream died without a word (a load balancer
// keeps its connection up, and the server behind it is another one now) looks like one that has nothing to say: the only
// sign is that calls failed and succeed again.
import type { Clock, Timer } from '../process/clock.ts'
import type { Answer } from './interface.ts'

export interface Outages {
  /** How a call has ended; watches are no calls. */
  note(answer: Answer<unknown>): void
  /** `onBack` is called when calls succeed again after one found nobody. Returns a function that ends it. */
  listen(onBack: () => void): () => void
  close(): void
}

// A server that fails every other call must not be asked for every watch every other call.
const leastGapMs = 30_000

export function openOutages(clock: Clock): Outages {
  const listeners = new Set<() => void>()
  let isAway = false
  let telling: Timer | undefined
  let toldMs = Number.NEGATIVE_INFINITY

  function tell(): void {
    telling = undefined
    toldMs = clock.nowMs()
    for (const listener of listeners) listener()
  }

  return {
    note(answer) {
      if (!answer.ok) {
        const { code } = answer.error
        isAway ||= code === 'Timeout' || code === 'Unreachable' || code === 'Server'
      } else if (isAway) {
        isAway = false
        telling ??= clock.after(Math.max(0, toldMs + leastGapMs - clock.nowMs()), tell)
      }
    },
    listen(onBack) {
      listeners.add(onBack)
      return () => void listeners.delete(onBack)
    },
    close: () => telling?.cancel(),
  }
}

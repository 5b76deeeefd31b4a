// Whether the server was away for a while, by how calls ended. A watch whose stream died without a word (a load balancer
// keeps its connection up, and the server behind it is another one now) looks like one that has nothing to say: the only
// sign is that calls failed and succeed again.
import type { Clock, Timer } from '../process/clock.ts'
import type { Answer, KubeError } from './interface.ts'

export interface Outages {
  /** How a call has ended; watches are no calls. */
  note(answer: Answer<unknown>): void
  /**
   * `onBack` is called when calls succeed again after one found nobody, with the time at which the last one did: what the
   * server answered after it is not in doubt. Returns a function that ends it.
   */
  listen(onBack: (lastFailureMs: number) => void): () => void
  close(): void
}

// A server that fails every other call must not be asked for every watch every other call.
const leastGapMs = 30_000
const foundNobody: ReadonlySet<KubeError['code']> = new Set(['Timeout', 'Unreachable', 'Server'])

export function openOutages(clock: Clock): Outages {
  const listeners = new Set<(lastFailureMs: number) => void>()
  let isAway = false
  let lastFailureMs = Number.NEGATIVE_INFINITY
  let telling: Timer | undefined
  let toldMs = Number.NEGATIVE_INFINITY

  function tell(): void {
    telling = undefined
    toldMs = clock.nowMs()
    for (const listener of listeners) listener(lastFailureMs)
  }

  return {
    note(answer) {
      if (!answer.ok) {
        if (!foundNobody.has(answer.error.code)) return
        isAway = true
        lastFailureMs = clock.nowMs()
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

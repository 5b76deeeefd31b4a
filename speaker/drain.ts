// The Node's annotation bellhop.dev/drain → the phases of draining (RFC 8326): first the routes carry
// GRACEFUL_SHUTDOWN, so that routers move the traffic while the way is still there; then they are withdrawn. Sessions
// stay up.
import type { DrainPhase } from '../src/core/announce/index.ts'
import type { Clock, Timer } from '../src/io/process/clock.ts'

/** Routers choose anew within milliseconds; routers behind them within a few seconds. */
const taggedMs = 5000

export interface Drain {
  /** `started`: something is announced that can be tagged. */
  set(drain: boolean, started: boolean): void
  stop(): void
}

export function openDrain(clock: Clock, onPhase: (phase: DrainPhase) => void): Drain {
  let phase: DrainPhase = 'none'
  let timer: Timer | undefined
  function enter(next: DrainPhase): void {
    if (phase === next) return
    phase = next
    onPhase(next)
  }
  return {
    set: (drain, started) => {
      if (!drain) {
        timer?.cancel()
        enter('none')
      } else if (phase === 'none') {
        enter(started ? 'tagged' : 'withdrawn')
        if (started) timer = clock.after(taggedMs, () => enter('withdrawn'))
      }
    },
    stop: () => timer?.cancel(),
  }
}

// While addresses are being assigned, what users wait for less is held back: the API server and we have better things to
// do. One timer for all that is held, however much it is.
import type { Clock, Timer } from '../src/io/process/clock.ts'
import type { StatusWrites } from './status-writes.ts'

/** No address was written for so long: the rush is over. */
const quietMs = 250
/** A rush that never ends holds nothing up for longer. */
const longestHoldMs = 3_000
/** What was let go then is not held again while it is worked on. */
const openMs = 1_000

export interface Rush {
  /** True: held back; `onOver` gets the key in time. False: go ahead. */
  hold(key: string): boolean
  stop(): void
}

export function openRush(
  clock: Clock,
  statusWrites: Pick<StatusWrites, 'latestMs'>,
  onOver: (keys: readonly string[]) => void,
): Rush {
  const held = new Set<string>()
  let heldSinceMs = 0
  let openUntilMs = Number.NEGATIVE_INFINITY
  let timer: Timer | undefined

  // A wall clock that was set back must not hold anything up.
  function isQuiet(): boolean {
    const sinceMs = clock.wallMs() - statusWrites.latestMs()
    return sinceMs < 0 || sinceMs >= quietMs
  }

  function look(): void {
    timer = undefined
    const isLong = clock.nowMs() - heldSinceMs >= longestHoldMs
    if (!isLong && !isQuiet()) {
      timer = clock.after(quietMs, look)
      return
    }
    if (isLong) openUntilMs = clock.nowMs() + openMs
    const keys = [...held]
    held.clear()
    onOver(keys)
  }

  return {
    hold(key) {
      if (clock.nowMs() < openUntilMs || isQuiet()) return false
      if (held.size === 0) heldSinceMs = clock.nowMs()
      held.add(key)
      timer ??= clock.after(quietMs, look)
      return true
    },
    stop: () => timer?.cancel(),
  }
}

// While addresses are being assigned, what users wait for less is held back: the API server and we have better things to
// do. One timer for all that is held, however much it is.
import type { Clock, Timer } from '../src/io/process/clock.ts'
import type { StatusWrites } from './status-writes.ts'

/** No address was written for so long: the rush is over. */
const quietMs = 250
/** After so long in a rush that does not end, some are let go at each look: those that have waited longest. */
const longestHoldMs = 20_000
const someAtOnce = 1

export interface Rush {
  /** True: held back; `onOver` gets the key in time. False: go ahead. */
  hold(key: string): boolean
  isOn(): boolean
  stop(): void
}

export function openRush(
  clock: Clock,
  statusWrites: Pick<StatusWrites, 'latestMs'>,
  onOver: (keys: readonly string[]) => void,
): Rush {
  const held = new Set<string>()
  let heldSinceMs = 0
  /** Let go during the rush, not held again. */
  const passing = new Set<string>()
  let timer: Timer | undefined

  // A wall clock that was set back must not hold anything up.
  function isQuiet(): boolean {
    const sinceMs = clock.wallMs() - statusWrites.latestMs()
    return sinceMs < 0 || sinceMs >= quietMs
  }

  function look(): void {
    timer = undefined
    const isOver = isQuiet()
    const isLong = clock.nowMs() - heldSinceMs >= longestHoldMs
    const keys = isOver ? [...held] : isLong ? [...held].slice(0, someAtOnce) : []
    for (const key of keys) {
      held.delete(key)
      if (!isOver) passing.add(key)
    }
    if (isOver) passing.clear()
    if (held.size > 0) timer = clock.after(quietMs, look)
    if (keys.length > 0) onOver(keys)
  }

  return {
    hold(key) {
      if (passing.delete(key) || isQuiet()) return false
      if (held.size === 0) heldSinceMs = clock.nowMs()
      held.add(key)
      timer ??= clock.after(quietMs, look)
      return true
    },
    isOn: () => !isQuiet(),
    stop: () => timer?.cancel(),
  }
}

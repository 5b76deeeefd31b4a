import type { TimerName } from '../../core/bgp/session/index.ts'
import type { Clock, Timer } from '../process/clock.ts'

interface Armed {
  at: number
  readonly timer: Timer
}

/**
 * The timers of one session. Arming one again for later, as every KEEPALIVE does with the hold timer, costs nothing:
 * the one that runs looks at its time again when it fires.
 */
export class SessionTimers {
  readonly #clock: Clock
  readonly #fire: (name: TimerName) => void
  readonly #armed = new Map<TimerName, Armed>()

  constructor(clock: Clock, fire: (name: TimerName) => void) {
    this.#clock = clock
    this.#fire = fire
  }

  /** `at` on the clock's monotonic time, milliseconds. */
  arm(name: TimerName, at: number): void {
    const armed = this.#armed.get(name)
    if (armed !== undefined && armed.at <= at) {
      armed.at = at
      return
    }
    armed?.timer.cancel()
    this.#start(name, at)
  }

  disarm(name: TimerName): void {
    this.#armed.get(name)?.timer.cancel()
    this.#armed.delete(name)
  }

  disarmAll(): void {
    for (const { timer } of this.#armed.values()) timer.cancel()
    this.#armed.clear()
  }

  #start(name: TimerName, at: number): void {
    const timer = this.#clock.after(at - this.#clock.nowMs(), () => this.#due(name))
    this.#armed.set(name, { at, timer })
  }

  #due(name: TimerName): void {
    const armed = this.#armed.get(name)
    if (armed === undefined) return
    this.#armed.delete(name)
    // Half a millisecond: timers of the system fire that much early.
    if (armed.at - this.#clock.nowMs() > 0.5) this.#start(name, armed.at)
    else this.#fire(name)
  }
}

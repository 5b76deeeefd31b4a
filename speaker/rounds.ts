// When the kernel is looked at and changed: one thing at a time, either the keys that were touched or a resync of all.
//
// 1. What is touched while a round runs is the next round.
// 2. A resync every 13 s, so that what others removed is back within 15, the work included; after a round in which
//    something failed it comes sooner: after 1 s, then 2, 4, 8.
// 3. A resync that failed may have left out what was touched before it: that is a round of its own then.
import type { Clock, Timer } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'

export interface RoundsOptions {
  readonly clock: Clock
  readonly log: Log
  /** Both: whether everything asked of the kernel was done; a resync does so for the keys that were touched too. */
  readonly resync: (keys: ReadonlySet<string>) => Promise<boolean>
  readonly apply: (keys: ReadonlySet<string>) => Promise<boolean>
}

export interface Rounds {
  touch(key: string): void
  /** Begins with a resync; before it, nothing is done. */
  start(): void
  /** Resolves when nothing is left to do. */
  settled(): Promise<void>
  /** Resolves when the round that runs has ended; no other begins. */
  stop(): Promise<void>
}

const resyncMs = 13_000
const firstRetryMs = 1000

export function openRounds({ clock, log, resync, apply }: RoundsOptions): Rounds {
  let touched = new Set<string>()
  let isResyncDue = false
  let failedResyncs = 0
  let dueMs = Number.POSITIVE_INFINITY
  let timer: Timer | undefined
  let started = false
  let stopped = false
  let running: Promise<void> | undefined

  function resyncWithin(delayMs: number): void {
    const atMs = clock.nowMs() + delayMs
    if (atMs >= dueMs) return
    timer?.cancel()
    dueMs = atMs
    timer = clock.after(delayMs, () => {
      dueMs = Number.POSITIVE_INFINITY
      isResyncDue = true
      run()
    })
  }

  async function oneRound(): Promise<void> {
    const keys = touched
    touched = new Set()
    if (!isResyncDue) {
      if (!(await apply(keys))) resyncWithin(retryMs())
      return
    }
    isResyncDue = false
    if (await resync(keys)) {
      failedResyncs = 0
      return resyncWithin(resyncMs)
    }
    resyncWithin(retryMs())
    failedResyncs++
    for (const key of keys) touched.add(key)
  }

  function retryMs(): number {
    return Math.min(resyncMs, firstRetryMs * 2 ** failedResyncs)
  }

  async function work(): Promise<void> {
    for (;;) {
      if (stopped || !(isResyncDue || touched.size > 0)) return
      await oneRound()
    }
  }

  function run(): void {
    if (!started || stopped || running !== undefined) return
    running = work()
      .catch((error: unknown) => {
        log.error('the host routes could not be applied', { error })
        resyncWithin(resyncMs)
      })
      .finally(() => {
        running = undefined
        if (isResyncDue || touched.size > 0) run()
      })
  }

  return {
    touch: (key) => {
      touched.add(key)
      run()
    },
    start: () => {
      started = true
      isResyncDue = true
      run()
    },
    settled: async () => {
      for (;;) {
        if (running === undefined) return
        await running
      }
    },
    stop: async () => {
      stopped = true
      timer?.cancel()
      await running
    },
  }
}

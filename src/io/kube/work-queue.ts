// Keys to be worked on: each at most once in the queue, each run by at most one worker, each with a backoff of its own.
// What a key needs is looked up when it runs, so that ten changes in a row are one run.
import type { Clock, Timer } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { backoffMs } from './backoff.ts'

/**
 * `done` clears the key's backoff. `retry` runs it again after its backoff. `retryAfterMs` runs it again then and clears
 * the backoff: for what is merely not due yet.
 */
export type WorkOutcome = 'done' | 'retry' | { readonly retryAfterMs: number }

export interface WorkQueueOptions {
  /** One at a time per key. Throwing counts as `retry` and is logged. */
  readonly work: (key: string) => Promise<WorkOutcome>
  /** Keys at a time. */
  readonly workers: number
  readonly clock: Clock
  /** 0 ≤ x < 1, for jitter. */
  readonly random: () => number
  readonly log: Log
  /** Told of each run: how long the key was ready before, and how long the work took. */
  readonly onRun?: ((waitedMs: number, workedMs: number) => void) | undefined
  /** Default 50 ms. */
  readonly minBackoffMs?: number | undefined
  /** Default 30 s. */
  readonly maxBackoffMs?: number | undefined
}

export interface WorkQueue {
  /**
   * Runs the key soon: once, however often it was added before it starts; again when it was added while running. A key
   * added as `low` waits until no other is ready; added again without, it moves up.
   */
  add(key: string, lane?: 'normal' | 'low'): void
  /** As add, `delayMs` from now; of several for one key the earliest counts. */
  addAfter(key: string, delayMs: number): void
  /** Keys that could run now and do not yet. */
  depth(): number
  /** Starts nothing more; resolves when what runs has ended. */
  stop(): Promise<void>
}

export function openWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { work, workers, clock, random, log, onRun, minBackoffMs = 50, maxBackoffMs = 30_000 } = options
  /** Ready keys in the order they came, and since when each is. */
  const normal = new Map<string, number>()
  const low = new Map<string, number>()
  const running = new Set<string>()
  /** Added while running, with the lane. */
  const again = new Map<string, 'normal' | 'low'>()
  const failures = new Map<string, number>()
  const retries = new Map<string, Timer>()
  const delayed = new Map<string, { readonly dueMs: number; readonly timer: Timer }>()
  let stopped = false
  let onIdle: () => void = () => {}
  const idle = new Promise<void>((resolve) => (onIdle = resolve))

  function add(key: string, lane: 'normal' | 'low' = 'normal'): void {
    if (stopped) return
    if (running.has(key)) {
      if (lane === 'normal' || !again.has(key)) again.set(key, lane)
      return
    }
    if (normal.has(key)) return
    if (lane === 'normal') {
      normal.set(key, low.get(key) ?? clock.nowMs())
      low.delete(key)
    } else if (!low.has(key)) {
      low.set(key, clock.nowMs())
    }
    startMore()
  }

  function addAfter(key: string, delayMs: number): void {
    if (stopped) return
    const dueMs = clock.nowMs() + delayMs
    const known = delayed.get(key)
    if (known !== undefined) {
      if (known.dueMs <= dueMs) return
      known.timer.cancel()
    }
    const timer = clock.after(delayMs, () => {
      delayed.delete(key)
      add(key)
    })
    delayed.set(key, { dueMs, timer })
  }

  function startMore(): void {
    while (running.size < workers) {
      const lane = normal.size > 0 ? normal : low
      const [next] = lane
      if (next === undefined) return
      const [key, readyMs] = next
      lane.delete(key)
      running.add(key)
      void runOne(key, readyMs)
    }
  }

  async function runOne(key: string, readyMs: number): Promise<void> {
    const startedMs = clock.nowMs()
    // This run is the retry that was due.
    retries.get(key)?.cancel()
    retries.delete(key)
    let outcome: WorkOutcome
    try {
      outcome = await work(key)
    } catch (error) {
      log.error('work on a key failed', { key, error })
      outcome = 'retry'
    }
    onRun?.(startedMs - readyMs, clock.nowMs() - startedMs)
    running.delete(key)
    if (stopped) {
      if (running.size === 0) onIdle()
      return
    }
    settle(key, outcome)
    const lane = again.get(key)
    again.delete(key)
    if (lane !== undefined) add(key, lane)
    startMore()
  }

  function settle(key: string, outcome: WorkOutcome): void {
    if (outcome !== 'retry') {
      failures.delete(key)
      if (outcome !== 'done') addAfter(key, outcome.retryAfterMs)
      return
    }
    const count = (failures.get(key) ?? 0) + 1
    failures.set(key, count)
    const delayMs = backoffMs(count, random, { minMs: minBackoffMs, maxMs: maxBackoffMs })
    const timer = clock.after(delayMs, () => {
      retries.delete(key)
      add(key)
    })
    retries.set(key, timer)
  }

  return {
    add,
    addAfter,
    depth: () => normal.size + low.size,
    stop() {
      stopped = true
      for (const timer of retries.values()) timer.cancel()
      for (const { timer } of delayed.values()) timer.cancel()
      for (const map of [normal, low, again, failures, retries, delayed]) map.clear()
      if (running.size === 0) onIdle()
      return idle
    },
  }
}

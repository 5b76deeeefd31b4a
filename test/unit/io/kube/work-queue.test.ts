import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as fc from 'fast-check'

import { type WorkOutcome, type WorkQueue, openWorkQueue } from '../../../../src/io/kube/index.ts'
import { silentLog } from '../../../../src/io/telemetry/log.ts'
import { type ManualClock, manualClock, settle } from '../process/manual-clock.ts'

interface Bench {
  readonly queue: WorkQueue
  readonly clock: ManualClock
  /** `key@ms` of every start. */
  readonly starts: string[]
  /** Ends the oldest run of the key. */
  finish(key: string, outcome?: WorkOutcome): Promise<void>
  readonly running: () => readonly string[]
}

function open(workers = 4, answer?: (key: string, run: number) => WorkOutcome | Error): Bench {
  const clock = manualClock()
  const starts: string[] = []
  const running: { key: string; end: (outcome: WorkOutcome) => void }[] = []
  const runs = new Map<string, number>()
  const queue = openWorkQueue({
    work: (key) => {
      starts.push(`${key}@${Math.round(clock.nowMs())}`)
      const run = (runs.get(key) ?? 0) + 1
      runs.set(key, run)
      const outcome = answer?.(key, run)
      if (outcome instanceof Error) return Promise.reject(outcome)
      if (outcome !== undefined) return Promise.resolve(outcome)
      return new Promise((end) => running.push({ key, end }))
    },
    workers,
    clock,
    random: () => 1,
    log: silentLog,
    minBackoffMs: 50,
    maxBackoffMs: 1000,
  })
  return {
    queue,
    clock,
    starts,
    running: () => running.map(({ key }) => key),
    finish: async (key, outcome = 'done') => {
      const index = running.findIndex((run) => run.key === key)
      assert.ok(index >= 0, `${key} is running`)
      running.splice(index, 1)[0]?.end(outcome)
      await settle()
    },
  }
}

void test('a key added many times before it starts runs once', async () => {
  const bench = open(1)
  bench.queue.add('busy')
  for (let index = 0; index < 5; index++) bench.queue.add('a')
  assert.equal(bench.queue.depth(), 1)
  await bench.finish('busy')
  await bench.finish('a')
  assert.deepEqual(bench.starts, ['busy@0', 'a@0'])
  assert.equal(bench.queue.depth(), 0)
})

void test('a key added while it runs runs again afterwards, never beside itself', async () => {
  const bench = open()
  bench.queue.add('a')
  bench.queue.add('a')
  bench.queue.add('a')
  assert.deepEqual(bench.running(), ['a'])
  await bench.finish('a')
  assert.deepEqual(bench.starts, ['a@0', 'a@0'])
  await bench.finish('a')
  assert.equal(bench.starts.length, 2)
})

void test('no more keys at a time than workers, in the order they came, low ones last', async () => {
  const bench = open(2)
  for (const key of ['a', 'b']) bench.queue.add(key)
  bench.queue.add('low', 'low')
  bench.queue.add('promoted', 'low')
  bench.queue.add('c')
  bench.queue.add('promoted')
  assert.equal(bench.queue.depth(), 3)
  for (const key of ['a', 'b', 'c', 'promoted']) await bench.finish(key)
  assert.deepEqual(
    bench.starts.map((start) => start.split('@')[0]),
    ['a', 'b', 'c', 'promoted', 'low'],
  )
})

void test('backoff doubles for each key on its own, up to the most, and success clears it', async () => {
  const bench = open(4, (key, run) => (key === 'bad' && run <= 8 ? 'retry' : 'done'))
  bench.queue.add('bad')
  bench.queue.add('good')
  await bench.clock.advance(10_000)
  assert.deepEqual(bench.starts, [
    ...['bad@0', 'good@0', 'bad@50', 'bad@150', 'bad@350', 'bad@750', 'bad@1550'],
    ...['bad@2550', 'bad@3550', 'bad@4550'],
  ])
})

void test('work that throws is tried again', async () => {
  const bench = open(1, (_, run) => (run === 1 ? new Error('a defect') : 'done'))
  bench.queue.add('a')
  await bench.clock.advance(1000)
  assert.deepEqual(bench.starts, ['a@0', 'a@50'])
})

void test('an added key does not wait for its backoff, nor runs a second time when that ends', async () => {
  const bench = open(1, (_, run) => (run === 1 ? 'retry' : 'done'))
  bench.queue.add('a')
  await bench.clock.advance(10)
  bench.queue.add('a')
  await bench.clock.advance(1000)
  assert.deepEqual(bench.starts, ['a@0', 'a@10'])
})

void test('what is not due yet runs when it is, without a backoff', async () => {
  const bench = open(1, (_, run) => (run <= 3 ? { retryAfterMs: 700 } : 'done'))
  bench.queue.add('a')
  await bench.clock.advance(10_000)
  assert.deepEqual(bench.starts, ['a@0', 'a@700', 'a@1400', 'a@2100'])
})

void test('of several delays for one key the earliest counts', async () => {
  const bench = open(1, () => 'done')
  bench.queue.addAfter('a', 500)
  bench.queue.addAfter('a', 200)
  bench.queue.addAfter('a', 900)
  await bench.clock.advance(2000)
  assert.deepEqual(bench.starts, ['a@200'])
})

void test('stop starts nothing more and waits for what runs', async () => {
  const bench = open(1)
  bench.queue.add('a')
  bench.queue.add('b')
  bench.queue.addAfter('c', 10)
  let stopped = false
  const stopping = bench.queue.stop().then(() => (stopped = true))
  bench.queue.add('d')
  await bench.clock.advance(1000)
  assert.equal(stopped, false)
  await bench.finish('a', 'retry')
  await stopping
  await bench.clock.advance(60_000)
  assert.deepEqual(bench.starts, ['a@0'])
  assert.equal(bench.clock.waiting, 0)
})

void test('whatever is added and however runs end: never two of a key, and each addition is followed by a start', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ add: fc.constantFrom('a', 'b', 'c'), low: fc.boolean() }),
      fc.record({ end: fc.nat(3), outcome: fc.constantFrom<WorkOutcome>('done', 'retry', { retryAfterMs: 30 }) }),
      fc.record({ advance: fc.nat(200) }),
    ),
    { maxLength: 40 },
  )
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const bench = open(2)
      const owed = new Set<string>()
      let seen = 0
      const check = (): void => {
        const running = bench.running()
        assert.equal(new Set(running).size, running.length, 'one at a time per key')
        assert.ok(running.length <= 2, 'no more than the workers')
        for (const start of bench.starts.slice(seen)) owed.delete(start.split('@')[0] ?? '')
        seen = bench.starts.length
      }
      for (const step of script) {
        if ('add' in step) {
          bench.queue.add(step.add, step.low ? 'low' : 'normal')
          // The start may be this very call's.
          const startedNow = bench.starts.slice(seen).some((start) => start.startsWith(step.add))
          if (!startedNow) owed.add(step.add)
        } else if ('end' in step) {
          const key = bench.running()[step.end]
          if (key !== undefined) await bench.finish(key, step.outcome)
        } else await bench.clock.advance(step.advance)
        check()
      }
      for (let round = 0; round < 20 && bench.running().length > 0; round++) {
        for (const key of bench.running()) await bench.finish(key)
        check()
      }
      assert.deepEqual([...owed], [], 'every addition was followed by a start')
    }),
    { numRuns: 200 },
  )
})

void test('each run is told with how long its key was ready and how long the work took, from its first addition on', async () => {
  const clock = manualClock()
  const runs: string[] = []
  const ends: (() => void)[] = []
  const queue = openWorkQueue({
    work: () => new Promise((end) => ends.push(() => end('done'))),
    onRun: (waitedMs, workedMs) => runs.push(`${Math.round(waitedMs)} ${Math.round(workedMs)}`),
    ...{ workers: 1, clock, random: () => 1, log: silentLog },
  })
  queue.add('first')
  queue.add('second', 'low')
  await clock.advance(10)
  // Moved up: it has waited since it was added.
  queue.add('second')
  queue.add('second', 'low')
  await clock.advance(20)
  ends.shift()?.()
  await settle()
  await clock.advance(5)
  ends.shift()?.()
  await settle()
  assert.deepEqual(runs, ['0 30', '30 5'])
})

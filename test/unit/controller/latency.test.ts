import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLatency } from '../../../controller/latency.ts'
import type { Service } from '../../../src/core/model/index.ts'
import { manualClock } from '../io/process/manual-clock.ts'

function open() {
  const clock = manualClock()
  const seen: string[] = []
  const histogram = (name: string) => ({
    observe: (_labels: unknown, value: number) => void seen.push(`${name} ${value.toFixed(2)}`),
    remove: () => {},
  })
  const metrics = { timeToAddress: histogram('address'), timeToAdvertised: histogram('advertised') }
  const created = (agoMs: number): Service =>
    ({ creationTimestamp: new Date(clock.wallMs() - agoMs).toISOString() }) as Service
  return { clock, seen, latency: openLatency(clock, metrics), created }
}

void test('a Service that comes is timed from when it is seen, not from its whole second; each step once', async () => {
  const { clock, seen, latency, created } = open()
  latency.begin('a/web', created(900), true)
  await clock.advance(20)
  latency.assigned('a/web')
  // The second address of two.
  await clock.advance(500)
  latency.assigned('a/web')
  latency.advertised('a/web')
  latency.advertised('a/web')
  assert.deepEqual(seen, ['address 0.02', 'advertised 0.52'])
})

void test('one that was there when we began to lead is timed from its creation', async () => {
  const { clock, seen, latency, created } = open()
  latency.begin('a/web', created(9_000), false)
  await clock.advance(1_000)
  latency.assigned('a/web')
  assert.deepEqual(seen, ['address 10.00'])
})

void test('what waits for somebody, is gone, or had its address before is not timed', () => {
  const { seen, latency, created } = open()
  latency.begin('a/waits', created(0), true)
  latency.forget('a/waits')
  latency.assigned('a/waits')
  latency.advertised('a/waits')
  latency.begin('a/early', created(0), true)
  latency.advertised('a/early')
  latency.advertised('a/other')
  assert.deepEqual(seen, [])
})

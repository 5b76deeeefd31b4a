import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPace } from '../../../controller/pace.ts'
import { manualClock } from '../io/process/manual-clock.ts'

void test('what changes without a pause is written after 1, 2, 4, 4 gaps; after a pause soon again', async () => {
  const clock = manualClock()
  const pace = openPace(clock, () => 1_000, 2)
  const waits: number[] = []
  for (let each = 0; each < 5; each++) {
    const waitMs = pace.waitMs('pool')
    waits.push(waitMs)
    await clock.advance(waitMs)
    pace.mark('pool')
  }
  assert.deepEqual(waits, [0, 1_000, 2_000, 4_000, 4_000])
  await clock.advance(4_999)
  assert.equal(pace.waitMs('pool'), 0)
  await clock.advance(1)
  pace.mark('pool')
  assert.equal(pace.waitMs('pool'), 1_000)
})

void test('each name has a pace of its own, and none once it is forgotten', () => {
  const clock = manualClock()
  const pace = openPace(clock, () => 1_000)
  pace.mark('pool')
  assert.equal(pace.waitMs('pool'), 1_000)
  assert.equal(pace.waitMs('other'), 0)
  pace.forget('pool')
  assert.equal(pace.waitMs('pool'), 0)
})

void test('what is news to somebody is written after one gap each time, however often it changes', async () => {
  const clock = manualClock()
  const pace = openPace(clock, () => 1_000)
  for (let each = 0; each < 5; each++) {
    pace.mark('peer')
    assert.equal(pace.waitMs('peer'), 1_000)
    await clock.advance(1_000)
  }
})

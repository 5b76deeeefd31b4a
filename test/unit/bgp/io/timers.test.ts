import assert from 'node:assert/strict'
import { test } from 'node:test'

import { SessionTimers } from '../../../../src/io/bgp/timers.ts'
import { manualClock } from '../../io/process/manual-clock.ts'

test('a timer fires once at its time; armed again for later it fires then', () => {
  const clock = manualClock()
  const fired: string[] = []
  const timers = new SessionTimers(clock, (name) => fired.push(`${name} ${clock.nowMs()}`))
  timers.arm('hold', 100)
  clock.advanceSync(60)
  timers.arm('hold', 160)
  timers.arm('keepalive', 80)
  clock.advanceSync(300)
  assert.deepEqual(fired, ['keepalive 80', 'hold 160'])
})

test('armed again for earlier it fires earlier, and once', () => {
  const clock = manualClock()
  const fired: number[] = []
  const timers = new SessionTimers(clock, () => fired.push(clock.nowMs()))
  timers.arm('hold', 240_000)
  timers.arm('hold', 90)
  clock.advanceSync(300_000)
  assert.deepEqual(fired, [90])
})

test('a thousand KEEPALIVEs leave one timer of the system', () => {
  const clock = manualClock()
  const timers = new SessionTimers(clock, () => assert.fail('no hold time is over'))
  for (let i = 1; i <= 1000; i++) {
    timers.arm('hold', clock.nowMs() + 90_000)
    assert.equal(clock.waiting, 1)
    clock.advanceSync(30_000)
  }
  timers.disarmAll()
  assert.equal(clock.waiting, 0)
  clock.advanceSync(200_000)
})

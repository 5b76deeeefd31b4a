import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRush } from '../../../controller/rush.ts'
import { openStatusWrites } from '../../../controller/status-writes.ts'
import { manualClock } from '../io/process/manual-clock.ts'

function open() {
  const clock = manualClock()
  const writes = openStatusWrites()
  const over: string[][] = []
  const rush = openRush(clock, writes, (keys) => over.push([...keys]))
  return { clock, writes, over, rush, assign: () => writes.note('shop/any', clock.wallMs()) }
}

void test('nothing is held while no address is being assigned', () => {
  const { rush } = open()
  assert.equal(rush.hold('shop/web'), false)
})

void test('in a rush all is held, each once, and let go together when it is over', async () => {
  const { clock, over, rush, assign } = open()
  for (let each = 0; each < 5; each++) {
    assign()
    assert.equal(rush.hold('shop/web'), true)
    assert.equal(rush.hold('shop/api'), true)
    await clock.advance(200)
  }
  assert.deepEqual(over, [])
  await clock.advance(500)
  assert.deepEqual(over, [['shop/web', 'shop/api']])
  assert.equal(rush.hold('shop/web'), false)
  assert.equal(clock.waiting, 0)
})

void test('a rush that does not end lets one go at a time from 20 s on, the longest held first, and each passes once', async () => {
  const { clock, over, rush, assign } = open()
  assign()
  for (const name of ['a', 'b', 'c']) assert.equal(rush.hold(`shop/${name}`), true)
  for (let passedMs = 0; passedMs < 21_000 && over.length < 3; passedMs += 50) {
    await clock.advance(50)
    assign()
    assert.ok(over.length === 0 || passedMs >= 19_900, `let go after ${passedMs} ms`)
  }
  assert.deepEqual(over, [['shop/a'], ['shop/b'], ['shop/c']])
  assert.equal(rush.hold('shop/a'), false)
  assert.equal(rush.hold('shop/a'), true)
  rush.stop()
})

void test('a wall clock that was set back holds nothing', () => {
  const { clock, rush, assign } = open()
  assign()
  clock.stepWall(-60_000)
  assert.equal(rush.hold('shop/web'), false)
})

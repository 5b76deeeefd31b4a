import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFence } from '../../../controller/fence.ts'
import { openPace, summaryGapMs } from '../../../controller/pace.ts'
import { sameValue } from '../../../src/core/status/index.ts'
import { type KubeClient, eips } from '../../../src/io/kube/index.ts'
import { manualClock } from '../io/process/manual-clock.ts'

void test('after the term nothing is written; what is read still is', async () => {
  const calls: string[] = []
  const record = (name: string) => () => {
    calls.push(name)
    return Promise.resolve({ ok: true, value: { metadata: {} } })
  }
  const names = ['get', 'list', 'create', 'patch', 'replace', 'delete'] as const
  const inner = Object.fromEntries(names.map((name) => [name, record(name)])) as unknown as KubeClient
  const fence = openFence(inner)
  const ref = { resource: eips, name: 'a' }
  const object = { apiVersion: '', kind: '', metadata: {} }
  const callAll = () =>
    Promise.all([
      fence.client.get(ref),
      fence.client.list(eips),
      fence.client.create(eips, object),
      fence.client.patch(ref, { type: 'json', body: [] }),
      fence.client.replace(ref, object),
      fence.client.delete(ref),
    ])
  assert.ok((await callAll()).every(({ ok }) => ok))
  fence.close()
  calls.length = 0
  const answers = await callAll()
  assert.deepEqual(calls, ['get', 'list'])
  assert.deepEqual(
    answers.map(({ ok }) => ok),
    [true, true, false, false, false, false],
  )
})

void test('a name is written again after the gap at the earliest', async () => {
  const clock = manualClock()
  const pace = openPace(clock, () => 1_000)
  assert.equal(pace.waitMs('a'), 0)
  pace.mark('a')
  await clock.advance(400)
  assert.equal(pace.waitMs('a'), 600)
  assert.equal(pace.waitMs('b'), 0)
  await clock.advance(600)
  assert.equal(pace.waitMs('a'), 0)
})

void test('summaries are a second apart, ten with a thousand nodes', () => {
  assert.equal(summaryGapMs(3), 1_000)
  assert.equal(summaryGapMs(1_000), 10_000)
})

void test('JSON values are the same whatever the order of their fields', () => {
  assert.equal(sameValue({ a: 1, b: [{ c: 2 }] }, { b: [{ c: 2 }], a: 1 }), true)
  assert.equal(sameValue({ a: undefined }, {}), true)
  assert.equal(sameValue([1, 2], [2, 1]), false)
  assert.equal(sameValue([], {}), false)
  assert.equal(sameValue({ a: 1 }, { a: 1, b: 0 }), false)
  assert.equal(sameValue(undefined, {}), false)
})

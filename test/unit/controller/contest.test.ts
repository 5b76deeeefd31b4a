import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openContest, otherWriter } from '../../../controller/contest.ts'
import { parseIp } from '../../../src/core/address/index.ts'
import { manualClock } from '../io/process/manual-clock.ts'

const x = [parseIp('192.0.2.1')!]
const y = [parseIp('192.0.2.2')!]

void test('writes of the same address come at growing distances from the fourth on', async () => {
  const clock = manualClock()
  const contest = openContest(clock)
  let writes = 0
  for (let elapsedMs = 0; elapsedMs < 3_600_000; elapsedMs += 1_000) {
    // The other program has undone our write within the second.
    if (contest.waitMs('a/b', x) === 0) {
      contest.wrote('a/b', x)
      writes++
    }
    await clock.advance(1_000)
  }
  assert.ok(writes > 5 && writes <= 20, `${writes} writes in an hour`)
  assert.equal(contest.isContested('a/b'), true)
})

void test('another address is no contest, and peace ends one', async () => {
  const clock = manualClock()
  const contest = openContest(clock)
  for (let round = 0; round < 3; round++) contest.wrote('a/b', x)
  assert.equal(contest.isContested('a/b'), true)
  assert.equal(contest.waitMs('a/b', y), 0)
  await clock.advance(1_800_001)
  assert.equal(contest.isContested('a/b'), false)
  contest.wrote('a/b', x)
  contest.wrote('a/b', y)
  contest.wrote('a/b', x)
  assert.equal(contest.isContested('a/b'), false)
})

void test('the other writer is the latest manager of status.loadBalancer that is not us', () => {
  const entry = (manager: string, time: string, fields: object) => ({
    manager,
    time,
    fieldsV1: { 'f:status': fields },
  })
  const object = {
    metadata: {
      managedFields: [
        entry('bellhop-controller', '2026-01-03T00:00:00Z', { 'f:loadBalancer': {} }),
        entry('old-provider', '2026-01-01T00:00:00Z', { 'f:loadBalancer': {} }),
        entry('cloud-controller', '2026-01-02T00:00:00Z', { 'f:loadBalancer': { 'f:ingress': {} } }),
        entry('other', '2026-01-09T00:00:00Z', { 'f:conditions': {} }),
      ],
    },
  }
  assert.equal(otherWriter(object, 'bellhop-controller'), 'cloud-controller')
  assert.equal(otherWriter({ metadata: {} }, 'bellhop-controller'), undefined)
})

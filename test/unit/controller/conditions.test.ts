import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyPatch } from 'rfc6902'
import { conditionOperations, rfc3339 } from '../../../controller/conditions.ts'
import type { Condition } from '../../../src/core/model/index.ts'

const wallMs = Date.UTC(2026, 4, 1, 12, 0, 0, 345)
const before = '2026-04-01T00:00:00Z'

function condition(type: string, status: Condition['status'], reason = 'R', lastTransitionTime?: string): Condition {
  return { type, status, reason, message: 'm', ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }) }
}

function patchedStatus(stored: readonly Condition[], wanted: readonly Condition[], actual = stored) {
  const object = { status: actual.length === 0 ? {} : { conditions: structuredClone(actual) as Condition[] } }
  const failures = applyPatch(object, [...conditionOperations(stored, wanted, wallMs)] as never)
  return { conditions: object.status.conditions, failed: failures.some((failure) => failure !== null) }
}

void test('times are whole seconds', () => {
  assert.equal(rfc3339(wallMs), '2026-05-01T12:00:00Z')
})

void test('the first condition makes the list, the second goes with it', () => {
  const { conditions, failed } = patchedStatus([], [condition('a', 'True'), condition('b', 'False')])
  assert.equal(failed, false)
  assert.deepEqual(
    conditions?.map(({ type }) => type),
    ['a', 'b'],
  )
})

void test('conditions of others stay where they are', () => {
  const foreign = condition('foreign', 'True', 'X', before)
  const { conditions } = patchedStatus([foreign, condition('a', 'False', 'R', before)], [condition('a', 'True')])
  assert.deepEqual(conditions, [foreign, condition('a', 'True', 'R', '2026-05-01T12:00:00Z')])
})

void test('the time of transition is that of the status, not of its reason', () => {
  const { conditions } = patchedStatus([condition('a', 'False', 'Old', before)], [condition('a', 'False', 'New')])
  assert.deepEqual(conditions, [condition('a', 'False', 'New', before)])
})

void test('a list that has changed meanwhile fails the patch instead of hitting the wrong condition', () => {
  const ours = condition('a', 'False', 'R', before)
  const { failed } = patchedStatus([ours], [condition('a', 'True')], [condition('foreign', 'True'), ours])
  assert.equal(failed, true)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conversionGraceMs, readyOf } from '../../../webhook/ready.ts'

const progress = { closing: false, missing: [], servingMs: 0 }

void test('a replica is ready when everything is listed and reviews are answered', () => {
  assert.equal(readyOf(progress), true)
  assert.equal(readyOf({ ...progress, closing: true }), 'shutting down')
  assert.equal(readyOf({ ...progress, servingMs: undefined }), 'there is no certificate yet')
  assert.equal(readyOf({ ...progress, missing: ['eips', 'nodes'] }), 'not listed yet: eips, nodes')
})

void test('lists of our kinds may need our own conversion: without them a replica is ready after a while', () => {
  const late = { ...progress, servingMs: conversionGraceMs }
  assert.equal(readyOf({ ...late, missing: ['eips', 'bgppeers'] }), true)
  assert.equal(readyOf({ ...late, servingMs: conversionGraceMs - 1, missing: ['eips'] }), 'not listed yet: eips')
  assert.equal(readyOf({ ...late, missing: ['eips', 'nodes'] }), 'not listed yet: eips, nodes')
  assert.equal(readyOf({ ...late, missing: ['eipallocations'] }), 'not listed yet: eipallocations')
  assert.equal(readyOf({ ...late, servingMs: undefined, missing: ['eips'] }), 'not listed yet: eips')
})

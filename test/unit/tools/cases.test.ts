import assert from 'node:assert/strict'
import { test } from 'node:test'

import { casesTable, coveredIds } from '../../../tools/test/cases.ts'

test('IDs are read from the start of a name only, after the number of a claim', () => {
  assert.deepEqual(coveredIds('3. RACK-01, BGP-01 leaf1 has two next hops'), ['RACK-01', 'BGP-01'])
  assert.deepEqual(coveredIds('POOL-02: host bits are ignored'), ['POOL-02'])
  assert.deepEqual(coveredIds('a fraction of the rule (part of IPAM-06)'), [])
})

test('a case that failed once is failed, whatever else passed', () => {
  const table = casesTable([
    { name: 'ZZ-01 one way', passed: false },
    { name: 'ZZ-01 another way', passed: true },
    { name: 'ZZ-02 fine', passed: true },
  ])
  assert.match(table, /^ZZ-01 +FAILED$/m)
  assert.match(table, /^ZZ-02 +passed$/m)
  assert.match(table, /^cases: 1 passed, 1 failed, \d+ uncovered$/m)
})

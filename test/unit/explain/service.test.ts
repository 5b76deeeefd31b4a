import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { explanationLines } from '../../../cli/explain.ts'
import { openPaint } from '../../../cli/print.ts'
import { explainService } from '../../../src/core/explain/index.ts'
import { addressCases } from './cases-address.ts'
import { routeCases } from './cases-route.ts'
import { sessionCases } from './cases-sessions.ts'
import { viewOf } from './cluster.ts'
import { expectGolden, goldenFolder } from './golden.ts'

const cases = [...addressCases, ...routeCases, ...sessionCases]
const paint = openPaint(false)

for (const { name, reason, change, key = 'default/web', unread } of cases) {
  void test(`explain service: ${name}`, () => {
    const explanation = explainService(key, viewOf(change, unread))
    assert.ok(explanation)
    const lines = explanationLines(explanation, paint)
    expectGolden(name, lines)
    assert.equal(explanation.reason, reason)
    assert.ok(lines.length <= 24, `one screen: ${lines.length} lines`)
    // Nothing after what is wrong.
    const failed = explanation.stages.findIndex(({ state }) => state === 'fail')
    assert.ok(failed === -1 || failed === explanation.stages.length - 1)
    // Plain data: what -o json prints is all of it.
    assert.deepEqual(JSON.parse(JSON.stringify(explanation)), explanation)
    const waits = ['AddressRetained', 'Released']
    if (reason !== undefined && !waits.includes(reason)) assert.ok(explanation.remedies.length > 0, 'a remedy')
  })
}

void test('a Service that is not there', () => {
  assert.equal(explainService('default/none', viewOf()), undefined)
})

void test('every golden file has its case', () => {
  const known = new Set(cases.map(({ name }) => `${name}.txt`))
  const strays = readdirSync(goldenFolder).filter(
    (file) => !known.has(file) && !file.startsWith('status-') && !file.startsWith('address '),
  )
  assert.deepEqual(strays, [])
})

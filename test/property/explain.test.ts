// Whatever is missing from a cluster or may not be read, every question has an answer: plain data, with a remedy or a
// word on what is not known, and never an exception.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Part,
  explainAddress,
  explainService,
  judgeStatus,
  parts,
  serviceRows,
} from '../../src/core/explain/index.ts'
import { ip } from '../unit/announce/fixtures.ts'
import { type Objects, record, service, slice, viewOf } from '../unit/explain/cluster.ts'

const numRuns = process.env['BELLHOP_TEST_LONG'] === '1' ? 5000 : 300

/** Objects by part and position that are not there. */
const missing = fc.array(fc.tuple(fc.constantFrom(...parts), fc.nat(3)), { maxLength: 6 })
const forbidden = fc.uniqueArray(fc.constantFrom(...parts), { maxLength: 4 })

function remove(objects: Objects, gone: readonly (readonly [Part, number])[]): void {
  objects.services.push(service('other', undefined), service('second', '172.22.0.11'))
  objects.eipallocations.push(record('172.22.0.11', 'second'), record('172.22.0.12', 'nobody'))
  for (const [part, at] of gone) objects[part].splice(at, 1)
}

void test('a cluster with parts missing or forbidden is explained all the same', () => {
  fc.assert(
    fc.property(missing, forbidden, (gone, unreadable) => {
      const unread = unreadable.map((part) => ({ part, why: `not allowed to read ${part}` }))
      const view = viewOf((objects) => remove(objects, gone), unread)
      const status = judgeStatus(view, { webhookAnswers: undefined, certificateEndsMs: undefined })
      assert.deepEqual(JSON.parse(JSON.stringify(status)), status)
      for (const key of view.services.keys()) {
        const explained = explainService(key, view)
        assert.ok(explained !== undefined && explained.stages.length > 0, key)
        assert.deepEqual(JSON.parse(JSON.stringify(explained)), explained)
        if (explained.verdict === 'broken') assert.ok(explained.reason !== undefined && explained.message !== '', key)
        // What could not be read is no reason to call it broken at that stage.
        for (const { state, says } of explained.stages)
          if (state === 'unknown') assert.match(says, /could not be read|could be read/)
      }
      for (const text of ['172.22.0.10', '172.22.0.12', '172.22.0.99', '10.96.0.1']) explainAddress(ip(text), view)
      serviceRows(view)
    }),
    { numRuns },
  )
})

void test('what may not be read is no alarm: a cluster in order is never called broken for it', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...parts)), (unreadable) => {
      const unread = unreadable.map((part) => ({ part, why: `not allowed to read ${part}` }))
      const local = (objects: Objects): void => {
        // The node that others announce: its way goes through all that is known.
        objects.services[1] = service('web', '172.22.0.10', { spec: { externalTrafficPolicy: 'Local' } })
        objects.endpointslices = [slice('web', ['worker1'])]
      }
      for (const change of [() => {}, local]) {
        const view = viewOf(change, unread)
        const explained = explainService('default/web', view)
        assert.ok(
          explained === undefined || explained.verdict === 'works' || explained.verdict === 'unknown',
          explained?.headline,
        )
        if (unreadable.length === 0) assert.equal(explained?.verdict, 'works')
        const { findings } = judgeStatus(view, { webhookAnswers: undefined, certificateEndsMs: undefined })
        const alarms = findings.filter(({ state }) => state === 'fail' || state === 'warn')
        assert.deepEqual(alarms, [])
      }
    }),
    { numRuns },
  )
})

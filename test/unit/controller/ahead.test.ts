import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAhead } from '../../../controller/ahead.ts'
import { type Service, readService } from '../../../src/core/model/index.ts'

const serviceAt = (resourceVersion: string): Service =>
  readService({ metadata: { namespace: 'a', name: 'web', resourceVersion }, spec: { type: 'LoadBalancer' } })

void test('what a write was answered with counts until the watch has brought it, or something newer', () => {
  let watched: Service | undefined = serviceAt('9')
  const ahead = openAhead({ get: () => watched })
  const answered = serviceAt('10')
  assert.equal(ahead.of('a/web'), watched)
  ahead.note('a/web', answered)
  assert.equal(ahead.of('a/web'), answered)
  watched = serviceAt('12')
  assert.equal(ahead.of('a/web'), watched)
  // It was forgotten then: an older view, after a new list elsewhere, is not covered by it.
  watched = serviceAt('9')
  assert.equal(ahead.of('a/web'), watched)
})

void test('a Service that is gone is gone, whatever was written to it', () => {
  const ahead = openAhead({ get: () => undefined })
  ahead.note('a/web', serviceAt('10'))
  assert.equal(ahead.of('a/web'), undefined)
})

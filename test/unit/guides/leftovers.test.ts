import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Scene, differences } from '../../guides/leftovers.ts'

function scene(marks: Readonly<Record<string, unknown>>): Scene {
  const item = { metadata: { name: 'x', resourceVersion: '1' } }
  return new Map(Object.entries(marks).map(([path, mark]) => [path, { path, item, mark }]))
}

test('what a page has made, taken away or changed is told; what is as before is not', () => {
  const before = scene({ '/eips/a': [{ address: '192.0.2.0/24' }], '/eips/b': 1, '/nodes/n': { rack: 'leaf1' } })
  const after = scene({ '/eips/a': [{ address: '192.0.2.0/24' }], '/nodes/n': {}, '/services/s': 1 })
  assert.deepEqual(differences(before, after), ['/services/s is left', '/eips/b is gone', '/nodes/n is changed'])
  assert.deepEqual(differences(before, before), [])
})

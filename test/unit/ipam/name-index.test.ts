import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NameIndex } from '../../../src/core/ipam/name-index.ts'

void test('any names added and removed: an index says what a map of sets says', () => {
  const step = fc.record({
    adds: fc.boolean(),
    key: fc.constantFrom('a', 'b'),
    name: fc.constantFrom('1', '2', '3'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const index = new NameIndex()
      const twin = new Map<string, Set<string>>([
        ['a', new Set()],
        ['b', new Set()],
      ])
      for (const { adds, key, name } of steps) {
        if (adds) {
          index.add(key, name)
          twin.get(key)?.add(name)
        } else {
          index.remove(key, name)
          twin.get(key)?.delete(name)
        }
        for (const [each, names] of twin) assert.deepEqual(index.of(each), [...names].toSorted())
      }
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { formatIp } from '../../src/core/address/index.ts'
import { TakenIndex } from '../../src/core/ipam/index.ts'
import { poolSize } from '../../src/core/status/index.ts'
import { SortedBits } from '../../src/core/ipam/sorted-bits.ts'
import { eip, holder, pools, record } from '../unit/ipam/world.ts'

const octet = fc.integer({ min: 0, max: 40 })

test('the first missing number is what a walk finds', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 60n })), fc.bigInt({ min: 0n, max: 70n }), (values, from) => {
      const set = new SortedBits()
      for (const value of values) set.add(value)
      for (const value of values.slice(0, 3)) set.remove(value)
      const left = new Set(values.filter((value) => !values.slice(0, 3).includes(value)))
      let expected = from
      while (left.has(expected)) expected++
      assert.equal(set.nextMissing(from), expected)
    }),
  )
})

test('free addresses: each once, all of them, wherever the search starts', () => {
  const range = fc.tuple(octet, octet).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  fc.assert(
    fc.property(
      range,
      fc.array(range, { maxLength: 3 }),
      fc.uniqueArray(octet),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      fc.boolean(),
      ([first, last], excludes, used, start, avoidBuggyIPs) => {
        const text = (from: number, to: number): string => `10.0.0.${from}-10.0.0.${to}`
        const pool = eip('p', {
          address: text(first, last),
          excludes: excludes.map(([from, to]) => text(from, to)),
          avoidBuggyIPs,
        })
        const index = new TakenIndex()
        for (const each of used) index.put(record(`10.0.0.${each}`, 'p', holder('ns/s')))
        const found = [...index.freeIn(pool, 4, pools([pool]), start)].map(formatIp)
        const inPool: number[] = []
        for (let each = first; each <= last; each++) {
          if (!excludes.some(([from, to]) => from <= each && each <= to)) inPool.push(each)
        }
        assert.equal(poolSize(pool), BigInt(inPool.length))
        const expected = inPool.filter((each) => !used.includes(each) && !(avoidBuggyIPs && each === 0))
        assert.deepEqual(found.toSorted(), expected.map((each) => `10.0.0.${each}`).toSorted())
      },
    ),
  )
})

test('a /8 and a /64 are searched without walking them', () => {
  const index = new TakenIndex()
  const large = eip('l', { address: '10.0.0.0/8', extraAddresses: ['fd00::/64'] })
  for (let each = 0; each < 2000; each++) {
    index.put(record(`10.0.${Math.floor(each / 256)}.${each % 256}`, 'l', holder(`ns/s${each}`)))
  }
  const first = (family: 4 | 6, start: number): string | undefined => {
    for (const found of index.freeIn(large, family, pools([large]), start)) return formatIp(found)
    return undefined
  }
  assert.equal(first(4, 0), '10.0.7.208')
  assert.equal(first(6, 0.5), 'fd00::8000:0:0:0')
})

test('counts follow what is put and removed, in any order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(octet, fc.constantFrom('a', 'b'), fc.boolean())), (steps) => {
      const index = new TakenIndex()
      const model = new Map<string, string>()
      for (const [each, namespace, put] of steps) {
        const name = `10.0.0.${each}`
        if (put) {
          index.put(record(name, 'p', holder(`${namespace}/s${each}`)))
          model.set(name, namespace)
        } else {
          index.remove(name)
          model.delete(name)
        }
      }
      assert.equal(index.usage('p'), model.size)
      for (const namespace of ['a', 'b']) {
        const expected = [...model.values()].filter((each) => each === namespace).length
        assert.equal(index.countOf('p', namespace), expected)
      }
    }),
  )
})

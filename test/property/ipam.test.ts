import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { formatIp, parseRange, rangeContains } from '../../src/core/address/index.ts'
import { TakenIndex } from '../../src/core/ipam/index.ts'
import { poolSize } from '../../src/core/status/index.ts'
import { SortedBits } from '../../src/core/ipam/sorted-bits.ts'
import { eip, holder, pools, record } from '../unit/ipam/world.ts'

const octet = fc.integer({ min: 0, max: 40 })

test('the first missing number is what a walk finds, whatever was put in and taken out before', () => {
  const step = fc.tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 40n }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      const set = new SortedBits()
      const model = new Set<bigint>()
      for (const [put, value] of steps) {
        if (put) {
          set.add(value)
          model.add(value)
        } else {
          set.remove(value)
          model.delete(value)
        }
        for (let from = 0n; from <= 41n; from++) {
          let expected = from
          while (model.has(expected)) expected++
          assert.equal(set.nextMissing(from), expected)
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('thousands of runs, filled and emptied again in another order', () => {
  const set = new SortedBits()
  const size = 6000n
  // 7 and 13 share no factor with the size of their steps, so each order visits every number once.
  const visit = (stride: bigint, act: (value: bigint) => void): void => {
    for (let at = 0n; at < size; at++) act(((at * stride) % size) * 2n)
  }
  visit(7n, (value) => set.add(value))
  for (let at = 0n; at < size; at++) {
    assert.equal(set.nextMissing(at * 2n), at * 2n + 1n)
    assert.equal(set.nextMissing(at * 2n + 1n), at * 2n + 1n)
  }
  visit(13n, (value) => set.add(value + 1n))
  assert.equal(set.nextMissing(0n), size * 2n)
  visit(7n, (value) => set.remove(value + 1n))
  for (let at = 0n; at < size; at++) assert.equal(set.nextMissing(at * 2n), at * 2n + 1n)
  visit(13n, (value) => set.remove(value))
  for (let at = 0n; at < size; at++) assert.equal(set.nextMissing(at * 2n), at * 2n)
})

test('what became free a moment ago is handed out last, the longest free first', () => {
  const index = new TakenIndex()
  const pool = eip('p', { address: '10.0.0.0/29' })
  for (const last of [2, 5, 6]) index.put(record(`10.0.0.${last}`, 'p', holder('ns/s')))
  index.remove('10.0.0.5')
  index.remove('10.0.0.2')
  const found = [...index.freeIn(pool, 4, pools([pool]), 0)].map((each) => formatIp(each).replace('10.0.0.', ''))
  assert.deepEqual(found, ['0', '1', '3', '4', '7', '5', '2'])
})

test('a reserved range inside a pool is passed over in one step', () => {
  const index = new TakenIndex()
  const pool = eip('p', { address: '10.0.0.0/8' })
  const range = parseRange('10.96.0.0/12')
  assert.ok(range)
  let asked = 0
  const among = pools([pool], {
    reserved: (ip) => {
      asked += 1
      return rangeContains(range, ip) ? 'an address of the Service range of the cluster' : undefined
    },
    reservedRange: (ip) => (rangeContains(range, ip) ? range : undefined),
  })
  const [first] = index.freeIn(pool, 4, among, 97 / 256)
  assert.equal(first && formatIp(first), '10.112.0.0')
  assert.equal(asked, 2)
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

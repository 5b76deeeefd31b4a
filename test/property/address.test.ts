import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import {
  type Ip,
  type IpRange,
  compareIp,
  formatIp,
  formatPrefix,
  formatRange,
  ipFromBytes,
  ipToBytes,
  parseIp,
  parsePrefix,
  parseRange,
  prefixContains,
  prefixOf,
  rangeContains,
  rangeOfPrefix,
  rangeSize,
  rangesOverlap,
  widthOf,
} from '../../src/core/address/index.ts'
import { subtractRanges } from '../../src/core/ipam/index.ts'

const ip4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((bits): Ip => ({ family: 4, bits }))
// Long runs of zeros are where the short form of IPv6 is decided.
const groups = fc.array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
const ip6 = groups.map((parts): Ip => ({ family: 6, bits: parts.reduce((bits, part) => (bits << 16n) | part, 0n) }))
const someIp = fc.oneof(ip4, ip6)

test('an address comes back from its text and from its bytes', () => {
  fc.assert(
    fc.property(someIp, (ip) => {
      assert.deepEqual(parseIp(formatIp(ip)), ip)
      assert.deepEqual(ipFromBytes(ipToBytes(ip)), ip)
    }),
  )
})

test('whatever the text, reading it does not throw, and what is read is written as an address again', () => {
  const noise = fc.string({ unit: fc.constantFrom(...'0123456789abcdef:./-% '.split('')) })
  fc.assert(
    fc.property(fc.oneof(noise, fc.string()), (text) => {
      const ip = parseIp(text)
      if (ip !== undefined) assert.deepEqual(parseIp(formatIp(ip)), ip)
      const range = parseRange(text)
      if (range !== undefined) assert.ok(compareIp(range.first, range.last) <= 0)
    }),
  )
})

test('a prefix comes back from its text, and holds what its range holds', () => {
  fc.assert(
    fc.property(someIp, someIp, fc.nat(128), (ip, other, some) => {
      const prefix = prefixOf(ip, some % (widthOf(ip.family) + 1))
      assert.deepEqual(parsePrefix(formatPrefix(prefix)), prefix)
      const range = rangeOfPrefix(prefix)
      assert.equal(rangeSize(range), 2n ** BigInt(widthOf(ip.family) - prefix.length))
      for (const each of [ip, other, range.first, range.last]) {
        assert.equal(prefixContains(prefix, each), rangeContains(range, each))
      }
    }),
  )
})

const near = fc.bigInt({ min: 0n, max: 40n }).map((bits): Ip => ({ family: 4, bits }))
const nearRange = fc
  .tuple(near, near)
  .map(([a, b]): IpRange => (compareIp(a, b) <= 0 ? { first: a, last: b } : { first: b, last: a }))
const all: readonly Ip[] = Array.from({ length: 41 }, (_, bits) => ({ family: 4, bits: BigInt(bits) }))

test('ranges as sets: text, overlap and difference', () => {
  fc.assert(
    fc.property(fc.array(nearRange, { maxLength: 3 }), fc.array(nearRange, { maxLength: 3 }), (ranges, holes) => {
      for (const range of ranges) assert.deepEqual(parseRange(formatRange(range)), range)
      const isIn = (some: readonly IpRange[], ip: Ip): boolean => some.some((range) => rangeContains(range, ip))
      for (const a of ranges) {
        for (const b of holes) {
          const common = all.some((ip) => rangeContains(a, ip) && rangeContains(b, ip))
          assert.equal(rangesOverlap(a, b), common)
        }
      }
      const rest = subtractRanges(ranges, holes)
      for (const ip of all) assert.equal(isIn(rest, ip), isIn(ranges, ip) && !isIn(holes, ip))
    }),
  )
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { parseRange } from '../../../src/core/address/index.ts'
import type { Pools } from '../../../src/core/ipam/index.ts'
import { type EipStatus, countPool, eipStatus, sameStatus } from '../../../src/core/status/index.ts'
import type { Allocation, Eip } from '../../../src/core/model/index.ts'
import { asDefault, eip, holder, pools, record, taken } from '../ipam/world.ts'

const now = '2026-01-02T00:00:00Z'

function statusOf(of: Eip, records: readonly Allocation[] = [], among: Pools = pools([of])): EipStatus {
  return eipStatus(of, taken(...records), among, now)
}

function reasonsOf({ conditions }: EipStatus): readonly string[] {
  return conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`)
}

suite('what the Eip is', () => {
  test('one address, a block with host bits, a range (POOL-01, POOL-02, POOL-03 in part)', () => {
    const sizes = ['192.168.0.1', '192.168.0.1/24', '192.168.0.1-192.168.0.100'].map((address) => {
      const { poolSize, firstIP, lastIP, v4, usage } = statusOf(eip('p', { address }))
      return [poolSize, firstIP, lastIP, v4, usage]
    })
    assert.deepEqual(sizes, [
      [1, '192.168.0.1', '192.168.0.1', true, 0],
      [256, '192.168.0.0', '192.168.0.255', true, 0],
      [100, '192.168.0.1', '192.168.0.100', true, 0],
    ])
  })

  test('a /64 reports 2^53 - 1 (POOL-11 in part)', () => {
    const { poolSize, free, v4 } = statusOf(eip('p', { address: 'fd00:1::/64' }))
    assert.deepEqual([poolSize, free, v4], [9007199254740991, 9007199254740991, false])
  })
})

suite('what is free', () => {
  test('not what is excluded, in use, avoided or reserved, and nothing twice (POOL-14 in part)', () => {
    const pool = eip('p', {
      address: '10.0.0.0/24',
      extraAddresses: ['fd00::/126'],
      excludes: ['10.0.0.1-10.0.0.9', '10.0.0.5-10.0.0.19'],
      avoidBuggyIPs: true,
    })
    const reserved = ['10.0.0.30', '10.0.0.2', '10.0.0.255', '10.0.0.64/26']
    const among = pools([pool], {
      reservations: () =>
        reserved.map((text) => {
          const range = parseRange(text)
          assert.ok(range)
          return { what: 'an address of Node n', range }
        }),
    })
    const records = ['10.0.0.20', '10.0.0.30', '10.0.0.70'].map((address) => record(address, 'p', holder('ns/s')))
    const { poolSize, usage, free } = statusOf(pool, records, among)
    assert.equal(poolSize, 256 - 19 + 4)
    assert.equal(usage, 3)
    // .0 and .255, .20, .30; 64 addresses of the block that is reserved.
    assert.equal(free, 256 - 19 + 4 - 2 - 2 - 64)
  })

  test('none: occupied', () => {
    const pool = eip('p', { address: '10.0.0.1' })
    assert.equal(statusOf(pool).occupied, false)
    const full = statusOf(pool, [record('10.0.0.1', 'p', holder('ns/s'))])
    assert.deepEqual([full.occupied, full.free], [true, 0])
  })
})

suite('what it has of each family', () => {
  test('sums up to the status; of a family that it has nothing of there is nothing', () => {
    const pool = eip('p', { address: '10.0.0.0/30', extraAddresses: ['fd00::/126'], excludes: ['10.0.0.3'] })
    const records = [record('10.0.0.1', 'p', holder('ns/a')), record('fd00::1', 'p', holder('ns/a'))]
    const status = statusOf(pool, records)
    const counts = countPool(pool, status, taken(...records), pools([pool]))
    assert.deepEqual(counts, [
      { family: 4, total: 3, used: 1, free: 2 },
      { family: 6, total: 4, used: 1, free: 3 },
    ])
    const { poolSize, usage, free } = status
    assert.deepEqual([poolSize, usage, free], [7, 2, 5])
    const large = eip('p', { address: 'fd00:1::/64' })
    assert.deepEqual(countPool(large, statusOf(large), taken(), pools([large])), [
      { family: 6, total: Number.MAX_SAFE_INTEGER, used: 0, free: Number.MAX_SAFE_INTEGER },
    ])
  })
})

suite('who uses it', () => {
  test('a shared address counts once and names all its holders (part of IPAM-06)', () => {
    const shared = record('10.0.0.1', 'p', holder('ns/a'), holder('ns/b'))
    const { used, usage } = statusOf(eip('p', { address: '10.0.0.0/24' }), [shared])
    assert.deepEqual([used, usage], [{ '10.0.0.1': 'ns/a;ns/b' }, 1])
  })

  test('at most 256 are listed, and it says so', () => {
    const records = Array.from({ length: 257 }, (_, at) =>
      record(`10.0.${at >> 8}.${at & 255}`, 'p', holder(`ns/s${at}`)),
    )
    const status = statusOf(eip('p', { address: '10.0.0.0/16' }), records)
    assert.equal(Object.keys(status.used).length, 256)
    assert.equal(status.usage, 257)
    assert.ok(reasonsOf(status).includes('UsedComplete=False Truncated'))
  })
})

suite('what is wrong with it', () => {
  const pool = eip('p', { address: '10.0.0.0/24' }, asDefault)

  test('nothing', () => {
    assert.deepEqual(reasonsOf(statusOf(pool)), [
      'Ready=True Ready',
      'UsedComplete=True Complete',
      'Announced=True Announced',
    ])
  })

  test('disabled; of two that overlap the younger one; a protocol that is not announced yet', () => {
    assert.equal(statusOf(eip('p', { address: '10.0.0.0/24', disable: true })).ready, false)
    const twin = eip('q', { address: '10.0.0.128/25' })
    assert.ok(reasonsOf(statusOf(twin, [], pools([pool, twin]))).includes('Ready=False PoolOverlap'))
    assert.ok(reasonsOf(statusOf(pool, [], pools([pool, twin]))).includes('Ready=True Ready'))
    const layer2 = eip('p', { address: '10.0.0.0/24', protocol: 'layer2', interface: 'eth0' })
    assert.ok(reasonsOf(statusOf(layer2)).includes('Announced=False ProtocolNotAnnounced'))
  })

  test('an address in use outside of it is named (part of POOL-07)', () => {
    const status = statusOf(pool, [record('10.9.9.9', 'p', holder('ns/s'))])
    const found = status.conditions.find(({ type }) => type === 'CoversUsed')
    assert.equal(found?.reason, 'PoolGone')
    assert.match(found?.message ?? '', /10\.9\.9\.9/)
  })

  test('a second default says which one counts', () => {
    const other = eip('q', { address: '10.1.0.0/24' }, asDefault)
    assert.ok(reasonsOf(statusOf(other, [], pools([pool, other]))).includes('Default=False SecondDefaultPool'))
    assert.ok(!reasonsOf(statusOf(pool, [], pools([pool, other]))).some((text) => text.startsWith('Default')))
  })
})

suite('whether it is written', () => {
  test('not when nothing changed, in whatever order the fields were stored; the time of a turn stays', () => {
    const pool = eip('p', { address: '10.0.0.0/24' })
    const first = statusOf(pool)
    const stored = Object.fromEntries(Object.entries(structuredClone(first)).toReversed())
    const later = eipStatus({ ...pool, status: stored }, taken(), pools([pool]), '2027-01-01T00:00:00Z')
    assert.equal(sameStatus(stored, later), true)
    const used = eipStatus(
      { ...pool, status: stored },
      taken(record('10.0.0.1', 'p', holder('ns/s'))),
      pools([pool]),
      now,
    )
    assert.equal(sameStatus(stored, used), false)
  })
})

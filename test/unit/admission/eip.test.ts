import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { type Judgement, judgeEip } from '../../../src/core/admission/index.ts'
import { type IpRange, parseRange } from '../../../src/core/address/index.ts'
import type { Pools, Taken } from '../../../src/core/ipam/index.ts'
import type { Eip } from '../../../src/core/model/index.ts'
import { asDefault, eip, holder, pools, record, taken } from '../ipam/world.ts'

const create = (after: Eip, among: Pools = pools([])): Judgement =>
  judgeEip({ operation: 'CREATE', before: undefined, after }, among, taken())
const update = (before: Eip, after: Eip, index: Taken = taken(), among: Pools = pools([before])): Judgement =>
  judgeEip({ operation: 'UPDATE', before, after }, among, index)

function refused(judgement: Judgement, code: string, sentence: RegExp): void {
  assert.equal(judgement.kind, 'refuse')
  if (judgement.kind !== 'refuse') return
  assert.equal(judgement.reason.code, code)
  assert.match(judgement.reason.message, sentence)
}

function allowed(judgement: Judgement, ...warnings: readonly string[]): void {
  assert.equal(judgement.kind, 'allow', JSON.stringify(judgement))
  if (judgement.kind === 'allow')
    assert.deepEqual(
      judgement.warnings.map(({ code }) => code),
      warnings,
    )
}

const range = (text: string): IpRange => {
  const parsed = parseRange(text)
  assert.ok(parsed)
  return parsed
}
const ofNode = { what: 'an address of Node n', range: range('10.0.0.77'), ofNode: true }

function sentences(judgement: Judgement): readonly string[] {
  return judgement.kind === 'allow' ? judgement.warnings.map(({ message }) => message) : []
}

suite('an Eip being created', () => {
  test('addresses of another form are refused with the value and the forms (POOL-04 in part)', () => {
    for (const address of ['192.168.0.100-192.168.0.1', 'xxxx', '1.1.1.1-1.1.1.2-1.1.1.3']) {
      const judgement = create(eip('p', { address }))
      refused(judgement, 'MalformedObject', /^invalid eip address format: /)
      refused(judgement, 'MalformedObject', new RegExp(`"${address}".*FIRST-LAST`))
    }
  })

  test('beside another Eip, not over it (POOL-05 in part)', () => {
    const there = pools([eip('there', { address: '192.168.0.100-192.168.0.200' })])
    for (const address of ['192.168.0.1-192.168.0.99', '192.168.0.201-192.168.0.250']) {
      allowed(create(eip('p', { address }), there))
    }
    for (const address of ['192.168.0.1-192.168.0.100', '192.168.0.200-192.168.0.250']) {
      refused(create(eip('p', { address }), there), 'PoolOverlaps', /^eip address overlap with there: /)
    }
    const twice = eip('p', { address: '10.0.0.0/24', extraAddresses: ['10.0.0.5'] })
    refused(create(twice), 'PoolOverlaps', /overlap with p itself/)
  })

  test('layer2 and vip need an interface (POOL-09 in part)', () => {
    for (const protocol of ['layer2', 'vip']) {
      refused(create(eip('p', { address: '10.0.0.1', protocol })), 'MalformedObject', /interface should not be empty/)
      allowed(create(eip('p', { address: '10.0.0.1', protocol, interface: 'eth0' })), 'ProtocolNotAnnounced')
    }
  })

  test('one default only, created or by annotation (POOL-10 in part)', () => {
    const there = eip('there', { address: '10.1.0.0/24' }, asDefault)
    const plain = eip('p', { address: '10.0.0.0/24' })
    const marked = eip('p', { address: '10.0.0.0/24' }, asDefault)
    const sentence = /^already exists a default EIP: there; /
    refused(create(marked, pools([there])), 'SecondDefaultPool', sentence)
    refused(update(plain, marked, taken(), pools([there, plain])), 'SecondDefaultPool', sentence)
    allowed(update(marked, marked, taken(), pools([there, marked])))
  })

  test('over an address of the cluster or its pods: a warning, also in the middle of the pool (part of POOL-16)', () => {
    const among = pools([], {
      reservations: () => [ofNode],
      podRanges: () => [{ what: 'pods', range: range('10.0.0.128/25') }],
    })
    const judgement = create(eip('p', { address: '10.0.0.0/24' }), among)
    allowed(judgement, 'PoolCoversCluster', 'PoolCoversCluster')
    const [node = '', pods = ''] = sentences(judgement)
    assert.match(node, /^Eip p covers 10\.0\.0\.77, an address of Node n, .*; add it to spec\.excludes/)
    assert.match(pods, /^Eip p covers addresses of pods \(10\.0\.0\.128-10\.0\.0\.255\)/)
  })

  test('over many of them: five are named, the rest are counted', () => {
    const many = Array.from({ length: 9 }, (_, at) => ({ what: 'an address of Node n', range: range(`10.0.0.${at}`) }))
    const judgement = create(eip('p', { address: '10.0.0.0/24' }), pools([], { reservations: () => many }))
    assert.equal(sentences(judgement).length, 6)
    assert.match(sentences(judgement)[5] ?? '', /covers 4 more/)
  })

  test('hostAccess: a warning; over an address of a node, whose neighbours it would ask: refused', () => {
    const open = eip('p', { address: '10.0.0.0/24', hostAccess: true })
    allowed(create(open), 'HostAccessRisky')
    const among = pools([], { reservations: () => [ofNode] })
    refused(create(open, among), 'HostAccessRefused', /10\.0\.0\.77, an address of Node n.*remove spec\.hostAccess/)
    const service = { what: 'an address of the Service range of the cluster', range: range('10.0.0.0/24') }
    allowed(create(open, pools([], { reservations: () => [service] })), 'HostAccessRisky', 'PoolCoversCluster')
  })

  test('what is without effect is warned of: layer2 and vip are not announced, adopt is for the default', () => {
    const layer2 = eip('p', { address: '10.0.0.0/24', protocol: 'layer2', interface: 'eth0' })
    allowed(create(layer2), 'ProtocolNotAnnounced')
    allowed(create(eip('p', { address: '10.0.0.0/24', adopt: true })), 'FieldUnused')
    allowed(create(eip('p', { address: '10.0.0.0/24', adopt: true }, asDefault)))
  })
})

suite('an Eip being changed', () => {
  const before = eip('p', { address: '192.168.0.0/24' })
  const inUse = taken(record('192.168.0.5', 'p', holder('ns/s')))

  test('a larger range with the addresses in use (POOL-06 in part)', () => {
    allowed(update(before, eip('p', { address: '192.168.0.0/23' }), inUse))
  })

  test('a range without them, or an exclude of one, is refused and names it (POOL-07 in part)', () => {
    const without = eip('p', { address: '192.168.0.100-192.168.0.200' })
    refused(update(before, without, inUse), 'AddressInUse', /192\.168\.0\.5/)
    const excluded = eip('p', { address: '192.168.0.0/24', excludes: ['192.168.0.5'] })
    refused(update(before, excluded, inUse), 'AddressInUse', /192\.168\.0\.5/)
    allowed(update(before, eip('p', { address: '192.168.0.0/24', excludes: ['192.168.0.6'] }), inUse))
  })

  test('up to five addresses are named', () => {
    const seven = taken(...Array.from({ length: 7 }, (_, at) => record(`192.168.0.${at}`, 'p', holder(`ns/s${at}`))))
    const judgement = update(before, eip('p', { address: '192.168.0.100' }), seven)
    refused(judgement, 'AddressInUse', /192\.168\.0\.4 and 2 more/)
  })

  test('only what it changes is judged', () => {
    const bad = eip('p', { address: 'xxxx' })
    allowed(update(bad, eip('p', { address: 'xxxx', disable: true })))
    const over = pools([eip('there', { address: '192.168.0.0/16' }), before])
    allowed(update(before, eip('p', { address: '192.168.0.0/24', disable: true }), taken(), over))
    allowed(update(before, { ...eip('p', { address: 'xxxx' }), deleting: true }))
    const among = pools([], { reservations: () => [ofNode] })
    const open = eip('p', { address: '10.0.0.0/24', hostAccess: true })
    allowed(update(open, eip('p', { address: '10.0.0.0/24', hostAccess: true, disable: true }), taken(), among))
    refused(update(eip('p', { address: '10.0.0.0/24' }), open, taken(), among), 'HostAccessRefused', /Node n/)
  })
})

suite('an Eip being deleted', () => {
  const remove = (eipBefore: Eip, index: Taken): Judgement =>
    judgeEip({ operation: 'DELETE', before: eipBefore, after: undefined }, pools([eipBefore]), index)

  test('in use: refused with count and remedy; forced or unused: allowed (part of POOL-15)', () => {
    const index = taken(record('10.0.0.1', 'p', holder('ns/s')))
    const plain = eip('p', { address: '10.0.0.0/24' })
    refused(remove(plain, index), 'PoolInUse', /1 address.*bellhop\.dev\/force-delete/)
    allowed(remove(eip('p', { address: '10.0.0.0/24' }, { 'bellhop.dev/force-delete': 'true' }), index))
    allowed(remove(plain, taken()))
  })
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { formatIp } from '../../../src/core/address/index.ts'
import {
  type Choice,
  type HolderService,
  type Pools,
  type Taken,
  chooseAddresses,
  readRequest,
} from '../../../src/core/ipam/index.ts'
import type { Service } from '../../../src/core/model/index.ts'
import { asDefault, eip, holder, optIn, pools, record, service, taken } from './world.ts'

function choose(asking: Service, among: Pools, index: Taken = taken(), find: HolderService = () => undefined): Choice {
  const read = readRequest(asking, [], among.primaryFamily)
  assert.ok(read.ok, 'the request can be read')
  return chooseAddresses({
    service: asking,
    request: read.request,
    pools: among,
    taken: index,
    findService: find,
    start: 0,
  })
}

function firstOf(choice: Choice): readonly string[] {
  assert.equal(choice.kind, 'claim', JSON.stringify(choice))
  if (choice.kind !== 'claim') return []
  for (const drafts of choice.candidates) return drafts.map(({ address, eip: pool }) => `${pool} ${formatIp(address)}`)
  return []
}

function reasonOf(choice: Choice): string {
  return 'reason' in choice ? `${choice.kind} ${choice.reason.code}` : choice.kind
}

const asks = (annotations: Record<string, string>): Record<string, string> => ({ ...optIn, ...annotations })
const wantsPool = (name: string): Record<string, string> => asks({ 'eip.openelb.kubesphere.io/v1alpha2': name })
const wantsIp = (address: string): Record<string, string> => asks({ 'eip.openelb.kubesphere.io/v1alpha1': address })

suite('which pool', () => {
  const a = eip('a', { address: '10.0.0.0/30' }, asDefault)
  const b = eip('b', { address: '10.1.0.0/30' })

  test('the default Eip, when nothing is asked', () => {
    assert.deepEqual(firstOf(choose(service('ns/s'), pools([a, b]))), ['a 10.0.0.0'])
  })

  test('the Eip asked for, in both spellings', () => {
    for (const key of ['eip.openelb.kubesphere.io/v1alpha2', 'eip.porter.kubesphere.io/v1alpha2']) {
      assert.deepEqual(firstOf(choose(service('ns/s', { annotations: asks({ [key]: 'b' }) }), pools([a, b]))), [
        'b 10.1.0.0',
      ])
    }
  })

  test('of two Eips asked for the second, when the first is full or of the other family', () => {
    const [one, other] = [eip('one', { address: '10.0.0.0' }), eip('other', { address: '10.0.1.0' })]
    const asking = service('ns/s', { annotations: wantsPool('one,other') })
    assert.deepEqual(firstOf(choose(asking, pools([one, other]))), ['one 10.0.0.0'])
    const full = taken(record('10.0.0.0', 'one', holder('ns/x')))
    assert.deepEqual(firstOf(choose(asking, pools([one, other]), full)), ['other 10.0.1.0'])
    const six = eip('one', { address: 'fd00::1' })
    assert.deepEqual(firstOf(choose(asking, pools([six, other]))), ['other 10.0.1.0'])
  })

  test('the Eip that covers loadBalancerIP; the annotation wins over it (IPAM-03, IPAM-04 in part)', () => {
    const spec = { loadBalancerIP: '10.1.0.2' }
    assert.deepEqual(firstOf(choose(service('ns/s', { spec }), pools([a, b]))), ['b 10.1.0.2'])
    const both = service('ns/s', { spec, annotations: wantsIp('10.0.0.3') })
    assert.deepEqual(firstOf(choose(both, pools([a, b]))), ['a 10.0.0.3'])
  })

  test('bound pools by priority, then the default when all are full (IPAM-11, IPAM-12 in part)', () => {
    const p1 = eip('p1', { address: '10.2.0.1', namespaces: ['ns'], priority: 1 })
    const p2 = eip('p2', { address: '10.3.0.1', namespaces: ['ns'], priority: 2 })
    const all = pools([a, p2, p1])
    assert.deepEqual(firstOf(choose(service('ns/s'), all)), ['p1 10.2.0.1'])
    const one = taken(record('10.2.0.1', 'p1', holder('ns/x')))
    assert.deepEqual(firstOf(choose(service('ns/s'), all, one)), ['p2 10.3.0.1'])
    const two = taken(record('10.2.0.1', 'p1', holder('ns/x')), record('10.3.0.1', 'p2', holder('ns/y')))
    assert.deepEqual(firstOf(choose(service('ns/s'), all, two)), ['a 10.0.0.0'])
    assert.deepEqual(firstOf(choose(service('other/s'), all)), ['a 10.0.0.0'])
  })

  test('by labels of the namespace and of the Service', () => {
    const byNamespace = eip('n', { address: '10.4.0.1', namespaceSelector: { team: 'red' } })
    const byService = eip('s', { address: '10.5.0.1', serviceSelector: { tier: 'web' } })
    const among = pools([byNamespace, byService], { namespaces: new Map([['red', { team: 'red' }]]) })
    assert.deepEqual(firstOf(choose(service('red/s'), among)), ['n 10.4.0.1'])
    assert.deepEqual(firstOf(choose(service('blue/s', { labels: { tier: 'web' } }), among)), ['s 10.5.0.1'])
    assert.equal(reasonOf(choose(service('blue/s'), among)), 'wait NoDefaultPool')
  })
})

suite('waits for what is lacking, is refused what contradicts', () => {
  const a = eip('a', { address: '10.0.0.0/30' }, asDefault)
  const rows: readonly (readonly [string, Service, Pools, Taken, string])[] = [
    ['unknown pool', service('ns/s', { annotations: wantsPool('nope') }), pools([a]), taken(), 'wait UnknownPool'],
    ['no pool at all', service('ns/s'), pools([]), taken(), 'wait NoDefaultPool'],
    [
      'address in no pool',
      service('ns/s', { annotations: wantsIp('9.9.9.9') }),
      pools([a]),
      taken(),
      'wait AddressInNoPool',
    ],
    [
      'disabled',
      service('ns/s'),
      pools([eip('a', { address: '10.0.0.1', disable: true }, asDefault)]),
      taken(),
      'wait PoolDisabled',
    ],
    [
      'full',
      service('ns/s'),
      pools([eip('a', { address: '10.0.0.1' }, asDefault)]),
      taken(record('10.0.0.1', 'a', holder('ns/x'))),
      'wait PoolFull',
    ],
    ['no IPv6', service('ns/s', { spec: { ipFamilies: ['IPv6'] } }), pools([a]), taken(), 'wait FamilyUnavailable'],
    [
      'address outside the pool',
      service('ns/s', { annotations: { ...wantsPool('a'), ...wantsIp('10.9.0.1') } }),
      pools([a]),
      taken(),
      'refuse AddressOutsidePool',
    ],
    [
      'family against the pool',
      service('ns/s', { annotations: wantsPool('a'), spec: { ipFamilies: ['IPv6'] } }),
      pools([a]),
      taken(),
      'refuse FamilyMismatch',
    ],
    [
      'protocol against the pool',
      service('ns/s', { annotations: { ...wantsPool('a'), 'protocol.openelb.kubesphere.io/v1alpha1': 'layer2' } }),
      pools([a]),
      taken(),
      'refuse ProtocolMismatch',
    ],
    [
      'an excluded address',
      service('ns/s', { annotations: wantsIp('10.1.0.5') }),
      pools([eip('b', { address: '10.1.0.0/24', excludes: ['10.1.0.5'] })]),
      taken(),
      'refuse AddressReserved',
    ],
    [
      'an address ending in .0 of a pool that avoids them',
      service('ns/s', { annotations: wantsIp('10.1.0.0') }),
      pools([eip('b', { address: '10.1.0.0/24', avoidBuggyIPs: true })]),
      taken(),
      'refuse AddressReserved',
    ],
    [
      'another namespace',
      service('ns/s', { annotations: wantsPool('b') }),
      pools([eip('b', { address: '10.1.0.1', namespaces: ['x'] })]),
      taken(),
      'refuse NamespaceNotAllowed',
    ],
    [
      'quota',
      service('ns/s'),
      pools([eip('a', { address: '10.0.0.0/30', maxPerNamespace: 1 }, asDefault)]),
      taken(record('10.0.0.1', 'a', holder('ns/x'))),
      'refuse QuotaExceeded',
    ],
    [
      'reserved',
      service('ns/s', { annotations: wantsIp('10.0.0.1') }),
      pools([a], { reserved: () => 'an address of Node n' }),
      taken(),
      'refuse AddressReserved',
    ],
    [
      'given back a moment ago',
      service('ns/s', { annotations: wantsIp('10.0.0.1') }),
      pools([a]),
      taken(record('10.0.0.1', 'a', holder('ns/gone'))),
      'wait AddressCooling',
    ],
  ]
  for (const [name, asking, among, index, expected] of rows) {
    test(`${name}: ${expected}`, () => {
      const choice = choose(asking, among, index)
      assert.equal(reasonOf(choice), expected)
      const message = 'reason' in choice ? choice.reason.message : ''
      assert.doesNotMatch(message, /\.\s/, 'one sentence')
      assert.ok(message.length > 20, 'with its reason and remedy')
    })
  }

  test('a pool that overlaps an older one hands out nothing', () => {
    const older = eip('z', { address: '10.0.0.0/29' })
    const younger = { ...a, creationTimestamp: '2026-02-01T00:00:00Z' }
    assert.equal(reasonOf(choose(service('ns/s'), pools([older, younger]))), 'wait PoolOverlap')
  })
})

suite('families', () => {
  const four = eip('four', { address: '10.0.0.0/30' }, asDefault)
  const both = eip('both', { address: '10.0.0.0/30', extraAddresses: ['fd00::/64'] }, asDefault)
  const dual = (policy: string): Service =>
    service('ns/s', { spec: { ipFamilyPolicy: policy, ipFamilies: ['IPv6', 'IPv4'] } })

  test('RequireDualStack: one of each, in the order of ipFamilies, or none', () => {
    assert.deepEqual(firstOf(choose(dual('RequireDualStack'), pools([both]))), ['both fd00::', 'both 10.0.0.0'])
    assert.equal(reasonOf(choose(dual('RequireDualStack'), pools([four]))), 'wait FamilyUnavailable')
  })

  test('PreferDualStack: one, and it says what is lacking', () => {
    const prefers = service('ns/s', { spec: { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv6'] } })
    const choice = choose(prefers, pools([four]))
    assert.deepEqual(firstOf(choice), ['four 10.0.0.0'])
    assert.equal(choice.kind === 'claim' ? choice.lacking?.code : undefined, 'FamilyUnavailable')
  })

  test('PreferDualStack: the second, when it is the first that is lacking; nothing, when both are', () => {
    const choice = choose(dual('PreferDualStack'), pools([four]))
    assert.deepEqual(firstOf(choice), ['four 10.0.0.0'])
    assert.equal(choice.kind === 'claim' ? choice.lacking?.code : undefined, 'FamilyUnavailable')
    const closed = eip('both', { address: '10.0.0.0/30', extraAddresses: ['fd00::/64'], disable: true }, asDefault)
    assert.equal(reasonOf(choose(dual('PreferDualStack'), pools([closed]))), 'wait PoolDisabled')
  })

  test('PreferDualStack passes over no contradiction and no policy', () => {
    const foreign = eip('six', { address: 'fd00:1::/64', namespaces: ['other'] })
    const asking = { ...dual('PreferDualStack'), annotations: wantsPool('four,six') }
    assert.equal(reasonOf(choose(asking, pools([four, foreign]))), 'refuse NamespaceNotAllowed')
    const outside = { ...dual('PreferDualStack'), annotations: { ...wantsPool('both'), ...wantsIp('10.9.9.9') } }
    assert.equal(reasonOf(choose(outside, pools([both]))), 'refuse AddressOutsidePool')
  })

  test('maxPerNamespace counts both addresses of one Eip', () => {
    const tight = { address: '10.0.0.0/30', extraAddresses: ['fd00::/64'], maxPerNamespace: 1 }
    const one = pools([eip('both', tight, asDefault)])
    assert.deepEqual(firstOf(choose(dual('PreferDualStack'), one)), ['both fd00::'])
    assert.equal(reasonOf(choose(dual('RequireDualStack'), one)), 'refuse QuotaExceeded')
  })
})

suite('sharing', () => {
  const a = eip('a', { address: '10.0.0.0/30' }, asDefault)
  const held = taken(record('10.0.0.1', 'a', holder('ns/first')))
  const first = service('ns/first')
  const find: HolderService = (namespace, name) => (namespace === 'ns' && name === 'first' ? first : undefined)
  const asking = (key: string, port: number, annotations: Record<string, string> = {}): Service =>
    service(key, { spec: { ports: [{ port }] }, annotations: { ...wantsIp('10.0.0.1'), ...annotations } })

  test('in one namespace with other ports: joins; with the same port: waits', () => {
    assert.equal(reasonOf(choose(asking('ns/second', 443), pools([a]), held, find)), 'join')
    assert.equal(reasonOf(choose(asking('ns/second', 80), pools([a]), held, find)), 'wait PortCollision')
  })

  test('in two namespaces only with the same sharing-key on both; a stranger is not named', () => {
    const choice = choose(asking('other/second', 443), pools([a]), held, find)
    assert.equal(reasonOf(choice), 'wait AddressTaken')
    assert.doesNotMatch('reason' in choice ? choice.reason.message : '', /first/)
    const key = { 'bellhop.dev/sharing-key': 'k' }
    const keyed = service('ns/first', { annotations: { ...optIn, ...key } })
    const withKey = choose(asking('other/second', 443, key), pools([a]), held, () => keyed)
    assert.equal(reasonOf(withKey), 'join')
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePrefix } from '../../../src/core/address/index.ts'
import { decideAnnouncement, pathIdsOf } from '../../../src/core/announce/index.ts'
import type { ProxiedNode } from '../../../src/core/model/index.ts'
import { formatIp } from '../../../src/core/address/index.ts'
import { type WorldFields, eip, ip, node, peerView, service, slice, world } from './fixtures.ts'

const x = '172.22.0.10'
const onMaster = slice('web', [['master', 'ready']])
const onWorker1 = slice('web', [['worker1', 'ready']])
const worker1: ProxiedNode = {
  node: 'worker1',
  addresses: ['192.168.0.4'],
  usable: true,
  announcedBy: [{ peer: 'leaf1', family: 4, speakers: ['master'] }],
}

function decide(fields: WorldFields, address = x) {
  const decision = decideAnnouncement(
    ip(address),
    world({ services: [service('web', [address])], ...fields }),
    'master',
  )
  const paths = decision.kind === 'announced' ? decision.paths : new Map()
  const hops = Object.fromEntries(
    [...paths].map(([peer, list]) => [
      peer,
      list.map(({ nextHop }: { nextHop: ReturnType<typeof ip> | 'self' }) =>
        nextHop === 'self' ? 'self' : formatIp(nextHop),
      ),
    ]),
  )
  const reason = decision.kind === 'announced' ? undefined : decision.reason.code
  return { decision, hops, reason, exceptions: decision.exceptions.map((each) => each.reason) }
}

void test('policy Cluster: the own node is announced to every peer as soon as one endpoint is ready (part of BGP-01)', () => {
  const { hops, decision } = decide({ slices: [onWorker1], peers: [peerView('leaf1'), peerView('leaf2')] })
  assert.deepEqual(hops, { leaf1: ['self'], leaf2: ['self'] })
  assert.deepEqual(decision.host, { hostAccess: false })
})

void test('a peer whose session is down keeps the own path for when it is up, and gets no other node`s', () => {
  const { hops } = decide({
    slices: [onMaster],
    peers: [peerView('leaf1', { session: undefined })],
    proxied: [worker1],
  })
  assert.deepEqual(hops, { leaf1: ['self'] })
})

void test('policy Local: only with an endpoint here (part of BGP-02)', () => {
  const local = [service('web', [x], 'Local')]
  assert.deepEqual(decide({ services: local, slices: [onMaster] }).hops, { leaf1: ['self'] })
  const elsewhere = decide({ services: local, slices: [onWorker1] })
  assert.equal(elsewhere.reason, 'NoLocalEndpoint')
  assert.equal(elsewhere.decision.host, undefined)
})

void test('no ready endpoint: nobody, under both policies (part of BGP-04)', () => {
  const unready = slice('web', [['master', 'notReady']])
  for (const policy of ['Cluster', 'Local'] as const) {
    assert.equal(decide({ services: [service('web', [x], policy)], slices: [unready] }).reason, 'NoReadyEndpoint')
    assert.equal(decide({ services: [service('web', [x], policy)] }).reason, 'NoReadyEndpoint')
  }
})

void test('nodes that the Rack assigns to this speaker follow as third-party next hops (part of RACK-01)', () => {
  const { hops } = decide({ slices: [onMaster], proxied: [worker1] })
  assert.deepEqual(hops, { leaf1: ['self', '192.168.0.4'] })
})

void test('policy Local: the assigned node without the own one (part of RACK-01)', () => {
  const { hops, decision } = decide({
    services: [service('web', [x], 'Local')],
    slices: [onWorker1],
    proxied: [worker1],
  })
  assert.deepEqual(hops, { leaf1: ['192.168.0.4'] })
  assert.equal(decision.host, undefined)
})

void test('an unusable node, and one assigned to another speaker, is not announced (part of RACK-10)', () => {
  const others = [
    { ...worker1, usable: false },
    { ...worker1, node: 'w2', announcedBy: [{ peer: 'leaf1', family: 4 as const, speakers: ['somebody'] }] },
    { ...worker1, node: 'w3', announcedBy: [{ peer: 'leaf2', family: 4 as const, speakers: ['master'] }] },
  ]
  assert.deepEqual(decide({ slices: [onMaster], proxied: others }).hops, { leaf1: ['self'] })
})

void test('an assigned node outside the subnet of the session is no next hop, and the reason says so', () => {
  const far = { ...worker1, addresses: ['192.168.9.4', 'fd00::4'] }
  const { hops, exceptions } = decide({ slices: [onMaster], proxied: [far] })
  assert.deepEqual(hops, { leaf1: ['self'] })
  assert.deepEqual(exceptions, ['NoNextHop'])
})

void test('a router without ADD-PATH gets the own path only; the rest is named (part of RACK-05)', () => {
  const subnet = parsePrefix('192.168.0.0/24')
  const single = peerView('leaf1', {
    session: { families: [4], addPath: [], subnets: subnet ? [subnet] : [], ownNextHops: [4] },
  })
  const { hops, decision } = decide({ slices: [onMaster], peers: [single], proxied: [worker1] })
  assert.deepEqual(hops, { leaf1: ['self'] })
  assert.match(decision.exceptions[0]?.message ?? '', /worker1/)
  assert.equal(decision.exceptions[0]?.reason, 'NextHopsNotAdvertised')
})

void test('more next hops than sendMax: as many as that, own first; the rest is named (part of BGP-13)', () => {
  const many = Array.from({ length: 11 }, (_, i) => ({ ...worker1, node: `w${i}`, addresses: [`192.168.0.${20 + i}`] }))
  const { hops, decision } = decide({
    slices: [onMaster],
    peers: [peerView('leaf1', { addPathSendMax: 10 })],
    proxied: many,
  })
  assert.equal(hops['leaf1']?.length, 10)
  assert.equal(hops['leaf1']?.[0], 'self')
  assert.match(decision.exceptions[0]?.message ?? '', /w9, w10$/)
  const roomy = decide({ slices: [onMaster], peers: [peerView('leaf1', { addPathSendMax: 16 })], proxied: many })
  assert.equal(roomy.hops['leaf1']?.length, 12)
  assert.deepEqual(roomy.exceptions, [])
})

void test('a shared address: next hops are the union over its Services', () => {
  const shared = [service('a', [x], 'Local'), service('b', [x], 'Local')]
  const slices = [slice('a', [['worker1', 'ready']]), slice('b', [['master', 'ready']])]
  assert.deepEqual(decide({ services: shared, slices, proxied: [worker1] }).hops, { leaf1: ['self', '192.168.0.4'] })
})

const nodes = [
  ['Ready=False', node('master', { ready: 'False' }), 'NodeNotReady'],
  ['deleted', undefined, 'NodeDeleting'],
  [
    'excluded',
    node('master', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': 'x' } }),
    'NodeExcluded',
  ],
] as const
for (const [name, own, code] of nodes) {
  void test(`own node ${name}: not announced, no host route (part of BGP-05)`, () => {
    const { reason, decision } = decide({ node: own, slices: [onMaster] })
    assert.equal(reason, code)
    assert.equal(decision.host, undefined)
  })
}

void test('own node Ready=Unknown: its living speaker outweighs it (part of BGP-05)', () => {
  assert.deepEqual(decide({ node: node('master', { ready: 'Unknown' }), slices: [onMaster] }).hops, { leaf1: ['self'] })
})

void test('an unusable own node still announces the nodes assigned to it', () => {
  const drained = node('master', { annotations: { 'bellhop.dev/drain': 'true' } })
  const { hops } = decide({ node: drained, drain: 'withdrawn', slices: [onMaster], proxied: [worker1] })
  assert.deepEqual(hops, { leaf1: ['192.168.0.4'] })
})

void test('draining: first GRACEFUL_SHUTDOWN, then withdrawn (part of BGP-21)', () => {
  const drained = node('master', { annotations: { 'bellhop.dev/drain': 'true' } })
  const { decision } = decide({ node: drained, drain: 'tagged', slices: [onMaster] })
  assert.equal(decision.kind, 'announced')
  const path = decision.kind === 'announced' ? decision.paths.get('leaf1')?.[0] : undefined
  assert.deepEqual(path?.attributes.communities, [0xffff_0000])
  assert.equal(decide({ node: drained, drain: 'withdrawn', slices: [onMaster] }).reason, 'NodeDrained')
})

void test('Eip.spec.bgp: attributes on every path, peers by name (part of BGP-19)', () => {
  const bgp = {
    communities: ['65000:1', 'no-export'],
    largeCommunities: ['1:2:3'],
    localPref: 7,
    med: 9,
    asPathPrepend: 2,
  }
  const pool = eip('pool', '172.22.0.0/24', { bgp: { ...bgp, peers: ['leaf2'] }, hostAccess: true })
  const { decision, hops } = decide({ slices: [onMaster], eips: [pool], peers: [peerView('leaf1'), peerView('leaf2')] })
  assert.deepEqual(hops, { leaf2: ['self'] })
  const attributes = decision.kind === 'announced' ? decision.paths.get('leaf2')?.[0]?.attributes : undefined
  assert.deepEqual(attributes, {
    ...{ communities: [65000 * 65536 + 1, 0xffff_ff01], largeCommunities: [[1, 2, 3]] },
    ...{ localPref: 7, med: 9, asPathPrepend: 2 },
  })
  assert.deepEqual(decision.host, { hostAccess: true })
  assert.equal(decide({ slices: [onMaster], eips: [pool] }).reason, 'PeerNotSelected')
})

void test('a community that cannot be read is named; the rest is announced', () => {
  const pool = eip('pool', '172.22.0.0/24', { bgp: { communities: ['65000:99999', '65000:2'] } })
  const { hops, exceptions } = decide({ slices: [onMaster], eips: [pool] })
  assert.deepEqual(hops, { leaf1: ['self'] })
  assert.deepEqual(exceptions, ['MalformedObject'])
})

void test('the Eip is gone: by BGP with no attributes', () => {
  const { decision, hops } = decide({ slices: [onMaster], eips: [] })
  assert.deepEqual(hops, { leaf1: ['self'] })
  assert.deepEqual(decision.kind === 'announced' && decision.paths.get('leaf1')?.[0]?.attributes, {})
})

void test('layer2, vip and the CNI`s pools are not announced', () => {
  const layer2 = eip('pool', '172.22.0.0/24', { protocol: 'layer2', interface: 'eth0' })
  assert.equal(decide({ slices: [onMaster], eips: [layer2] }).reason, 'ProtocolNotAnnounced')
  const cni = eip('pool', '172.22.0.0/24', {}, { labels: { 'openelb.kubesphere.io/cni': 'calico' } })
  assert.equal(decide({ slices: [onMaster], eips: [cni] }).reason, 'OwnedByCni')
})

void test('no peer at all: the reason, and the host route all the same: rack peers may announce the node', () => {
  const { reason, decision } = decide({ slices: [onMaster], peers: [] })
  assert.equal(reason, 'NoPeer')
  assert.deepEqual(decision.host, { hostAccess: false })
})

void test('an IPv6 address with IPv4 peers only: FamilyNotNegotiated', () => {
  const six = { ...onMaster, family: 6 as const }
  const { reason } = decide({ slices: [six], eips: [eip('pool', 'fd00::/64')] }, 'fd00::1')
  assert.equal(reason, 'FamilyNotNegotiated')
})

void test('an IPv6 address over an IPv4 session: with an IPv6 address on the link, else the reason (part of BGP-16)', () => {
  const over = (ownNextHops: readonly (4 | 6)[]) =>
    peerView('leaf1', { families: [4, 6], session: { families: [4, 6], addPath: [4, 6], subnets: [], ownNextHops } })
  const fields = { slices: [{ ...onMaster, family: 6 as const }], eips: [eip('pool', 'fd00::/64')] }
  assert.deepEqual(decide({ ...fields, peers: [over([4, 6])] }, 'fd00::1').hops, { leaf1: ['self'] })
  const without = decide({ ...fields, peers: [over([4])] }, 'fd00::1')
  assert.equal(without.reason, 'NoLocalNextHop')
  assert.deepEqual(without.exceptions, ['NoLocalNextHop'])
})

void test('path identifiers: of the node, the same at every speaker, never 0, never twice', () => {
  const ids = pathIdsOf(['a', 'b', 'c'])
  assert.equal(pathIdsOf(['c', 'a']).get('a'), ids.get('a'))
  assert.equal(new Set(ids.values()).size, 3)
  assert.ok([...ids.values()].every((id) => id > 0 && id <= 0xffff_ffff))
  const { decision } = decide({ slices: [onMaster], proxied: [worker1] })
  const paths = decision.kind === 'announced' ? decision.paths.get('leaf1') : undefined
  assert.deepEqual(
    paths?.map(({ id }) => id),
    ['master', 'worker1'].map((name) => pathIdsOf([name]).get(name)),
  )
})

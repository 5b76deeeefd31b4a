import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp } from '../../../src/core/address/index.ts'
import { type SessionInput, planSessions } from '../../../src/core/announce/index.ts'
import { type BgpPeer, readBgpConf, readBgpPeer } from '../../../src/core/model/index.ts'
import { node, peer } from './fixtures.ts'

const master = node('master', { ip: '192.168.0.3', rack: 'leaf1' })

function conf(spec: object = {}, name = 'default') {
  return readBgpConf({ metadata: { name }, spec: { as: 50000, listenPort: 17900, ...spec } })
}

function plan(fields: Partial<SessionInput> = {}) {
  return planSessions({ node: master, confs: [conf()], peers: [peer('leaf1')], password: () => undefined, ...fields })
}

void test('the plain case: AS, router id of the node, port', () => {
  const { as, routerId, rack, listen, settings, noPeer } = plan()
  assert.equal(as, 50000)
  assert.equal(routerId && formatIp(routerId), '192.168.0.3')
  assert.equal(rack, 'leaf1')
  assert.deepEqual(listen, { port: 17900, addresses: [] })
  assert.equal(noPeer, undefined)
  const [only] = settings
  assert.deepEqual([only?.key, only?.localAs, only?.peerAs, only?.addPathSendMax], ['leaf1', 50000, 50001, 10])
  assert.deepEqual([only?.holdTimeMs, only?.keepaliveMs, only?.connectRetryMs], [90_000, 30_000, 5000])
})

void test('a node without an IPv4 InternalIP has a router id all the same (part of BGP-08)', () => {
  const { routerId } = plan({ node: node('six', { ip: 'fd00::3' }) })
  assert.equal(routerId?.family, 4)
  assert.ok((routerId?.bits ?? 0n) > 0n)
})

void test('asPerRack gives the rack`s nodes their AS, and nothing else changes (part of RACK-04)', () => {
  const racks = plan({ confs: [conf({ asPerRack: { leaf1: 65101, leaf2: 65102 } })] })
  assert.equal(racks.settings[0]?.localAs, 65101)
  assert.deepEqual({ ...racks.settings[0], localAs: 0 }, { ...plan().settings[0], localAs: 0 })
})

void test('a BgpConf of another name, or of the CNI, does not count (part of BGP-07)', () => {
  assert.equal(plan({ confs: [conf({}, 'other')] }).noPeer?.code, 'NoBgpConf')
  const cni = readBgpConf({
    metadata: { name: 'default', labels: { 'porter.kubesphere.io/cni': 'x' } },
    spec: { as: 1 },
  })
  assert.equal(plan({ confs: [cni] }).noPeer?.code, 'NoBgpConf')
  assert.equal(plan({ confs: [conf({ as: 0 })] }).noPeer?.code, 'NoBgpConf')
})

void test('nodeSelector decides by the own Node`s labels (part of BGP-11)', () => {
  const selective = peer('leaf1', { nodeSelector: { matchLabels: { 'openelb.kubesphere.io/rack': 'leaf1' } } })
  assert.equal(plan({ peers: [selective] }).settings.length, 1)
  const elsewhere = plan({ peers: [selective], node: node('worker2', { ip: '192.168.1.2', rack: 'leaf2' }) })
  assert.deepEqual([elsewhere.settings.length, elsewhere.noPeer?.code], [0, 'NoPeer'])
})

function withSecret(): BgpPeer {
  const conf = { neighborAddress: '192.168.0.2', peerAs: 50001, authPasswordSecretRef: { name: 's', key: 'k' } }
  return readBgpPeer({ metadata: { name: 'leaf1' }, spec: { conf } })
}

void test('a Secret that is missing keeps the peer down with the reason; there it is: up (part of BGP-14)', () => {
  const without = plan({ peers: [withSecret()] })
  assert.deepEqual(
    without.down.map(({ reason }) => reason.code),
    ['PasswordMissing'],
  )
  assert.equal(without.settings.length, 0)
  const asked: string[] = []
  const password = (secret: string, key: string): string => {
    asked.push(`${secret}/${key}`)
    return 'hunter2'
  }
  const found = plan({ peers: [withSecret()], password })
  assert.equal(found.settings[0]?.password, 'hunter2')
  assert.deepEqual(asked, ['s/k'])
})

void test('a malformed peer is down with the reason, the good ones are not touched (part of OPS-04)', () => {
  const broken = readBgpPeer({ metadata: { name: 'broken' }, spec: { conf: { neighborAddress: 'leaf', peerAs: 1 } } })
  const noAs = readBgpPeer({ metadata: { name: 'no-as' }, spec: { conf: { neighborAddress: '10.0.0.1' } } })
  const { settings, down } = plan({ peers: [broken, noAs, peer('leaf1')] })
  assert.deepEqual(
    settings.map(({ key }) => key),
    ['leaf1'],
  )
  assert.deepEqual(
    down.map(({ reason }) => reason.code),
    ['MalformedPeer', 'MalformedPeer'],
  )
})

void test('of two peers that name one router the older counts', () => {
  const younger = { ...peer('a'), creationTimestamp: '2026-02-01T00:00:00Z' }
  const { settings, down } = plan({ peers: [younger, peer('b')] })
  assert.deepEqual(
    settings.map(({ key }) => key),
    ['b'],
  )
  assert.match(down[0]?.reason.message ?? '', /BgpPeer b has/)
})

void test('graceful restart: the peer`s own setting, else the BgpConf`s', () => {
  const confs = [conf({ gracefulRestart: { enabled: true, restartTime: 60 } })]
  assert.equal(plan({ confs }).settings[0]?.gracefulRestart?.restartTimeMs, 60_000)
  const own = peer('leaf1', { gracefulRestart: { enabled: true } })
  assert.equal(plan({ confs, peers: [own] }).settings[0]?.gracefulRestart?.restartTimeMs, 30_000)
})

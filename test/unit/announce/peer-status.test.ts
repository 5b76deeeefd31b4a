import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type SpeakerView,
  bgpConfStatus,
  bgpPeerStatus,
  nextHopsNotAdvertised,
} from '../../../src/core/announce/index.ts'
import { readBgpConf } from '../../../src/core/model/index.ts'
import { peer, session, speaker } from './fixtures.ts'

function views(count: number, downAt: number): ReadonlyMap<string, SpeakerView> {
  return new Map(
    Array.from({ length: count }, (_, i): [string, SpeakerView] => {
      const state = i === downAt ? ('ACTIVE' as const) : ('ESTABLISHED' as const)
      const counts = { notification: 0, update: 3, open: 1, keepalive: 9, refresh: 0, total: 13 }
      const status = speaker([session('leaf1', { state, messagesSent: counts })], {
        as: 50000,
        routerId: '192.168.0.3',
      })
      return [`n${String(i).padStart(3, '0')}`, { alive: true, status }]
    }),
  )
}

void test('OpenELB`s shape: sessionState, counters as strings, no password (part of BGP-18)', () => {
  const status = bgpPeerStatus(
    peer('leaf1', { conf: { neighborAddress: '192.168.0.2', peerAs: 50001, authPassword: 'hunter2' } }),
    views(2, 1),
  )
  const first = status.nodesPeerStatus['n000']
  assert.equal(first?.peerState['sessionState'], 'ESTABLISHED')
  const messages = first?.peerState['messages'] as { readonly sent: unknown } | undefined
  assert.deepEqual(messages?.sent, {
    ...{ notification: '0', update: '3', open: '1', keepalive: '9', refresh: '0', total: '13' },
  })
  assert.equal(first?.timersState['holdTime'], '90')
  assert.equal(status.up, '1/2')
  assert.equal(JSON.stringify(status).includes('hunter2'), false)
})

void test('beyond 50 nodes only those in trouble are listed, and all are counted', () => {
  const status = bgpPeerStatus(peer('leaf1'), views(60, 7))
  assert.deepEqual(Object.keys(status.nodesPeerStatus), ['n007'])
  assert.deepEqual([status.sessions, status.established], [60, 59])
})

void test('a speaker that is not alive is left out', () => {
  const dead = new Map([...views(1, 9)].map(([name, view]): [string, SpeakerView] => [name, { ...view, alive: false }]))
  assert.deepEqual(bgpPeerStatus(peer('leaf1'), dead).nodesPeerStatus, {})
})

void test('BgpConf: router id and AS by node; another name has none (part of BGP-07, BGP-08)', () => {
  const conf = (name: string) => readBgpConf({ metadata: { name }, spec: { as: 50000 } })
  assert.deepEqual(bgpConfStatus(conf('default'), views(1, 9)), {
    nodesConfStatus: { n000: { routerId: '192.168.0.3', as: 50000 } },
    nodes: 1,
  })
  assert.deepEqual(bgpConfStatus(conf('other'), views(1, 9)), { nodesConfStatus: {}, nodes: 0 })
})

void test('what a router does not get is named for its condition (part of RACK-05)', () => {
  const exception = { address: 'x', peer: 'leaf1', reason: 'NextHopsNotAdvertised' as const, message: 'worker1' }
  const status = speaker([session('leaf1')], { exceptions: [exception], exceptionsTotal: 1 })
  const speakers = new Map([['master', { alive: true, status }]])
  assert.match(nextHopsNotAdvertised('leaf1', speakers)?.message ?? '', /worker1/)
  assert.equal(nextHopsNotAdvertised('leaf2', speakers), undefined)
})

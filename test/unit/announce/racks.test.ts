import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SpeakerView, countNodes, planRacks, rankFor } from '../../../src/core/announce/index.ts'
import type { Node, SessionStatus, SpeakerStatus } from '../../../src/core/model/index.ts'
import { node, peer, session, speaker } from './fixtures.ts'

const master = node('master', { ip: '192.168.0.3', rack: 'leaf1' })
const worker1 = node('worker1', { ip: '192.168.0.4' })
const worker2 = node('worker2', { ip: '192.168.1.2', rack: 'leaf2' })
const toLeaf1 = session('leaf1')
const toLeaf2 = session('leaf2', { subnet: '192.168.1.0/24' })
const lab = [peer('leaf1'), peer('leaf2')]

function alive(sessions: readonly SessionStatus[], fields: Partial<SpeakerStatus> = {}): SpeakerView {
  return { alive: true, status: speaker(sessions, fields) }
}

function racksOf(nodes: readonly Node[], speakers: Readonly<Record<string, SpeakerView>>, peers = lab) {
  return planRacks({ nodes, speakers: new Map(Object.entries(speakers)), peers })
}

function announcersOf(racks: ReturnType<typeof racksOf>, rack: string, name: string) {
  return racks
    .get(rack)
    ?.proxied.find((proxied) => proxied.node === name)
    ?.announcedBy.map(({ peer, speakers }) => [peer, ...speakers])
}

void test('an unlabelled node is of the rack whose session subnet it lies in (part of RACK-01)', () => {
  const racks = racksOf([master, worker1, worker2], { master: alive([toLeaf1]), worker2: alive([toLeaf2]) })
  assert.deepEqual([...racks.keys()].toSorted(), ['leaf1', 'leaf2', 'none'])
  assert.deepEqual(announcersOf(racks, 'leaf1', 'worker1'), [['leaf1', 'master']])
  assert.deepEqual(racks.get('leaf2')?.proxied, [])
  assert.deepEqual(racks.get('none')?.proxied, [])
  assert.deepEqual(racks.get('leaf1')?.proxied[0]?.addresses, ['192.168.0.4'])
  assert.equal(racks.get('leaf1')?.up, 1)
})

void test('porter spelling of the rack label is read alike (part of RACK-02)', () => {
  const porter = node('master', { ip: '192.168.0.3', labels: { 'porter.kubesphere.io/rack': 'leaf1' } })
  const racks = racksOf([porter, worker1], { master: alive([toLeaf1]) })
  assert.deepEqual(announcersOf(racks, 'leaf1', 'worker1'), [['leaf1', 'master']])
})

void test('others let go only when the node has its own session established (part of RACK-03)', () => {
  const connecting = alive([session('leaf1', { state: 'OPENSENT', families: [] })])
  const before = racksOf([master, worker1], { master: alive([toLeaf1]), worker1: connecting })
  assert.deepEqual(announcersOf(before, 'leaf1', 'worker1'), [['leaf1', 'master']])
  const after = racksOf([master, worker1], { master: alive([toLeaf1]), worker1: alive([toLeaf1]) })
  assert.equal(announcersOf(after, 'leaf1', 'worker1'), undefined)
})

void test('two speakers announce a node; one dies: the other stays (part of RACK-07)', () => {
  const nodes = ['a', 'b', 'c', 'd'].map((name, i) => node(name, { ip: `192.168.0.${10 + i}`, rack: 'leaf1' }))
  const all = { a: alive([toLeaf1]), b: alive([toLeaf1]), c: alive([toLeaf1]) }
  const [, first, second] = announcersOf(racksOf(nodes, all), 'leaf1', 'd')?.[0] ?? []
  assert.deepEqual([first, second], rankFor('d', ['a', 'b', 'c']).slice(0, 2))
  const dead = { ...all, [first ?? '']: { alive: false, status: speaker([toLeaf1]) } }
  const [, ...left] = announcersOf(racksOf(nodes, dead), 'leaf1', 'd')?.[0] ?? []
  assert.equal(left[0], second)
  assert.equal(left.includes(first ?? ''), false)
})

void test('no rack label anywhere: any two speakers announce the node (part of RACK-08)', () => {
  const nodes = ['a', 'b', 'c', 'd'].map((name, i) => node(name, { ip: `192.168.0.${10 + i}` }))
  const racks = racksOf(nodes, { a: alive([toLeaf1]), b: alive([toLeaf1]), c: alive([toLeaf1]) })
  assert.equal(announcersOf(racks, 'none', 'd')?.[0]?.length, 3)
})

void test('a node with one of two sessions down is announced to that router only (part of RACK-09)', () => {
  const both = [session('r1'), session('r2')]
  const nodes = [master, node('m2', { ip: '192.168.0.5', rack: 'leaf1' })]
  const half = alive([session('r1'), session('r2', { state: 'ACTIVE', families: [] })])
  const racks = racksOf(nodes, { master: alive(both), m2: half }, [peer('r1'), peer('r2')])
  assert.deepEqual(announcersOf(racks, 'leaf1', 'm2'), [['r2', 'master']])
})

void test('a drained node and one whose speaker leaves are unusable in the Rack object (part of RACK-10)', () => {
  const drained = node('worker1', { ip: '192.168.0.4', annotations: { 'bellhop.dev/drain': 'true' } })
  const first = racksOf([master, drained], { master: alive([toLeaf1]) }).get('leaf1')?.proxied[0]
  assert.deepEqual([first?.usable, first?.reason], [false, 'NodeDrained'])
  const leaving = { master: alive([toLeaf1]), worker1: alive([toLeaf1], { state: 'Leaving' }) }
  const second = racksOf([master, worker1], leaving).get('leaf1')?.proxied[0]
  assert.deepEqual([second?.usable, second?.reason], [false, 'NodeLeaving'])
})

void test('a speaker on the node`s link is preferred to one that could not name it as next hop', () => {
  const far = session('leaf1', { subnet: '10.0.0.0/24' })
  const nodes = ['a', 'b', 'd'].map((name, i) => node(name, { ip: `192.168.0.${10 + i}`, rack: 'x' }))
  const racks = racksOf(nodes, { a: alive([far]), b: alive([toLeaf1]) })
  assert.deepEqual(announcersOf(racks, 'x', 'd'), [['leaf1', 'b']])
  const none = racksOf(nodes, { a: alive([far]) })
  assert.deepEqual(announcersOf(none, 'x', 'd'), [['leaf1', 'a']])
})

void test('a speaker without its Node, and a peer without its object, count for nothing', () => {
  const racks = racksOf([master, worker1], { master: alive([toLeaf1, session('old')]), gone: alive([toLeaf1]) })
  assert.deepEqual(
    racks.get('leaf1')?.speakers.map((each) => each.node),
    ['master'],
  )
  assert.deepEqual(announcersOf(racks, 'leaf1', 'worker1'), [['leaf1', 'master']])
})

void test('nodes are counted in the rack that they are announced from, usable or by the reason why not', () => {
  const drained = node('worker2', { ip: '192.168.1.2', rack: 'leaf2', annotations: { 'bellhop.dev/drain': 'true' } })
  const broken = node('worker3', { ip: '192.168.1.3', rack: 'leaf2', ready: 'False' })
  const speakers = new Map([['master', alive([toLeaf1])]])
  const counts = countNodes({ nodes: [master, worker1, drained, broken], speakers, peers: lab })
  assert.deepEqual(Object.fromEntries([...counts].map(([rack, states]) => [rack, Object.fromEntries(states)])), {
    leaf1: { usable: 2 },
    leaf2: { usable: 0, NodeDrained: 1, NodeNotReady: 1 },
  })
})

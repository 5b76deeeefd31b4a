import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { World } from '../../../src/core/announce/index.ts'
import { openAnnouncer } from '../../../speaker/announcer.ts'
import { node, peerView, service, slice, world } from '../announce/fixtures.ts'
import { fakeBgp } from './fakes.ts'

const x = '172.22.0.10'
const y = '172.22.0.11'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

function open(given: World) {
  const bgp = fakeBgp()
  const hosts = new Map<string, boolean>()
  const rounds: boolean[] = []
  const announcer = openAnnouncer({
    ...{ world: given, nodeName: 'master', bgp },
    setHostAddress: (text, wanted) => void (wanted === undefined ? hosts.delete(text) : hosts.set(text, true)),
    onRound: (exceptionsChanged) => void rounds.push(exceptionsChanged),
  })
  return { announcer, bgp, hosts, rounds }
}

function two(): Mutable<World> {
  return world({
    services: [service('a', [x]), service('b', [y])],
    slices: [slice('a', [['master', 'ready']]), slice('b', [['master', 'ready']])],
    peers: [peerView('leaf1'), peerView('leaf2')],
  })
}

void test('nothing is said before start; then every address to every peer', async () => {
  const { announcer, bgp, hosts } = open(two())
  announcer.touch([x])
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  assert.deepEqual(bgp.calls, [])
  announcer.start()
  assert.equal(bgp.wanted.size, 4)
  assert.deepEqual([...hosts.keys()].toSorted(), [x, y])
  assert.equal(announcer.announcedCount(), 2)
})

void test('a change touches its own address only, and only what differs is said', () => {
  const given = two()
  const { announcer, bgp } = open(given)
  announcer.start()
  const said = bgp.calls.length
  announcer.touch(undefined)
  announcer.flush()
  assert.equal(bgp.calls.length, said, 'deciding again about everything says nothing')
  const gone = new Map(given.slices)
  gone.delete('default/a')
  given.slices = gone
  announcer.touch([x])
  announcer.flush()
  assert.deepEqual(bgp.calls.slice(said), [`paths leaf1 ${x}/32`, `paths leaf2 ${x}/32`])
  assert.deepEqual([...announcer.notAnnounced()], [['NoReadyEndpoint', 1]])
})

void test('an address that no Service holds any more is withdrawn and forgotten', () => {
  const given = two()
  const { announcer, bgp, hosts } = open(given)
  announcer.start()
  given.holders = new Map([...given.holders].filter(([text]) => text !== x))
  announcer.touch([x])
  announcer.flush()
  assert.deepEqual([...bgp.wanted.keys()], [`leaf1 ${y}/32`, `leaf2 ${y}/32`])
  assert.deepEqual([...hosts.keys()], [y])
  assert.equal(announcer.announcedCount(), 1)
  assert.equal(announcer.notAnnounced().size, 0)
})

void test('a peer that the engine has forgotten is told everything again, the others nothing', () => {
  const { announcer, bgp } = open(two())
  announcer.start()
  const said = bgp.calls.length
  announcer.forgetPeer('leaf2')
  announcer.flush()
  assert.deepEqual(bgp.calls.slice(said), [`paths leaf2 ${x}/32 self`, `paths leaf2 ${y}/32 self`])
})

void test('exceptions are counted by address, and a round says when they change', () => {
  const given = two()
  const { announcer, rounds } = open(given)
  given.proxied = [
    {
      node: 'w1',
      addresses: ['10.0.0.1'],
      usable: true,
      announcedBy: [{ peer: 'leaf1', family: 4, speakers: ['master'] }],
    },
  ]
  announcer.start()
  assert.deepEqual([announcer.exceptions(1).listed.length, announcer.exceptions(1).total], [1, 2])
  announcer.touch(undefined)
  announcer.flush()
  given.proxied = []
  announcer.touch(undefined)
  announcer.flush()
  assert.deepEqual(rounds, [true, false, true])
  assert.equal(announcer.exceptions(50).total, 0)
})

void test('the own node gone: everything withdrawn (part of BGP-05)', () => {
  const given = two()
  const { announcer, bgp, hosts } = open(given)
  announcer.start()
  given.node = undefined
  announcer.touch(undefined)
  announcer.flush()
  assert.equal(bgp.wanted.size, 0)
  assert.equal(hosts.size, 0)
  given.node = node('master', { ip: '192.168.0.3' })
  announcer.touch(undefined)
  announcer.flush()
  assert.equal(bgp.wanted.size, 4)
})

function many(): Mutable<World> {
  const names = Array.from({ length: 450 }, (_, i) => `s${i}`)
  return world({
    services: names.map((name, i) => service(name, [`172.22.${1 + (i >> 8)}.${i & 255}`])),
    slices: names.map((name) => slice(name, [['master', 'ready']])),
    peers: [peerView('leaf1')],
  })
}

void test('thousands are decided in many turns, few in the first, those that were named before those that all were meant with', async () => {
  const given = many()
  const last = [...given.holders.keys()].at(-1) ?? ''
  const { announcer, bgp } = open(given)
  // As it is at the start of a speaker: what was to be done together is done by start itself.
  announcer.forgetPeer('leaf1')
  announcer.start()
  assert.equal(bgp.wanted.size, 450)
  const said = bgp.calls.length
  given.slices = new Map()
  announcer.touch(undefined)
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  await turn()
  assert.equal(bgp.calls.length - said, 25)
  announcer.touch([last])
  await turn()
  assert.equal(bgp.calls[said + 25], `paths leaf1 ${last}/32`)
  const inTurns = [bgp.calls.length - said]
  while (bgp.calls.length - said < 450 && inTurns.length < 10) {
    await turn()
    inTurns.push(bgp.calls.length - said)
  }
  assert.deepEqual(inTurns, [75, 175, 375, 450])
  assert.equal(new Set(bgp.calls.slice(said)).size, 450)
})

void test('what a peer is to be told anew is known to the engine in one turn: its session may be up in the next', async () => {
  const { announcer, bgp } = open(many())
  announcer.start()
  const said = bgp.calls.length
  announcer.forgetPeer('leaf1')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(bgp.calls.length - said, 450)
})

void test('all touched once more while all are decided about: none is left with the decision of before, none waits for ever', async () => {
  const given = many()
  const { announcer, bgp } = open(given)
  announcer.start()
  const { slices } = given
  given.slices = new Map()
  announcer.touch(undefined)
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  await turn()
  await turn()
  given.slices = slices
  announcer.touch(undefined)
  for (let turns = 0; turns < 20 && announcer.announcedCount() < 450; turns++) await turn()
  assert.deepEqual([announcer.announcedCount(), bgp.wanted.size], [450, 450])

  given.slices = new Map()
  for (let turns = 0; turns < 20 && announcer.announcedCount() > 0; turns++) {
    announcer.touch(undefined)
    await turn()
  }
  assert.deepEqual([announcer.announcedCount(), bgp.wanted.size], [0, 0])
})

void test('a peer to be told anew while all are decided about is told of all', async () => {
  const { announcer, bgp } = open(many())
  announcer.start()
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  announcer.touch(undefined)
  await turn()
  await turn()
  const said = bgp.calls.length
  announcer.forgetPeer('leaf1')
  await turn()
  assert.equal(bgp.calls.length - said, 450)
})

// The announcing rules against a model that knows nothing of indices: for random worlds, what decideAnnouncement says
// is what the sentences of the design say, and what does not concern an address changes nothing about it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatIp } from '../../src/core/address/index.ts'
import { decideAnnouncement, planRacks, rankFor } from '../../src/core/announce/index.ts'
import type { ProxiedNode } from '../../src/core/model/index.ts'
import {
  type EndpointState,
  ip,
  node,
  peer,
  peerView,
  service,
  session,
  slice,
  speaker,
  world,
} from '../unit/announce/fixtures.ts'

const names = ['master', 'w1', 'w2', 'w3'] as const
const addressOf = (name: string): string => `192.168.0.${10 + names.indexOf(name as (typeof names)[number])}`
const x = '172.22.0.10'

const states = fc.constantFrom<EndpointState>('ready', 'notReady', 'terminating', 'gone')
const endpoints = fc.array(fc.tuple(fc.constantFrom(...names), states), { maxLength: 6 })
const scenario = fc.record({
  policies: fc.array(fc.constantFrom('Cluster' as const, 'Local' as const), { minLength: 1, maxLength: 3 }),
  endpoints: fc.array(endpoints, { minLength: 3, maxLength: 3 }),
  ready: fc.constantFrom('True' as const, 'False' as const, 'Unknown' as const),
  proxied: fc.subarray(['w1', 'w2', 'w3']),
  usable: fc.subarray(['w1', 'w2', 'w3']),
  assigned: fc.subarray(['w1', 'w2', 'w3']),
  established: fc.boolean(),
  sendMax: fc.integer({ min: 2, max: 4 }),
})
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

function build(given: Scenario, extra: { readonly unrelated?: boolean } = {}) {
  const services = given.policies.map((policy, i) => service(`s${i}`, [x], policy))
  const slices = services.map((each, i) => slice(each.name, given.endpoints[i] ?? []))
  const proxied = given.proxied.map((name): ProxiedNode => ({
    node: name,
    addresses: [addressOf(name)],
    usable: given.usable.includes(name),
    announcedBy: given.assigned.includes(name) ? [{ peer: 'leaf1', family: 4, speakers: ['master'] }] : [],
  }))
  const view = peerView('leaf1', { addPathSendMax: given.sendMax })
  const other = extra.unrelated === true
  return world({
    services: other ? [...services, service('other', ['172.22.0.99'], 'Local')] : services,
    slices: other
      ? [
          ...slices,
          slice('other', [
            ['w1', 'ready'],
            ['master', 'ready'],
          ]),
        ]
      : slices,
    node: node('master', { ip: addressOf('master'), rack: 'leaf1', ready: given.ready }),
    peers: [given.established ? view : { ...view, session: undefined }],
    proxied,
  })
}

function hopsOf(given: Scenario, extra: { readonly unrelated?: boolean } = {}): readonly string[] {
  const decision = decideAnnouncement(ip(x), build(given, extra), 'master')
  if (decision.kind === 'notAnnounced') return []
  const paths = decision.paths.get('leaf1') ?? []
  return paths.map(({ nextHop }) => (nextHop === 'self' ? 'self' : formatIp(nextHop)))
}

// openelb-api.md 1.5, word for word.
function hopsByTheBook(given: Scenario): readonly string[] {
  const serving = (i: number): readonly string[] => {
    const list = given.endpoints[i] ?? []
    const ready = list.filter(([, state]) => state === 'ready')
    const chosen = ready.length > 0 ? ready : list.filter(([, state]) => state === 'terminating')
    return chosen.map(([name]) => name)
  }
  const isNextHop = (name: string): boolean =>
    given.policies.some((policy, i) => (policy === 'Cluster' ? serving(i).length > 0 : serving(i).includes(name)))
  const hops: string[] = []
  if (given.ready !== 'False' && isNextHop('master')) hops.push('self')
  for (const name of given.proxied) {
    const assigned = given.assigned.includes(name) && given.usable.includes(name)
    if (given.established && assigned && isNextHop(name)) hops.push(addressOf(name))
  }
  // Without a session nothing is known of how many paths the router takes: the own one waits alone.
  return hops.slice(0, given.sendMax)
}

void test('next hops are what the rules say', () => {
  fc.assert(
    fc.property(scenario, (given) => {
      assert.deepEqual(hopsOf(given), hopsByTheBook(given))
    }),
    { numRuns: 1000 },
  )
})

void test('an unrelated Service changes nothing', () => {
  fc.assert(
    fc.property(scenario, (given) => {
      assert.deepEqual(hopsOf(given, { unrelated: true }), hopsOf(given))
    }),
  )
})

void test('every "no" has a reason, every path an identifier of its own', () => {
  fc.assert(
    fc.property(scenario, (given) => {
      const decision = decideAnnouncement(ip(x), build(given), 'master')
      if (decision.kind === 'notAnnounced') return assert.ok(decision.reason.message.length > 0)
      const ids = (decision.paths.get('leaf1') ?? []).map(({ id }) => id)
      assert.equal(new Set(ids).size, ids.length)
    }),
  )
})

void test('ranking: a candidate that goes moves only the subjects it served', () => {
  const candidates = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 12 })
  fc.assert(
    fc.property(candidates, fc.string(), (all, subject) => {
      const ranked = rankFor(subject, all)
      assert.deepEqual([...ranked].toSorted(), [...all].toSorted())
      const without = rankFor(
        subject,
        all.filter((name) => name !== ranked[0]),
      )
      assert.deepEqual(without, ranked.slice(1))
    }),
  )
})

void test('racks: every node that is not announced by itself is announced by two of its rack, or by all there are', () => {
  const member = fc.record({ rack: fc.constantFrom('a', 'b', undefined), speaks: fc.constantFrom('up', 'down', 'no') })
  fc.assert(
    fc.property(fc.array(member, { maxLength: 12 }), (members) => {
      const nodes = members.map(({ rack }, i) =>
        node(`n${i}`, { ip: `192.168.0.${10 + i}`, ...(rack === undefined ? {} : { rack }) }),
      )
      const speakers = new Map(
        members.flatMap(({ speaks }, i) => {
          const up = session('leaf1', speaks === 'up' ? {} : { state: 'ACTIVE', families: [] })
          return speaks === 'no' ? [] : [[`n${i}`, { alive: true, status: speaker([up]) }] as const]
        }),
      )
      const racks = planRacks({ nodes, speakers, peers: [peer('leaf1')] })
      const speaking = new Set(members.flatMap(({ speaks }, i) => (speaks === 'up' ? [`n${i}`] : [])))
      const assigned = new Map([...racks.values()].flatMap(({ proxied }) => proxied.map((each) => [each.node, each])))
      for (const [i, { rack }] of members.entries()) {
        const by = assigned.get(`n${i}`)?.announcedBy[0]?.speakers ?? []
        if (speaking.has(`n${i}`)) assert.deepEqual(by, [])
        else if (rack !== undefined) {
          const mates = members.flatMap((mate, j) => (mate.rack === rack && speaking.has(`n${j}`) ? [`n${j}`] : []))
          assert.equal(by.length, Math.min(2, mates.length))
          assert.ok(by.every((name) => mates.includes(name)))
        }
      }
    }),
  )
})

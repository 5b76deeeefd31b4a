// A simulation says what then happens: for random clusters and changes, what is simulated is what the rules of the design
// say of the cluster after the change, made in its objects; and the two differ by just what the comparison names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { rankFor } from '../../src/core/announce/index.ts'
import type { ClusterView } from '../../src/core/explain/index.ts'
import {
  compareViews,
  waysOf,
  withDrain,
  withPlannedRacks,
  withoutNode,
  withoutPeer,
} from '../../src/core/simulate/index.ts'
import {
  labObjects,
  leaseObject,
  nodeObject,
  peerObject,
  serviceObjects,
  sessionObject,
  speakerObject,
  viewOf,
} from '../unit/simulate/lab.ts'

const names = ['n0', 'n1', 'n2', 'n3', 'n4'] as const
const routers = ['r1', 'r2'] as const

const member = fc.record({
  rack: fc.constantFrom('a', 'b'),
  drained: fc.boolean(),
  /** Undefined: no speaker. */
  up: fc.option(fc.subarray([...routers]), { nil: undefined }),
})
const wish = fc.record({
  policy: fc.constantFrom('Cluster' as const, 'Local' as const),
  endpoints: fc.uniqueArray(fc.tuple(fc.constantFrom(...names), fc.boolean()), {
    selector: ([name]) => name,
    maxLength: 3,
  }),
})
const scenario = fc.record({
  members: fc.array(member, { minLength: 5, maxLength: 5 }),
  services: fc.array(wish, { minLength: 1, maxLength: 4 }),
})
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never
/** `dark`: without power. */
type Changed = Scenario & { readonly dark?: string }

const change = fc.oneof(
  fc.record({
    kind: fc.constantFrom('drain' as const, 'undrain' as const, 'lose' as const),
    node: fc.constantFrom(...names),
  }),
  fc.record({
    kind: fc.constant('loseRouter' as const),
    router: fc.constantFrom(...routers),
    node: fc.option(fc.constantFrom(...names), { nil: undefined }),
  }),
)
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

function addressOf(index: number): string {
  return `172.22.0.${index + 1}`
}

/** The objects as they stand in such a cluster. */
function build({ members, services, dark }: Changed): ClusterView {
  const at = (name: string): number => names.indexOf(name as (typeof names)[number])
  const speaking = members.flatMap(({ up, drained }, i) =>
    up === undefined ? [] : [{ name: names[i] ?? '', up, drained }],
  )
  return viewOf(
    labObjects(
      services.map(({ policy, endpoints }, i) =>
        serviceObjects(`s${i}`, addressOf(i), {
          policy,
          endpoints: endpoints.map(([node, ready]) => [node, ready && node !== dark] as const),
        }),
      ),
      {
        nodes: members.map(({ rack, drained }, i) =>
          nodeObject(names[i] ?? '', rack, `192.168.0.${10 + i}`, {
            annotations: drained ? { 'bellhop.dev/drain': 'true' } : {},
            ready: names[i] === dark ? 'Unknown' : 'True',
          }),
        ),
        bgppeers: routers.map((name, i) => peerObject(name, `192.168.0.${2 + i}`)),
        speakers: speaking.map(({ name, up, drained }) =>
          speakerObject(
            name,
            routers.map((peer) =>
              sessionObject(peer, up.includes(peer) ? {} : { state: 'ACTIVE', families: [], addPath: [] }),
            ),
            { state: drained ? 'Drained' : 'Running', rack: members[at(name)]?.rack },
          ),
        ),
        leases: [
          // Somebody renews, whoever is dark.
          { ...leaseObject('controller'), metadata: { name: 'bellhop-controller', namespace: 'bellhop-system' } },
          ...speaking.filter(({ name }) => name !== dark).map(({ name }) => leaseObject(name)),
        ],
      },
    ),
  )
}

type Hops = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

/** Design §6, word for word: address → router → next hops. */
function waysByTheBook({ members, services, dark }: Changed): Hops {
  const one = (i: number) => ({ name: names[i] ?? '', ...(members[i] as Scenario['members'][number]) })
  const nodes = members.map((_, i) => one(i))
  const has = ({ name, up }: (typeof nodes)[number], router: (typeof routers)[number]): boolean =>
    name !== dark && up?.includes(router) === true
  return Object.fromEntries(
    services.map(({ policy, endpoints }, i) => {
      const ready = endpoints.filter(([node, isReady]) => isReady && node !== dark).map(([node]) => node)
      const eligible = nodes.filter(
        ({ name, drained }) =>
          name !== dark && !drained && (policy === 'Cluster' ? ready.length > 0 : ready.some((node) => node === name)),
      )
      const byRouter = routers.flatMap((router): readonly (readonly [string, readonly string[]])[] => {
        const hops = eligible.filter((node) => {
          if (has(node, router)) return true
          const mates = nodes.filter((mate) => mate.rack === node.rack && mate.name !== node.name && has(mate, router))
          const [best] = rankFor(
            node.name,
            mates.map(({ name }) => name),
          )
          return best !== undefined
        })
        return hops.length === 0 ? [] : [[router, hops.map(({ name }) => name).toSorted()]]
      })
      return [addressOf(i), Object.fromEntries(byRouter)]
    }),
  )
}

function waysIn(view: ClusterView): Hops {
  return Object.fromEntries(
    [...waysOf(withPlannedRacks(view))].map(([address, byPeer]) => [
      address,
      Object.fromEntries(
        [...byPeer].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([peer, hops]) => [peer, [...hops.keys()].toSorted()]),
      ),
    ]),
  )
}

/** The cluster in which the change has been made. */
function made(given: Scenario, { kind, node, ...rest }: Change & { readonly router?: string }): Changed {
  const members = given.members.map((each, i) => {
    if (kind === 'loseRouter') {
      return node === undefined || node === names[i]
        ? { ...each, up: each.up?.filter((router) => router !== rest.router) }
        : each
    }
    return names[i] === node && kind !== 'lose' ? { ...each, drained: kind === 'drain' } : each
  })
  return { ...given, members, ...(kind === 'lose' && node !== undefined ? { dark: node } : {}) }
}

function simulated(view: ClusterView, wanted: Change): ClusterView | undefined {
  if (wanted.kind === 'loseRouter') return withoutPeer(view, wanted.router, wanted.node)
  if (wanted.kind === 'lose') return withoutNode(view, wanted.node)
  return withDrain(view, wanted.node, wanted.kind === 'drain')
}

void test('what is simulated of a change is what the rules say of the cluster after it', () => {
  fc.assert(
    fc.property(scenario, change, (given, wanted) => {
      assert.deepEqual(waysIn(build(given)), waysByTheBook(given))
      const after = simulated(build(given), wanted)
      if (after === undefined) return
      const expected = waysByTheBook(made(given, wanted))
      assert.deepEqual(waysIn(after), expected)
      assert.deepEqual(waysIn(build(made(given, wanted))), expected)
    }),
    { numRuns: 300 },
  )
})

void test('the comparison names just what differs: addresses without a way, next hops lost and learnt', () => {
  fc.assert(
    fc.property(scenario, change, (given, wanted) => {
      const after = simulated(build(given), wanted)
      if (after === undefined) return
      const [old, now] = [waysByTheBook(given), waysByTheBook(made(given, wanted))]
      const { lost, gained, peers, before, after: left } = compareViews(build(given), after)
      const isKnown = (of: Hops) => (address: string) => Object.keys(of[address] ?? {}).length > 0
      const addresses = Object.keys(old)
      assert.deepEqual(
        lost.map(({ address }) => address),
        addresses.filter((address) => isKnown(old)(address) && !isKnown(now)(address)),
      )
      assert.ok(lost.every(({ reason }) => reason.code !== 'Advertised' && reason.message !== ''))
      assert.deepEqual(
        gained,
        addresses.filter((address) => !isKnown(old)(address) && isKnown(now)(address)),
      )
      assert.deepEqual([before, left], [addresses.filter(isKnown(old)).length, addresses.filter(isKnown(now)).length])
      const gone = (from: Hops, to: Hops): number =>
        addresses
          .flatMap((address) => routers.map((router) => [from[address]?.[router] ?? [], to[address]?.[router] ?? []]))
          .reduce((sum, [had, has]) => sum + (had ?? []).filter((hop) => has?.includes(hop) !== true).length, 0)
      const counted = (of: 'removed' | 'added'): number =>
        peers.flatMap((peer) => peer[of]).reduce((sum, { addresses }) => sum + addresses, 0)
      assert.deepEqual([counted('removed'), counted('added')], [gone(old, now), gone(now, old)])
    }),
    { numRuns: 300 },
  )
})

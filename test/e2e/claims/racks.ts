// Racks: who announces which node to which router, and that it follows labels, speakers and sessions at once.
import { type Lab, type NodeName, leafNames, nodes, waitFor } from '../../lab/index.ts'
import { type Claim, expect, nodeNextHops } from '../claim.ts'
import {
  type Session,
  addressOf,
  changePeer,
  configureBgp,
  expectWithin,
  master,
  nextHopsBecome,
  objectPath,
  peerConditionBecomes,
  rackKey,
  routesAreBack,
  sessionBecomes,
  sessionCounts,
  sessionOf,
  watchWays,
  withNode,
  withSpeakerOnWorker1,
  worker1,
  worker2,
} from '../route-steps.ts'

const porterRackKey = 'porter.kubesphere.io/rack'
const racksOfSpeakers = [
  ['master', 'leaf1'],
  ['worker2', 'leaf2'],
] as const
const ghost = '192.168.0.5'
const ms = (took: number): string => `${took.toFixed(0)} ms`

/** Which neighbours of leaf1 tell it of a next hop. */
async function tellers(lab: Lab, address: string, hop: string): Promise<readonly string[]> {
  const paths = await lab.bgpPaths('leaf1', address)
  return paths
    .filter(({ nextHop }) => nextHop === hop)
    .map(({ peer }) => peer)
    .toSorted()
}

async function tellersBecome(lab: Lab, address: string, hop: string, wanted: readonly string[]): Promise<number> {
  const startMs = performance.now()
  let seen = ''
  await waitFor(
    `leaf1 is told of ${hop} by {${wanted.join()}}`,
    async () => {
      seen = (await tellers(lab, address, hop)).join()
      return seen === wanted.join()
    },
    { timeoutMs: 60_000, missing: () => `told by {${seen}}` },
  )
  return performance.now() - startMs
}

export const racks: readonly Claim[] = [
  {
    name: "RACK-02 with porter's rack label the same nodes are next hops, at the same sessions",
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      // The nodes first: their sessions end, since no BgpPeer names such nodes any more.
      const relabel = async (from: string, to: string): Promise<void> => {
        for (const [node, rack] of racksOfSpeakers) {
          await lab.request('PATCH', `/api/v1/nodes/${node}`, { metadata: { labels: { [from]: null, [to]: rack } } })
          await sessionBecomes(lab, rack, nodes[node].address, false)
        }
        for (const leaf of leafNames) {
          await changePeer(lab, leaf, { nodeSelector: { matchLabels: { [from]: null, [to]: leaf } } })
        }
      }
      try {
        await relabel(rackKey, porterRackKey)
        const took = await nextHopsBecome(lab, address, [master, worker1], [worker2], 60_000)
        const speaker = (await lab.request('GET', objectPath('speakers', 'worker2'))) as { status: { rack: string } }
        expect(speaker.status.rack === 'leaf2', `the speaker of worker2 is in rack ${speaker.status.rack}`)
        return `leaf1 {${master}, ${worker1}}, leaf2 {${worker2}} ${ms(took)} after the BgpPeers name the new label`
      } finally {
        await relabel(porterRackKey, rackKey)
        await routesAreBack(lab, address)
      }
    },
  },
  {
    name: 'RACK-03 a speaker is started on worker1: it announces itself, master stops announcing it, never without a route',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      expect((await tellers(lab, address, worker1)).join() === master, 'worker1 is not announced by master at first')
      const watch = await watchWays(lab, 'leaf1', address)
      try {
        return await withSpeakerOnWorker1(lab, async () => {
          const took = await tellersBecome(lab, address, worker1, [worker1])
          expect((await tellers(lab, address, master)).join() === master, 'master no longer announces itself')
          await nextHopsBecome(lab, address, [master, worker1], [worker2])
          watch.expectThroughout(master, worker1)
          return `told by ${worker1} alone ${ms(took)} after its session was up; ${watch.changes().length} changes of the route, all with both`
        })
      } finally {
        watch.stop()
      }
    },
  },
  {
    name: 'RACK-04 asPerRack: the OPEN carries the AS of the rack, the next hops are the same',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      const set = async (as: Readonly<Record<'leaf1' | 'leaf2', number>>, asPerRack: object | null): Promise<void> => {
        await lab.request('PATCH', objectPath('bgpconfs', 'default'), { spec: { asPerRack } })
        for (const leaf of leafNames) {
          await configureBgp(lab, leaf, `neighbor NODES remote-as ${as[leaf]}`)
        }
      }
      const perRack = { leaf1: 65101, leaf2: 65102 }
      try {
        await set(perRack, perRack)
        // The router takes no OPEN with another AS than it is told to expect.
        const one = await sessionBecomesOf(lab, 'leaf1', master, 65101)
        const two = await sessionBecomesOf(lab, 'leaf2', worker2, 65102)
        await nextHopsBecome(lab, address, [master, worker1], [worker2], 60_000)
        const path = await lab.router('leaf2', [`show bgp ipv4 unicast ${address}/32 json`])
        expect(/"string":\s*"65102"/.test(path), `AS_PATH at leaf2 is not 65102: ${path.slice(0, 400)}`)
        return `leaf1 sees AS ${one.remoteAs}, leaf2 AS ${two.remoteAs}`
      } finally {
        await set({ leaf1: 50000, leaf2: 50000 }, null)
        await sessionBecomesOf(lab, 'leaf1', master, 50000)
        await routesAreBack(lab, address)
      }
    },
  },
  {
    name: 'RACK-05 leaf without ADD-PATH receive: own path only, condition NextHopsNotAdvertised names worker1',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      try {
        // Without capabilities there is none for ADD-PATH (RFC 5492).
        await configureBgp(lab, 'leaf1', 'neighbor NODES dont-capability-negotiate')
        await lab.router('leaf1', [`clear bgp ${master}`])
        await nextHopsBecome(lab, address, [master], [worker2], 60_000)
        return await peerConditionBecomes(lab, 'leaf1', /NextHopsNotAdvertised.*worker1/)
      } finally {
        await configureBgp(lab, 'leaf1', 'no neighbor NODES dont-capability-negotiate')
        await lab.router('leaf1', [`clear bgp ${master}`])
        await routesAreBack(lab, address)
        await peerConditionBecomes(lab, 'leaf1', /^$/)
      }
    },
  },
  {
    name: 'RACK-06 the rack label of a node changes: announced by the speakers of its rack within 2 s, no session is reset',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const before = await sessionCounts(lab)
      const node = { name: 'ghost', addresses: [ghost, '192.168.1.5'], labels: { [rackKey]: 'leaf1' } }
      const took: string[] = []
      const label = async (rack: string): Promise<void> =>
        void (await lab.request('PATCH', '/api/v1/nodes/ghost', { metadata: { labels: { [rackKey]: rack } } }))
      const becomes = async (what: string, one: readonly string[], two: readonly string[]): Promise<void> => {
        const tookMs = await nextHopsBecome(lab, address, [master, worker1, ...one], [worker2, ...two], 30_000)
        expectWithin(2000, tookMs, what)
        took.push(`${what} ${ms(tookMs)}`)
      }
      await withNode(lab, node, async () => {
        await nextHopsBecome(lab, address, [master, worker1, ghost], [worker2], 30_000)
        await label('leaf2')
        await becomes('to leaf2', [], ['192.168.1.5'])
        await label('leaf1')
        await becomes('back to leaf1', [ghost], [])
      })
      await routesAreBack(lab, address)
      const after = await sessionCounts(lab)
      expect(after === before, `sessions up/down were ${before}, are ${after}`)
      return took.join(', ')
    },
  },
  {
    name: 'RACK-07 two speakers in a rack, one dies: a node without speaker stays announced by the other',
    run: (lab) =>
      withSpeakerOnWorker1(lab, async () => {
        const address = await addressOf(lab, 'echo')
        const node = { name: 'ghost', addresses: [ghost], labels: { [rackKey]: 'leaf1' } }
        return withNode(lab, node, async () => {
          await tellersBecome(lab, address, ghost, [master, worker1])
          await nextHopsBecome(lab, address, [master, worker1, ghost], [worker2], 30_000)
          const watch = await watchWays(lab, 'leaf1', address)
          try {
            await lab.program('speaker', 'worker1').stop('SIGKILL')
            await tellersBecome(lab, address, ghost, [master])
            await nextHopsBecome(lab, address, [master, ghost], [worker2], 30_000)
            watch.expectThroughout(master, ghost)
            return `told of ${ghost} by both, then by ${master} alone, never without`
          } finally {
            watch.stop()
            await lab.program('speaker', 'worker1').start()
          }
        })
      }),
  },
  {
    name: 'RACK-08 no rack label anywhere: a node without speaker is announced by two of the speakers',
    run: (lab) =>
      withSpeakerOnWorker1(lab, async () => {
        const address = await addressOf(lab, 'echo')
        const racksOf = { master: 'leaf1', worker1: 'leaf1', worker2: 'leaf2' } as const
        const names = Object.keys(racksOf) as readonly NodeName[]
        const select = (leaf: 'leaf1' | 'leaf2', nodeSelector: object): Promise<void> =>
          changePeer(lab, leaf, { nodeSelector })
        const byName = (values: readonly string[]): object => ({
          matchLabels: null,
          matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }],
        })
        try {
          await select('leaf1', byName(['master', 'worker1']))
          await select('leaf2', byName(['worker2']))
          for (const name of names) await lab.labelNode(name, rackKey, null)
          return await withNode(lab, { name: 'ghost', addresses: [ghost] }, async () => {
            await tellersBecome(lab, address, ghost, [master, worker1])
            await nextHopsBecome(lab, address, [master, worker1, ghost], [worker2], 30_000)
            return `${ghost} is told of by ${master} and ${worker1}`
          })
        } finally {
          for (const name of names) await lab.labelNode(name, rackKey, racksOf[name])
          for (const leaf of leafNames) {
            await select(leaf, { matchExpressions: null, matchLabels: { [rackKey]: leaf } })
          }
          await nextHopsBecome(lab, address, [master, worker1], [worker2], 30_000)
        }
      }),
  },
  {
    name: 'RACK-10 worker1 drained, and its speaker leaving: nobody announces it',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const drain = (value: string | null): Promise<unknown> =>
        lab.request('PATCH', '/api/v1/nodes/worker1', { metadata: { annotations: { 'bellhop.dev/drain': value } } })
      let drainedMs: number
      try {
        await drain('true')
        drainedMs = await nextHopsBecome(lab, address, [master], [worker2], 30_000)
      } finally {
        await drain(null)
        await routesAreBack(lab, address)
      }
      return withSpeakerOnWorker1(lab, async () => {
        await tellersBecome(lab, address, worker1, [worker1])
        const speaker = lab.program('speaker', 'worker1')
        try {
          await speaker.stop('SIGUSR2')
          await nextHopsBecome(lab, address, [master], [worker2], 30_000)
          const { status } = (await lab.request('GET', objectPath('racks', 'leaf1'))) as RackJson
          const left = status.proxied.find(({ node }) => node === 'worker1')
          expect(left?.usable === false, `the Rack says of worker1 ${JSON.stringify(left)}`)
          expect((await nodeNextHops(lab, 'leaf1', address)).join() === master, 'worker1 is announced again')
          return `drained: gone after ${ms(drainedMs)}; left: ${left.reason}`
        } finally {
          await speaker.start()
        }
      })
    },
  },
]

interface RackJson {
  readonly status: {
    readonly proxied: readonly { readonly node: string; readonly usable: boolean; readonly reason?: string }[]
  }
}

async function sessionBecomesOf(lab: Lab, leaf: 'leaf1' | 'leaf2', neighbor: string, as: number): Promise<Session> {
  return waitFor(
    `${leaf} has a session with AS ${as}`,
    async () => {
      const session = await sessionOf(lab, leaf, neighbor)
      return session.bgpState === 'Established' && session.remoteAs === as ? session : undefined
    },
    { timeoutMs: 60_000 },
  )
}

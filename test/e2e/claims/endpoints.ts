// Next hops follow the endpoints: both policies, Pods that move, are not ready, or end.
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, createService, onStage } from '../address-steps.ts'
import { type Claim, expect, nodeNextHops, poolKey } from '../claim.ts'
import { createPod, deletePod, watchSlices, withPods } from '../pod-steps.ts'
import {
  addressOf,
  changePeer,
  configureBgp,
  expectWithin,
  master,
  nextHopsBecome,
  rackKey,
  routesAreBack,
  withSpeakerOnWorker1,
  worker1,
  worker2,
} from '../route-steps.ts'

const ms = (took: number): string => `${took.toFixed(0)} ms`
const eips = { perched: { address: '172.23.9.64/29' } }

interface OwnService {
  readonly name: string
  readonly app: string
  readonly policy: 'Cluster' | 'Local'
}

/** A Service of the claim's own pool; its address. */
async function createOwn(lab: Lab, { name, app, policy }: OwnService): Promise<string> {
  const spec = { selector: { app }, externalTrafficPolicy: policy }
  const address = addressIn(await createService(lab, { name, annotations: { [poolKey]: 'perched' }, spec }))
  expect(address !== '', `Service ${name} has no address in the answer to its create`)
  return address
}

interface PathJson {
  readonly valid?: boolean
  readonly multipath?: boolean
  readonly nexthops: readonly { readonly ip: string }[]
  readonly peer: { readonly peerId: string }
}

async function pathsOf(lab: Lab, address: string): Promise<readonly PathJson[]> {
  const text = await lab.router('leaf1', [`show bgp ipv4 unicast ${address}/32 json`])
  return (JSON.parse(text) as { readonly paths?: readonly PathJson[] }).paths ?? []
}

export const endpoints: readonly Claim[] = [
  {
    name: 'BGP-01 one BgpPeer, three nodes with speakers, policy Cluster: the router has three next hops, each told by the node itself',
    run: (lab) =>
      withSpeakerOnWorker1(lab, async () => {
        const address = await addressOf(lab, 'echo')
        const way = '192.168.1.0/24 via 192.168.101.1'
        const all = [master, worker1, worker2]
        const own = all.map((hop) => `${hop} by ${hop}`).join(', ')
        let seen = ''
        try {
          // worker2 is behind the other leaf: leaf1 has to know a way to that next hop.
          await lab.read('leaf1', `ip route add ${way}`)
          // A group of its own: what FRR has begun with a neighbor one hop away it does not all begin again.
          await configureBgp(
            lab,
            'leaf1',
            'neighbor FAR peer-group',
            'neighbor FAR remote-as 50000',
            'neighbor FAR ebgp-multihop 5',
            'neighbor FAR passive',
            `neighbor ${worker2} peer-group FAR`,
          )
          await changePeer(lab, 'leaf1', { nodeSelector: null, ebgpMultihop: { enabled: true, multihopTtl: 5 } })
          await waitFor(
            `leaf1 has ${own}`,
            async () => {
              const paths = await pathsOf(lab, address)
              const used = paths.filter(({ valid, multipath }) => valid === true && multipath === true)
              seen = used
                .map(({ nexthops, peer }) => `${nexthops.map(({ ip }) => ip).join()} by ${peer.peerId}`)
                .toSorted()
                .join(', ')
              return seen === own
            },
            { timeoutMs: 60_000, missing: () => `it has ${seen}` },
          )
          return `leaf1 has ${seen}`
        } finally {
          await changePeer(lab, 'leaf1', { nodeSelector: { matchLabels: { [rackKey]: 'leaf1' } }, ebgpMultihop: null })
          await configureBgp(lab, 'leaf1', 'no neighbor FAR peer-group')
          await lab.exec('leaf1', `ip route del ${way}`)
          await routesAreBack(lab, address)
        }
      }),
  },
  {
    name: 'BGP-02, BGP-03 policy Local, Pods on two nodes: exactly these two; a Pod moves: the next hops follow within 1 s of the slice',
    run: (lab) =>
      onStage(lab, { eips, services: ['perched'] }, () =>
        withPods(
          lab,
          [
            { name: 'perched-1', app: 'perched', node: 'worker1' },
            { name: 'perched-2', app: 'perched', node: 'worker2' },
          ],
          async () => {
            const address = await createOwn(lab, { name: 'perched', app: 'perched', policy: 'Local' })
            await nextHopsBecome(lab, address, [worker1], [worker2], 30_000)
            const slices = await watchSlices(lab, 'perched')
            const afterSlice: string[] = []
            const follow = async (what: string, one: readonly string[], two: readonly string[]): Promise<void> => {
              await nextHopsBecome(lab, address, one, two, 30_000)
              const tookMs = performance.now() - slices.changedMs()
              expectWithin(1000, tookMs, `${what}, after the slice`)
              afterSlice.push(`${what} ${ms(tookMs)}`)
            }
            try {
              // From worker2 to the master.
              await createPod(lab, { name: 'perched-3', app: 'perched', node: 'master' })
              await follow('there', [master, worker1], [worker2])
              await deletePod(lab, 'perched-2')
              await follow('gone', [master, worker1], [])
              return `exactly worker1 and worker2; after the slice: ${afterSlice.join(', ')}`
            } finally {
              slices.stop()
            }
          },
          ['perched-3'],
        ),
      ),
  },
  {
    name: 'BGP-04 last ready endpoint gone, both policies: withdrawn; ready again: back; only a serving, terminating one left: stays until it ends',
    run: (lab) =>
      onStage(lab, { eips, services: ['last-local', 'last-cluster'] }, () =>
        withPods(lab, [{ name: 'last', app: 'last', node: 'worker1', lingerSeconds: 3 }], async () => {
          const [local, cluster] = await Promise.all([
            createOwn(lab, { name: 'last-local', app: 'last', policy: 'Local' }),
            createOwn(lab, { name: 'last-cluster', app: 'last', policy: 'Cluster' }),
          ])
          const slices = await watchSlices(lab, 'last-cluster')
          const areThere = async (): Promise<void> => {
            await nextHopsBecome(lab, local, [worker1], [], 30_000)
            await nextHopsBecome(lab, cluster, [master, worker1], [worker2], 30_000)
          }
          const areGone = async (): Promise<void> => {
            await nextHopsBecome(lab, local, [], [], 30_000)
            await nextHopsBecome(lab, cluster, [], [], 30_000)
          }
          const lingers = (): boolean =>
            slices.endpoints().some(({ conditions }) => conditions.serving === true && conditions.terminating === true)
          const hops = async (): Promise<string> => {
            const all = [local, cluster].flatMap((address) => [
              nodeNextHops(lab, 'leaf1', address),
              nodeNextHops(lab, 'leaf2', address),
            ])
            return (await Promise.all(all)).map((each) => `{${each.join()}}`).join(' ')
          }
          try {
            await areThere()
            await lab.setPodReady('default/last', false)
            await areGone()
            await lab.setPodReady('default/last', true)
            await areThere()
            const before = await hops()
            await deletePod(lab, 'last')
            await waitFor('the slice has a serving, terminating endpoint', lingers, { timeoutMs: 30_000 })
            let looks = 0
            while (lingers()) {
              const now = await hops()
              // The slice may have lost it while we looked.
              if (lingers()) expect(now === before, `next hops were ${before}, are ${now} while the Pod still serves`)
              looks++
            }
            expect(looks > 2, `it was looked at ${looks} times only`)
            await areGone()
            const tookMs = performance.now() - slices.changedMs()
            return `${looks} times the same while it ended; withdrawn ${ms(tookMs)} after the slice lost it`
          } finally {
            slices.stop()
          }
        }),
      ),
  },
]

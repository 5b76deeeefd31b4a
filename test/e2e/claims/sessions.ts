// Configuration of BGP, edited while sessions are up, and what routers and status say of it.
import { type Lab, waitFor } from '../../lab/index.ts'
import { changeEip, onStage } from '../address-steps.ts'
import { type Claim, expect, getOrUndefined, poolKey, serviceObject, waitForIngress } from '../claim.ts'
import {
  addressOf,
  bgpPathOf,
  changePeer,
  configureBgp,
  expectWithin,
  master,
  nextHopsBecome,
  objectPath,
  routesAreBack,
  sessionBecomes,
  sessionCounts,
  sessionOf,
  watchWays,
  worker1,
  worker2,
} from '../route-steps.ts'

const ms = (took: number): string => `${took.toFixed(0)} ms`
const confs = '/apis/network.kubesphere.io/v1alpha2/bgpconfs'

interface ConfJson {
  readonly spec: object
  readonly status?: {
    readonly nodes?: number
    readonly nodesConfStatus?: Readonly<Record<string, { readonly routerId: string; readonly as: number }>>
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[]
  }
}

interface PeerJson {
  readonly metadata: { readonly generation: number }
  readonly status?: {
    readonly nodesPeerStatus?: Readonly<
      Record<
        string,
        { readonly peerState: { readonly sessionState: string; readonly flops: number; readonly messages: object } }
      >
    >
  }
}

async function getConf(lab: Lab, name: string): Promise<ConfJson> {
  return (await lab.request('GET', `${confs}/${name}`)) as ConfJson
}

async function createConf(lab: Lab, name: string, spec: object): Promise<void> {
  const type = { apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'BgpConf' }
  await lab.request('POST', confs, { ...type, metadata: { name }, spec })
}

async function getPeer(lab: Lab, name: string): Promise<PeerJson> {
  return (await lab.request('GET', objectPath('bgppeers', name))) as PeerJson
}

export const sessions: readonly Claim[] = [
  {
    name: 'BGP-07 a BgpConf not named default is ignored, its condition says so',
    async run(lab) {
      const before = await sessionCounts(lab)
      try {
        await createConf(lab, 'other', { as: 65000, listenPort: 17999 })
        let seen = ''
        await waitFor(
          'BgpConf other says that it is not used',
          async () => {
            const { status } = await getConf(lab, 'other')
            seen = JSON.stringify(status)
            return status?.conditions?.some(
              ({ type, status, reason }) => type === 'Used' && status === 'False' && reason === 'NotDefaultConf',
            )
          },
          { timeoutMs: 30_000, missing: () => `its status is ${seen}` },
        )
        const { status } = await getConf(lab, 'default')
        const as = Object.values(status?.nodesConfStatus ?? {}).map((node) => node.as)
        expect(as.length === 2 && as.every((each) => each === 50000), `BgpConf default says ${JSON.stringify(status)}`)
        const after = await sessionCounts(lab)
        expect(after === before, `sessions up/down were ${before}, are ${after}`)
        const listening = await lab.read('master', 'ss -Htln sport = :17999')
        expect(listening.trim() === '', `the speaker listens there: ${listening}`)
        return `NotDefaultConf; AS ${as.join(', ')}`
      } finally {
        if ((await getOrUndefined(lab, `${confs}/other`)) !== undefined) await lab.request('DELETE', `${confs}/other`)
      }
    },
  },
  {
    name: "BGP-08 no routerId: the node's InternalIP, at the router and in the status",
    async run(lab) {
      const seen: string[] = []
      for (const [node, leaf, address] of [
        ['master', 'leaf1', master],
        ['worker2', 'leaf2', worker2],
      ] as const) {
        const { remoteRouterId } = await sessionBecomes(lab, leaf, address, true)
        expect(remoteRouterId === address, `${leaf} knows ${node} as ${remoteRouterId}`)
        await waitFor(
          `BgpConf default says router id ${address} of ${node}`,
          async () => (await getConf(lab, 'default')).status?.nodesConfStatus?.[node]?.routerId === address,
          { timeoutMs: 30_000 },
        )
        seen.push(`${node} ${address}`)
      }
      return seen.join(', ')
    },
  },
  {
    name: 'BGP-09 listenPort edited: it listens there, no route goes, no session is reset',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const before = await sessionCounts(lab)
      const watches = [await watchWays(lab, 'leaf1', address), await watchWays(lab, 'leaf2', address)]
      const listenAt = async (port: number, closed: number): Promise<void> => {
        await lab.request('PATCH', `${confs}/default`, { spec: { listenPort: port } })
        for (const node of ['master', 'worker2'] as const) {
          await waitFor(
            `${node} listens at ${port} and not at ${closed}`,
            async () =>
              (await lab.read(node, `ss -Htln sport = :${port}`)).trim() !== '' &&
              (await lab.read(node, `ss -Htln sport = :${closed}`)).trim() === '',
            { timeoutMs: 30_000 },
          )
        }
      }
      try {
        await listenAt(17901, 17900)
      } finally {
        await listenAt(17900, 17901)
        for (const watch of watches) watch.stop()
      }
      watches[0]?.expectThroughout(master, worker1)
      watches[1]?.expectThroughout(worker2)
      const after = await sessionCounts(lab)
      expect(after === before, `sessions up/down were ${before}, are ${after}`)
      return `17901 and back, sessions up/down ${after} all the time`
    },
  },
  {
    name: 'BGP-10 BgpConf deleted: withdrawn, status cleaned; made again: back',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const { spec } = await getConf(lab, 'default')
      let goneMs = 0
      try {
        await lab.request('DELETE', `${confs}/default`)
        goneMs = await nextHopsBecome(lab, address, [], [], 30_000)
        for (const leaf of ['leaf1', 'leaf2']) {
          let seen = ''
          await waitFor(
            `BgpPeer ${leaf} names no node`,
            async () => {
              const nodes = (await getPeer(lab, leaf)).status?.nodesPeerStatus ?? {}
              seen = JSON.stringify(nodes)
              return Object.keys(nodes).length === 0
            },
            { timeoutMs: 30_000, missing: () => `it names ${seen}` },
          )
        }
      } finally {
        if ((await getOrUndefined(lab, `${confs}/default`)) === undefined) await createConf(lab, 'default', spec)
        await routesAreBack(lab, address)
      }
      await waitFor(
        'BgpConf default has its status again',
        async () => (await getConf(lab, 'default')).status?.nodes === 2,
        { timeoutMs: 30_000 },
      )
      return `withdrawn ${ms(goneMs)} after the delete`
    },
  },
  {
    name: 'BGP-11 nodeSelector matches no node: no session; then a node is relabelled: session, the BgpPeer is not touched',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      const key = 'example.com/site'
      try {
        await changePeer(lab, 'leaf2', { nodeSelector: { matchLabels: { [key]: 'b' } } })
        await sessionBecomes(lab, 'leaf2', worker2, false)
        await nextHopsBecome(lab, address, [master, worker1], [], 30_000)
        const { generation } = (await getPeer(lab, 'leaf2')).metadata
        await lab.labelNode('worker2', key, 'b')
        const tookMs = await nextHopsBecome(lab, address, [master, worker1], [worker2], 30_000)
        expect((await getPeer(lab, 'leaf2')).metadata.generation === generation, 'the BgpPeer was written')
        return `no session; route ${ms(tookMs)} after the label`
      } finally {
        await changePeer(lab, 'leaf2', { nodeSelector: { matchLabels: { [key]: null } } })
        await lab.labelNode('worker2', key, null)
        await routesAreBack(lab, address)
      }
    },
  },
  {
    name: 'BGP-18 session established: sessionState ESTABLISHED within 2 s, counters are strings',
    async run(lab) {
      const flopsOf = async (): Promise<number | undefined> => {
        const node = (await getPeer(lab, 'leaf2')).status?.nodesPeerStatus?.['worker2']
        return node?.peerState.sessionState === 'ESTABLISHED' ? node.peerState.flops : undefined
      }
      await sessionBecomes(lab, 'leaf2', worker2, true)
      const before = await waitFor('BgpPeer leaf2 says ESTABLISHED', async () => [await flopsOf()], {
        timeoutMs: 30_000,
      })
      const { connectionsEstablished = 0 } = await sessionOf(lab, 'leaf2', worker2)
      await lab.router('leaf2', [`clear bgp ${worker2}`])
      await waitFor(
        'the session is up again',
        async () => {
          const now = await sessionOf(lab, 'leaf2', worker2)
          return now.bgpState === 'Established' && (now.connectionsEstablished ?? 0) > connectionsEstablished
        },
        { timeoutMs: 60_000 },
      )
      const startMs = performance.now()
      await waitFor('the status says so', async () => ((await flopsOf()) ?? 0) > (before[0] ?? 0), {
        timeoutMs: 30_000,
      })
      const tookMs = performance.now() - startMs
      expectWithin(2000, tookMs, 'the status says so')
      const { messages } = (await getPeer(lab, 'leaf2')).status?.nodesPeerStatus?.['worker2']?.peerState ?? {
        messages: {},
      }
      const counts = Object.values(messages).flatMap((each) => Object.values(each as object) as unknown[])
      expect(counts.length === 12 && counts.every((each) => typeof each === 'string'), JSON.stringify(messages))
      return `${ms(tookMs)} after the router; ${JSON.stringify(messages)}`
    },
  },
  {
    name: 'BGP-19 communities, large, localPref, med, prepend of an Eip, edited live: seen at the router, no session is reset',
    run: (lab) =>
      onStage(lab, { eips: { tagged: { address: '172.23.9.1' } }, services: ['tagged'] }, async () => {
        const address = '172.23.9.1'
        const echo = await addressOf(lab, 'echo')
        try {
          // Only a router of our own AS is told a LOCAL_PREF (RFC 4271 section 5.1.5).
          await changePeer(lab, 'leaf2', { conf: { localAs: 50002 } })
          await configureBgp(lab, 'leaf2', 'neighbor NODES remote-as 50002')
          await lab.request(
            'POST',
            '/api/v1/namespaces/default/services',
            serviceObject({ name: 'tagged', annotations: { [poolKey]: 'tagged' } }),
          )
          await waitForIngress(lab, 'tagged', [address])
          await nextHopsBecome(lab, address, [master, worker1], [worker2], 60_000)
          const before = await sessionCounts(lab)
          const startMs = performance.now()
          await changeEip(lab, 'tagged', {
            spec: {
              bgp: {
                communities: ['65000:1', 'no-export'],
                largeCommunities: ['65000:1:2'],
                localPref: 250,
                med: 77,
                asPathPrepend: 2,
              },
            },
          })
          let seen = ''
          await waitFor(
            'the leaves see what the Eip says',
            async () => {
              const [one, two] = [
                await bgpPathOf(lab, 'leaf1', address, master),
                await bgpPathOf(lab, 'leaf2', address, worker2),
              ]
              seen = JSON.stringify([one, two])
              const has = (path: typeof one): boolean =>
                path.communities === '65000:1 no-export' && path.large === '65000:1:2' && path.med === 77
              return has(one) && has(two) && one.asPath === '50000 50000 50000' && two.localPref === 250
            },
            { timeoutMs: 30_000, missing: () => seen },
          )
          const tookMs = performance.now() - startMs
          await changeEip(lab, 'tagged', { spec: { bgp: null } })
          await waitFor(
            'the attributes are gone',
            async () => {
              const path = await bgpPathOf(lab, 'leaf1', address, master)
              seen = JSON.stringify(path)
              return path.communities === '' && path.large === '' && path.asPath === '50000' && path.med !== 77
            },
            { timeoutMs: 30_000, missing: () => seen },
          )
          const after = await sessionCounts(lab)
          expect(after === before, `sessions up/down were ${before}, are ${after}`)
          return `seen ${ms(tookMs)} after the edit; sessions up/down ${after} all the time`
        } finally {
          await changePeer(lab, 'leaf2', { conf: { localAs: null } })
          await configureBgp(lab, 'leaf2', 'neighbor NODES remote-as 50000')
          await routesAreBack(lab, echo)
        }
      }),
  },
]

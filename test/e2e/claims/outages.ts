// Nodes, speakers and the API server go away and come back: what stays at the routers meanwhile, and what must not.
import { setTimeout as pause } from 'node:timers/promises'

import { type Lab, waitFor } from '../../lab/index.ts'
import { createService } from '../address-steps.ts'
import { type Claim, addressKey, askedOfSamplePool, expect, remove, waitForIngress } from '../claim.ts'
import {
  addressOf,
  bgpPathOf,
  changePeer,
  master,
  nextHopsBecome,
  objectPath,
  readyCondition,
  routesAreBack,
  sessionBecomes,
  sessionCounts,
  sessionOf,
  watchWays,
  withNode,
  worker1,
  worker2,
} from '../route-steps.ts'

const ms = (took: number): string => `${took.toFixed(0)} ms`
/** With `make test-long`: as long as the case asks for. */
const isLong = process.env['BELLHOP_TEST_LONG'] === '1'
const apiAwaySeconds = isLong ? 120 : 20

/** As somebody makes it by hand for a Service without selector: one ready endpoint on the master. */
async function createSlice(lab: Lab, service: string): Promise<void> {
  await lab.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: service, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.244.0.250'], nodeName: 'master', conditions: { ready: true } }],
  })
}

const labelWorker2 = (lab: Lab, key: string, value: string | null): Promise<void> =>
  lab.labelNode('worker2', key, value)

export const outages: readonly Claim[] = [
  {
    name: 'BGP-05 node Ready=False, deleted, added, excluded by label: next hop gone, gone, there, gone; Ready=Unknown with a living speaker: stays',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const ghost = '192.168.0.5'
      const has = (hops: readonly string[]): Promise<number> =>
        nextHopsBecome(lab, address, [master, worker1, ...hops], [worker2], 30_000)
      const took: string[] = []
      await withNode(lab, { name: 'ghost', addresses: [ghost] }, async () => {
        took.push(`added ${ms(await has([ghost]))}`)
        const conditions = (status: 'True' | 'False'): Promise<unknown> =>
          lab.request('PATCH', '/api/v1/nodes/ghost/status', { status: { conditions: [readyCondition(status)] } })
        await conditions('False')
        took.push(`not Ready ${ms(await has([]))}`)
        await conditions('True')
        await has([ghost])
        await lab.request('DELETE', '/api/v1/nodes/ghost')
        took.push(`deleted ${ms(await has([]))}`)
      })
      const excluded = 'node.kubernetes.io/exclude-from-external-load-balancers'
      try {
        await labelWorker2(lab, excluded, '')
        took.push(`excluded ${ms(await nextHopsBecome(lab, address, [master, worker1], [], 30_000))}`)
        await labelWorker2(lab, excluded, null)
        await routesAreBack(lab, address)
        const watch = await watchWays(lab, 'leaf2', address)
        try {
          await lab.setNodeCondition('worker2', 'Ready', 'Unknown')
          // The control plane has acted on it, and the speaker has seen a change of the Node made after it.
          await labelWorker2(lab, excluded, '')
          await nextHopsBecome(lab, address, [master, worker1], [], 30_000)
          const before = watch.changes().length
          await labelWorker2(lab, excluded, null)
          await routesAreBack(lab, address)
          expect(watch.changes().slice(0, before - 1).length === 0, 'the route changed when the node was Unknown')
        } finally {
          watch.stop()
        }
        return `${took.join(', ')}; Unknown: stays`
      } finally {
        await lab.setNodeCondition('worker2', 'Ready', 'True')
        await labelWorker2(lab, excluded, null)
        await routesAreBack(lab, address)
      }
    },
  },
  {
    name: 'BGP-17 speaker killed: with graceful restart the router keeps its routes up to the restart time, without it they go; other paths stay',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const speaker = lab.program('speaker', 'worker2')
      const others = await watchWays(lab, 'leaf1', address)
      const own = await watchWays(lab, 'leaf2', address)
      const restartSeconds = 6
      try {
        await speaker.stop('SIGKILL')
        const withoutMs = await nextHopsBecome(lab, address, [master, worker1], [], 100_000)
        await speaker.start()
        await routesAreBack(lab, address)

        const { connectionsEstablished = 0 } = await sessionOf(lab, 'leaf2', worker2)
        await changePeer(lab, 'leaf2', { gracefulRestart: { enabled: true, restartTime: restartSeconds } })
        await waitFor(
          'leaf2 is told of graceful restart in a new session',
          async () => {
            const now = await sessionOf(lab, 'leaf2', worker2)
            return now.bgpState === 'Established' && (now.connectionsEstablished ?? 0) > connectionsEstablished
          },
          { timeoutMs: 60_000 },
        )
        await routesAreBack(lab, address)
        const before = own.changes().length
        await speaker.stop('SIGKILL')
        const killedMs = performance.now()
        await sessionBecomes(lab, 'leaf2', worker2, false)
        expect(own.changes().length === before, 'the route changed with the session')
        await nextHopsBecome(lab, address, [master, worker1], [], 60_000)
        const keptMs = performance.now() - killedMs
        expect(keptMs > restartSeconds * 1000 - 1000, `kept for ${ms(keptMs)}, restart time ${restartSeconds} s`)
        await speaker.start()
        await routesAreBack(lab, address)
        others.expectThroughout(master, worker1)
        return `without: gone after ${ms(withoutMs)}; with ${restartSeconds} s: gone after ${ms(keptMs)}; leaf1 kept its own`
      } finally {
        others.stop()
        own.stop()
        await speaker.start()
        await changePeer(lab, 'leaf2', { gracefulRestart: null })
        await sessionBecomes(lab, 'leaf2', worker2, true)
        await routesAreBack(lab, address)
      }
    },
  },
  {
    name: `${isLong ? 'BGP-20 ' : ''}the API server is away for ${apiAwaySeconds} s: sessions and routes stay; back: no flap, changes are followed again`,
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const before = await sessionCounts(lab)
      const watches = [await watchWays(lab, 'leaf1', address), await watchWays(lab, 'leaf2', address)]
      const apiServer = lab.program('kube-apiserver')
      try {
        await apiServer.stop('SIGKILL')
        const awayMs = performance.now()
        try {
          // Looks all the time whether anything goes, and ends at the first that does.
          while (performance.now() - awayMs < apiAwaySeconds * 1000) {
            const now = await sessionCounts(lab)
            expect(now === before, `sessions up/down were ${before}, are ${now}`)
            await pause(500)
          }
        } finally {
          await apiServer.start()
          await waitFor('the API server answers', () => lab.request('GET', '/api/v1/nodes/master'), {
            timeoutMs: 60_000,
          })
        }
        // As in a cluster, where it ends when it cannot renew its lease; else it sleeps on for most of a minute.
        const controllerManager = lab.program('kube-controller-manager')
        await controllerManager.stop('SIGKILL')
        await controllerManager.start()
        const backMs = performance.now()
        const sinceBack = (): string => ms(performance.now() - backMs)
        // Without selector, its slice made by hand: how soon the control plane makes one is not ours.
        const asked = {
          name: 'returned',
          annotations: { [addressKey]: askedOfSamplePool.returned },
          spec: { selector: undefined },
        }
        await waitFor(
          'a Service is taken',
          async () => {
            await createService(lab, asked)
            return true
          },
          { timeoutMs: 60_000 },
        )
        const taken = sinceBack()
        await createSlice(lab, 'returned')
        await waitForIngress(lab, 'returned', [askedOfSamplePool.returned], { timeoutMs: 60_000 })
        const assigned = sinceBack()
        await nextHopsBecome(lab, askedOfSamplePool.returned, [master, worker1], [worker2], 60_000)
        const announced = sinceBack()
        watches[0]?.expectThroughout(master, worker1)
        watches[1]?.expectThroughout(worker2)
        const after = await sessionCounts(lab)
        expect(after === before, `sessions up/down were ${before}, are ${after}`)
        return `sessions up/down ${after} all the time; after the return a new Service is taken ${taken}, assigned ${assigned}, announced ${announced}`
      } finally {
        for (const watch of watches) watch.stop()
        await remove(lab, 'service', 'returned')
        await remove(lab, 'endpointslice', 'returned')
      }
    },
  },
  {
    name: 'BGP-21 node annotated bellhop.dev/drain: GRACEFUL_SHUTDOWN, then withdrawn, Speaker says Drained, the session stays; removed: back',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const before = await sessionCounts(lab)
      const drain = (value: string | null): Promise<unknown> =>
        lab.request('PATCH', '/api/v1/nodes/worker2', { metadata: { annotations: { 'bellhop.dev/drain': value } } })
      const stateOf = async (): Promise<string> =>
        ((await lab.request('GET', objectPath('speakers', 'worker2'))) as { status: { state: string } }).status.state
      const stateBecomes = async (wanted: string): Promise<void> =>
        void (await waitFor(`Speaker worker2 says ${wanted}`, async () => (await stateOf()) === wanted, {
          timeoutMs: 30_000,
          everyMs: 200,
        }))
      const figures: string[] = []
      try {
        const startMs = performance.now()
        await drain('true')
        let seen = ''
        await waitFor(
          'the route of worker2 carries GRACEFUL_SHUTDOWN at leaf2',
          async () => {
            seen = (await bgpPathOf(lab, 'leaf2', address, worker2)).communities
            return /graceful-?shutdown|65535:0/i.test(seen)
          },
          { timeoutMs: 30_000, missing: () => `communities: ${seen || 'none'}` },
        )
        figures.push(`tagged ${ms(performance.now() - startMs)}`)
        // The router takes another way from here on; the route itself is withdrawn later.
        await nextHopsBecome(lab, address, [master, worker1], [], 30_000)
        await waitFor(
          'leaf2 is told no way by worker2',
          async () => (await lab.bgpPaths('leaf2', address)).every(({ peer }) => peer !== worker2),
          { timeoutMs: 30_000, everyMs: 100 },
        )
        figures.push(`withdrawn ${ms(performance.now() - startMs)}`)
        await stateBecomes('Drained')
      } finally {
        await drain(null)
        const backMs = await routesAreBack(lab, address)
        figures.push(`back ${ms(backMs)} after it was removed`)
      }
      await stateBecomes('Running')
      const after = await sessionCounts(lab)
      expect(after === before, `sessions up/down were ${before}, are ${after}`)
      return figures.join(', ')
    },
  },
]

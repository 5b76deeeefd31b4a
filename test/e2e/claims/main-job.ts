// The main job, the first claims of the lab check, in this order: later ones, here and elsewhere, use the Service of the
// first.
import { setTimeout as pause } from 'node:timers/promises'

import { type Lab, waitFor } from '../../lab/index.ts'
import {
  type Claim,
  addressKey,
  askedOfSamplePool,
  conditionOf,
  expect,
  getService,
  kubectl,
  remove,
  samplePool,
  serviceObject,
} from '../claim.ts'
import { createTimed, everyNodeAnswers, sendRequests, watchRoutes } from '../client.ts'
import { addressOf, master, nextHopsBecome, worker1, worker2 } from '../route-steps.ts'

const poolStart = '172.22.0.'

/** The spine follows the leaves by BGP of its own: a moment later. */
async function spineKnows(lab: Lab, address: string, leaves: readonly string[]): Promise<void> {
  let seen = ''
  await waitFor(
    `the spine has {${leaves.join()}} for ${address}`,
    async () => {
      seen = (await lab.leafNextHops('spine', address)).join()
      return seen === leaves.join()
    },
    { missing: () => `seen {${seen}}` },
  )
}

const viaLeaf1 = '192.168.101.2'

const viaLeaf2 = '192.168.102.2'

export const mainJob: readonly Claim[] = [
  {
    name: 'manifests of OpenELB 0.6 and of Porter 0.4 work unchanged',
    async run(lab) {
      const seen: string[] = []
      for (const [name, samples] of [
        ['echo', 'manifests/samples/openelb'],
        ['echo-porter', 'manifests/samples/porter'],
      ] as const) {
        await lab.deploy(samples)
        let address = await addressOf(lab, name)
        while (Object.values<string>(askedOfSamplePool).includes(address)) {
          await remove(lab, 'service', name)
          await lab.deploy(samples)
          address = await addressOf(lab, name)
        }
        expect(address.startsWith(poolStart), `${name} has ${address}, which is not in the pool`)
        await nextHopsBecome(lab, address, [master, worker1], [worker2], 30_000)
        await spineKnows(lab, address, [viaLeaf1, viaLeaf2])
        await everyNodeAnswers(lab, address)
        const { good, errors } = await sendRequests(lab, address, { count: 5 })
        expect(good === 5, `${good} of 5 requests to ${name} at ${address} were answered: ${errors.join('; ')}`)
        seen.push(`${name} ${address}`)
      }
      return seen.join(', ')
    },
  },
  {
    name: 'the create response carries pool and address; the time line from create to the first good request',
    async run(lab) {
      await waitFor(
        'echo is advertised',
        async () => /^True/.test(conditionOf(await getService(lab, 'echo'), 'Advertised')),
        {
          timeoutMs: 30_000,
        },
      )
      const address = askedOfSamplePool.timed
      const routes = await watchRoutes(lab)
      const asking = sendRequests(lab, address, { 'until-first': true, 'deadline-ms': 20_000 })
      try {
        await pause(500) // the asking client is a program that has to start; one that is late makes the figure worse
        const service = serviceObject({ name: 'timed', annotations: { [addressKey]: address } })
        const [times] = await createTimed(lab, [service])
        expect(times !== undefined, 'nothing was created')
        expect(times.addressInAnswer === address, `the answer to the create has the address ${times.addressInAnswer}`)
        expect(times.poolInAnswer === samplePool, `the answer to the create names the pool ${times.poolInAnswer}`)
        expect(times.ingress === address, `the status says ${times.ingress}, the answer ${address}`)
        const { leaf1, leaf2 } = await routes.routed(address)
        const request = await asking
        expect(request.firstGoodMs !== null, `no good answer at the client: ${request.errors.join('; ')}`)
        const since = (atMs: number | null): string => `${((atMs ?? Number.NaN) - times.startMs).toFixed(1)} ms`
        return [
          `${address}: create answered ${since(times.answeredMs)}`,
          `ingress ${since(times.ingressMs)}`,
          `route leaf1 ${since(leaf1)}, leaf2 ${since(leaf2)}`,
          `first good request ${since(request.firstGoodMs)}`,
        ].join(', ')
      } finally {
        routes.stop()
        await Promise.allSettled([asking])
        await remove(lab, 'service', 'timed')
      }
    },
  },
  {
    name: 'RACK-01 with the labels of the guide leaf1 has {192.168.0.3, 192.168.0.4}, leaf2 {192.168.1.2}, the spine both leaves',
    async run(lab) {
      const speakers = lab
        .pods()
        .filter((run) => run.programName() === 'speaker')
        .map(({ node }) => node)
      expect(speakers.toSorted().join() === 'master,worker2', `speakers run on ${speakers.join()}`)
      const address = await addressOf(lab, 'echo')
      await nextHopsBecome(lab, address, [master, worker1], [worker2])
      const spine = [viaLeaf1, viaLeaf2]
      await spineKnows(lab, address, spine)
      const racks = await kubectl(lab, ['get', 'racks'])
      expect(racks.out.includes('leaf1') && racks.out.includes('leaf2'), `kubectl get racks prints ${racks.out}`)
      return `leaf1 {${master}, ${worker1}}, leaf2 {${worker2}}, spine {${spine.join(', ')}}`
    },
  },
  {
    name: '300 requests with varying source ports come in at all three nodes, none fails',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await spineKnows(lab, address, [viaLeaf1, viaLeaf2])
      const before = await lab.countConnections()
      const { good, failed, byPod, errors } = await sendRequests(lab, address, { count: 300, parallel: 10 })
      const after = await lab.countConnections()
      const at = (node: 'master' | 'worker1' | 'worker2'): number => after[node] - before[node]
      expect(good === 300 && failed === 0, `${good} good, ${failed} failed: ${errors.join('; ')}`)
      const counts = `master ${at('master')}, worker1 ${at('worker1')}, worker2 ${at('worker2')}`
      expect(at('master') > 0 && at('worker1') > 0 && at('worker2') > 0, `connections came in at ${counts}`)
      return `300 good, 0 failed; came in at ${counts}; answered by ${Object.keys(byPod).length} pods`
    },
  },
  {
    name: 'BGP-06 policy Local: only nodes with a ready pod; the pod moves, the routes follow; no ready endpoint, no route',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      const set = (policy: string): Promise<unknown> =>
        kubectl(lab, ['patch', 'service', 'echo', '-p', JSON.stringify({ spec: { externalTrafficPolicy: policy } })])
      try {
        await kubectl(lab, ['scale', 'deployment/echo', '--replicas=1'])
        await lab.moveDeployment('default/echo', 'worker2')
        await set('Local')
        const local = await nextHopsBecome(lab, address, [], [worker2], 30_000)
        await lab.moveDeployment('default/echo', 'worker1')
        await nextHopsBecome(lab, address, [worker1], [], 30_000)
        await spineKnows(lab, address, [viaLeaf1])
        await everyNodeAnswers(lab, address)
        const moved = await sendRequests(lab, address, { count: 10 })
        expect(moved.good === 10, `${moved.failed} of 10 requests failed after the move: ${moved.errors.join('; ')}`)
        const pod = lab.pods().find(({ pod }) => /^echo-(?!porter)/.test(pod.name))
        expect(pod !== undefined, 'no pod of echo runs')
        await lab.setPodReady(`default/${pod.pod.name}`, false)
        const unready = await nextHopsBecome(lab, address, [], [])
        await lab.setPodReady(`default/${pod.pod.name}`, true)
        await nextHopsBecome(lab, address, [worker1], [])
        await set('Cluster')
        const cluster = await nextHopsBecome(lab, address, [master, worker1], [worker2])
        return [
          `Local on worker2 after ${local.toFixed(0)} ms`,
          `unready withdrawn after ${unready.toFixed(0)} ms`,
          `Cluster on all three after ${cluster.toFixed(0)} ms`,
        ].join(', ')
      } finally {
        await set('Cluster')
        await lab.moveDeployment('default/echo', null)
        await kubectl(lab, ['scale', 'deployment/echo', '--replicas=3'])
        await kubectl(lab, ['rollout', 'status', 'deployment/echo', '--timeout=60s'])
        await nextHopsBecome(lab, address, [master, worker1], [worker2], 30_000)
      }
    },
  },
]

// What routers would lose and learn, in the lab's network.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type WayChanges,
  compareViews,
  dependentsOf,
  waysOf,
  withDrain,
  withPlannedRacks,
  withoutNode,
  withoutPeer,
} from '../../../src/core/simulate/index.ts'
import type { ClusterView } from '../../../src/core/explain/index.ts'
import { labObjects, leaseObject, nodeObject, serviceObjects, sessionObject, speakerObject, viewOf } from './lab.ts'

const everywhere = serviceObjects('everywhere', '172.22.0.1')
const atMaster = serviceObjects('at-master', '172.22.0.2', { policy: 'Local', endpoints: [['master', true]] })
const atWorker2 = serviceObjects('at-worker2', '172.22.0.3', { policy: 'Local', endpoints: [['worker2', true]] })
const lab = viewOf(labObjects([everywhere, atMaster, atWorker2]))

function changes(after: ClusterView | undefined, before: ClusterView = lab): WayChanges {
  assert.ok(after !== undefined, 'there is nothing to change')
  return compareViews(before, after)
}

function summary({ lost, thin, gained, peers }: WayChanges): unknown {
  return {
    lost: lost.map(({ address, reason }) => `${address} ${reason.code}`),
    thin: thin.map(({ address, node }) => `${address} ${node}`),
    gained,
    peers: peers.map(({ peer, before, after, removed, added }) => {
      const hops = (of: typeof removed): string => of.map(({ node, addresses }) => `${node} ${addresses}`).join()
      return `${peer} ${before}→${after} -[${hops(removed)}] +[${hops(added)}]`
    }),
  }
}

void test('ways: a node without a speaker is next hop at its leaf beside the one that announces it', () => {
  const ways = waysOf(withPlannedRacks(lab))
  assert.deepEqual(
    Object.fromEntries([...(ways.get('172.22.0.1') ?? [])].map(([peer, hops]) => [peer, Object.fromEntries(hops)])),
    { leaf1: { master: ['master'], worker1: ['master'] }, leaf2: { worker2: ['worker2'] } },
  )
})

void test('drain of a node: its next hops go; the address that only it serves loses its last way', () => {
  assert.deepEqual(summary(changes(withDrain(lab, 'master', true))), {
    lost: ['172.22.0.2 NoUsableNode'],
    thin: [],
    gained: [],
    peers: ['leaf1 2→1 -[master 2] +[]'],
  })
})

void test('drain of the only speaker of a rack: the nodes beside it stay announced, by its session', () => {
  const { peers, lost } = changes(withDrain(lab, 'worker2', true))
  assert.deepEqual(
    peers.map(({ peer, after, removed }) => [peer, after, removed]),
    [['leaf2', 0, [{ node: 'worker2', addresses: 2 }]]],
  )
  assert.deepEqual(
    lost.map(({ address, services, eip }) => [address, services, eip]),
    [['172.22.0.3', ['default/at-worker2'], 'pool']],
  )
})

void test('a drained speaker goes on announcing the nodes beside it: those that it alone announces are named', () => {
  const { ways } = changes(withDrain(lab, 'master', true))
  assert.deepEqual(dependentsOf(ways, 'master'), [{ node: 'worker1', addresses: 1 }])
  assert.deepEqual(dependentsOf(ways, 'worker2'), [])
  // With a second speaker in the rack nobody depends on the first.
  const two = viewOf(
    labObjects([everywhere], {
      nodes: [...(labObjects().nodes ?? []), nodeObject('worker3', 'leaf1', '192.168.0.5')],
      speakers: ['master', 'worker2', 'worker3'].map((name) =>
        speakerObject(name, [sessionObject(name === 'worker2' ? 'leaf2' : 'leaf1')]),
      ),
      leases: ['master', 'worker2', 'worker3'].map(leaseObject),
    }),
  )
  assert.deepEqual(dependentsOf(waysOf(withPlannedRacks(two)), 'master'), [])
})

void test('undrain: what is simulated of a drained node is its return', () => {
  const drained = viewOf(
    labObjects([everywhere, atMaster], {
      nodes: [
        nodeObject('master', 'leaf1', '192.168.0.3', { annotations: { 'bellhop.dev/drain': 'true' } }),
        nodeObject('worker2', 'leaf2', '192.168.1.2'),
      ],
      speakers: [
        speakerObject('master', [...(lab.speakers.get('master')?.status.sessions ?? [])] as never, {
          state: 'Drained',
        }),
      ],
    }),
  )
  assert.deepEqual(summary(changes(withDrain(drained, 'master', false), drained)), {
    lost: [],
    thin: [],
    gained: ['172.22.0.1', '172.22.0.2'],
    peers: ['leaf1 0→2 -[] +[master 2]'],
  })
})

void test('loss of a router: the addresses that only it has a way to are lost, and no others', () => {
  const { lost, peers, after } = changes(withoutPeer(lab, 'leaf2'))
  assert.deepEqual(
    lost.map(({ address, reason }) => [address, reason.code]),
    [['172.22.0.3', 'NoSession']],
  )
  assert.deepEqual(
    peers.map(({ peer, after }) => [peer, after]),
    [['leaf2', 0]],
  )
  assert.equal(after, 2)
  assert.equal(withoutPeer(lab, 'leaf3'), undefined)
  assert.equal(withoutPeer(lab, 'leaf2', 'master'), undefined)
})

void test('loss of a node: its endpoints count as gone, and with its speaker the node that it announced', () => {
  assert.deepEqual(summary(changes(withoutNode(lab, 'master'))), {
    lost: ['172.22.0.2 NoReadyEndpoint'],
    thin: ['172.22.0.1 worker2'],
    gained: [],
    peers: ['leaf1 2→0 -[master 2,worker1 1] +[]'],
  })
  assert.equal(withoutNode(lab, 'nowhere'), undefined)
})

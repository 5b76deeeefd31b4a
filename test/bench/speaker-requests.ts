// What a cluster of a hundred nodes asks of the API server each second, speakers and controller, against the budget of
// design §8: at rest, and while the session of every node goes up and down all the time. The programs are whole but for
// router and kernel; time is simulated, so the figures are the same on every machine.
import { type Controller, openController } from '../../controller/wiring.ts'
import { type Speaker, openSpeaker } from '../../speaker/wiring.ts'
import {
  type Resource,
  apiVersionOf,
  bgpConfs,
  bgpPeers,
  eipAllocations,
  eips,
  endpointSlices,
  keyOfRef,
  namespaces,
  nodes,
  services,
  speakers,
} from '../../src/io/kube/index.ts'
import { silentLog } from '../../src/io/telemetry/log.ts'
import { type FakeStore, collectionOf, openStore } from '../scenario/kube/fake-store.ts'
import { advanceUntil } from '../scenario/kube/wait.ts'
import { type ManualClock, manualClock } from '../unit/io/process/manual-clock.ts'
import { type FakeBgp, fakeBgp, fakeNetlink } from '../unit/speaker/fakes.ts'
import { type CountedClient, countedClient } from './counted-client.ts'
import { type Report, asValue } from './measure.ts'

const nodeCount = 100
const serviceCount = 50
const minuteMs = 60_000
const restMinutes = 10
/** Each session turns so often, so that each Speaker object has news whenever it may be written: once a second. */
const turnMs = 700
const keepaliveMs = 30_000
const namespace = 'bellhop-system'
const listen = { host: '127.0.0.1', port: 0 }
const pool = 'eip.openelb.kubesphere.io/v1alpha2'

interface Node {
  readonly speaker: Speaker
  readonly bgp: FakeBgp
  flaps: number
  messages: number
}

export async function measure(report: Report): Promise<void> {
  const clock = manualClock()
  const store = openStore()
  putCluster(store)
  const [speakersAsk, controllerAsks] = [countedClient(store, clock), countedClient(store, clock)]
  const running: Node[] = []
  for (let index = 0; index < nodeCount; index++) running.push(await openNode(index, speakersAsk, clock))
  const controller = await openController({
    config: { namespace, logLevel: 'error', metricsListen: listen, identity: 'controller' },
    ...{ client: controllerAsks, clock, log: silentLog, random: Math.random, version: 'bench' },
  })
  try {
    for (const node of running) turn(node, true, clock)
    await live(clock, running, 2 * minuteMs)
    expectSettled(store, controller)
    const take = (): void => {
      speakersAsk.takeCounts()
      controllerAsks.takeCounts()
    }
    take()
    await live(clock, running, restMinutes * minuteMs)
    const idle = rates(restMinutes * minuteMs, speakersAsk, controllerAsks)
    report(
      // 10 Leases; counts of the Speaker objects once a minute; seven watches of each, 300 to 600 s long.
      asValue('100 nodes at rest: requests of speakers', 'requests/s', idle.speakers, 14),
      asValue('100 nodes at rest: Speaker objects written', 'requests/s', idle.speakerObjects, 1.7),
      asValue('100 nodes at rest: requests of the controller', 'requests/s', idle.controller, 2),
    )
    await live(clock, running, minuteMs, turnMs)
    const flapping = rates(minuteMs, speakersAsk, controllerAsks)
    report(
      asValue('every session flapping: requests of speakers', 'requests/s', flapping.speakers, 114),
      asValue('every session flapping: requests of the controller', 'requests/s', flapping.controller, 6),
    )
  } finally {
    let stopped = false
    void Promise.all([controller.close(), ...running.map(({ speaker }) => speaker.stop('restart'))]).then(
      () => (stopped = true),
    )
    await advanceUntil(clock, 'all programs have ended', () => stopped)
  }
}

interface Rates {
  readonly speakers: number
  readonly speakerObjects: number
  readonly controller: number
}

function rates(ms: number, speakersAsk: CountedClient, controllerAsks: CountedClient): Rates {
  const [ofSpeakers, ofController] = [speakersAsk.takeCounts(), controllerAsks.takeCounts()]
  const perSecond = (counts: Iterable<number>): number => ([...counts].reduce((a, b) => a + b, 0) * 1000) / ms
  for (const [who, counts] of [['speakers', ofSpeakers] as const, ['controller', ofController] as const]) {
    const parts = [...counts].toSorted(([, a], [, b]) => b - a).map(([what, n]) => `${what} ${n}`)
    process.stdout.write(`     ${who} in ${ms / 1000} s: ${parts.join(', ')}\n`)
  }
  return {
    speakers: perSecond(ofSpeakers.values()),
    speakerObjects: perSecond([ofSpeakers.get('patch speakers') ?? 0]),
    controller: perSecond(ofController.values()),
  }
}

async function openNode(index: number, client: CountedClient, clock: ManualClock): Promise<Node> {
  let bgp: FakeBgp | undefined
  const speaker = await openSpeaker({
    ...{ client, netlink: fakeNetlink(), nodeName: `node${index}`, namespace, metricsListen: listen, version: 'bench' },
    ...{ clock, log: silentLog, addresses: () => [], openBgp: ({ onChange }) => (bgp = fakeBgp(onChange)) },
  })
  await speaker.started
  if (bgp === undefined) throw new Error('the engine was not opened')
  // As in a rollout: not all at one moment.
  await clock.advance(100)
  return { speaker, bgp, flaps: 0, messages: 0 }
}

function turn(node: Node, isUp: boolean, clock: ManualClock): void {
  if (!isUp) node.flaps++
  node.bgp.turn('leaf1', {
    ...(isUp ? { state: 'ESTABLISHED', families: [4], addPath: [4] } : { state: 'IDLE', families: [], addPath: [] }),
    ...{ flaps: node.flaps, since: clock.wallMs() },
  })
}

/** Keepalives are counted all the while; with `everyMs` sessions turn so often, each node at its own moment. */
async function live(clock: ManualClock, running: readonly Node[], ms: number, everyMs?: number): Promise<void> {
  const stepMs = 50
  const isDue = (atMs: number, index: number, periodMs: number): boolean => {
    const phaseMs = Math.floor((index * periodMs) / running.length / stepMs) * stepMs
    return atMs % periodMs === phaseMs
  }
  let up = true
  for (let atMs = 0; atMs < ms; atMs += stepMs) {
    for (const [index, node] of running.entries()) {
      if (isDue(atMs, index, keepaliveMs)) countKeepalive(node)
      if (everyMs !== undefined && isDue(atMs, index, everyMs))
        turn(node, (up = Math.floor(atMs / everyMs) % 2 === 1), clock)
    }
    await clock.advance(stepMs)
  }
  if (!up) for (const node of running) turn(node, true, clock)
}

function countKeepalive(node: Node): void {
  const keepalive = ++node.messages
  const counts = { notification: 0, update: 1, open: 1, keepalive, refresh: 0, total: keepalive + 2, withdrawPrefix: 0 }
  node.bgp.turn('leaf1', { messages: { sent: counts, received: counts } })
}

// A bench of what does nothing would pass.
function expectSettled(store: FakeStore, controller: Controller): void {
  const up = store
    .list(collectionOf(speakers), {})
    .filter((object) => (object['status'] as { up?: number } | undefined)?.up === 1).length
  const advertised = store
    .list(collectionOf(services), {})
    .filter((object) => JSON.stringify(object['status']).includes('"reason":"Advertised"')).length
  if (up !== nodeCount || advertised !== serviceCount || !controller.isLeading())
    throw new Error(`${up} of ${nodeCount} sessions are reported, ${advertised} of ${serviceCount} Services advertised`)
}

function putCluster(store: FakeStore): void {
  const put = (resource: Resource, object: { readonly metadata: { name: string; [field: string]: unknown } }): void => {
    const whole = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }
    store.put(collectionOf(resource), keyOfRef(object.metadata), whole)
  }
  put(namespaces, { metadata: { name: 'default' } })
  put(bgpConfs, { metadata: { name: 'default', generation: 1 }, ...{ spec: { as: 50000, listenPort: -1 } } })
  const conf = { neighborAddress: '192.168.0.1', peerAs: 50001 }
  put(bgpPeers, { metadata: { name: 'leaf1', generation: 1 }, ...{ spec: { conf } } })
  put(eips, { metadata: { name: 'pool', generation: 1 }, ...{ spec: { address: '172.22.0.0/24' } } })
  for (let index = 0; index < nodeCount; index++) {
    const addresses = [{ type: 'InternalIP', address: `192.168.0.${index + 2}` }]
    const status = { addresses, conditions: [{ type: 'Ready', status: 'True' }] }
    put(nodes, { metadata: { name: `node${index}`, uid: `node${index}` }, ...{ status } })
  }
  for (let index = 0; index < serviceCount; index++) putService(put, `web${index}`, `172.22.0.${index + 1}`)
}

function putService(put: (resource: Resource, object: never) => void, name: string, address: string): void {
  const claim = `nonce-${name}`
  const ports = [{ protocol: 'TCP', port: 80 }]
  const holder = { namespace: 'default', name, claim, ports }
  put(eipAllocations, {
    metadata: { name: address, labels: { 'bellhop.dev/eip': 'pool', 'bellhop.dev/namespace': 'default' } },
    spec: { address, eip: 'pool', protocol: 'bgp', services: [holder] },
  } as never)
  const annotations = {
    'lb.kubesphere.io/v1alpha1': 'openelb',
    [pool]: 'pool',
    'eip.openelb.kubesphere.io/v1alpha1': address,
    'protocol.openelb.kubesphere.io/v1alpha1': 'bgp',
    'bellhop.dev/claim': claim,
  }
  put(services, {
    metadata: { namespace: 'default', name, labels: { [pool]: 'pool' }, annotations },
    spec: { type: 'LoadBalancer', ipFamilies: ['IPv4'], selector: { app: name }, ports },
    status: { loadBalancer: { ingress: [{ ip: address }] } },
  } as never)
  put(endpointSlices, {
    metadata: {
      ...{ namespace: 'default', name: `${name}-1` },
      labels: { [pool]: 'pool', 'kubernetes.io/service-name': name },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'node0', conditions: { ready: true } }],
  } as never)
}

// One speaker, whole but for the kernel: the wiring of the program, the engine on real sockets of 127.0.0.1, an API
// server that misbehaves on request, a router, and a clock of the test for every pause and time limit.
import { test } from 'node:test'

import { parseIp, prefixOf } from '../../../src/core/address/index.ts'
import { openBgp } from '../../../src/io/bgp/index.ts'
import {
  type KubeObject,
  type Resource,
  bgpConfs,
  bgpPeers,
  eips,
  endpointSlices,
  nodes,
  openClient,
  racks,
  services,
  speakers,
} from '../../../src/io/kube/index.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { openSpeaker } from '../../../speaker/wiring.ts'
import type { SpeakerStatus } from '../../../src/core/model/index.ts'
import { type ManualClock, manualClock } from '../../unit/io/process/manual-clock.ts'
import { type FakeNetlink, fakeNetlink } from '../../unit/speaker/fakes.ts'
import { type FakeApiServer, openFakeApiServer } from '../kube/fake-api-server.ts'
import { advanceUntil, observed } from '../kube/wait.ts'
import { type Router, asSeenByRouter, openRouter, routerAs } from './router.ts'

const pool = 'eip.openelb.kubesphere.io/v1alpha2'
const ownAddress = '127.0.0.1'
const mateAddress = '127.0.0.9'
export const ownHop = asSeenByRouter(ownAddress)
/** worker1 has no speaker: ours announces it too. */
export const mateHop = asSeenByRouter(mateAddress)

export interface Stage {
  readonly api: FakeApiServer
  readonly clock: ManualClock
  readonly router: Router
  readonly netlink: FakeNetlink
  /** Once: what is asked later has no effect. */
  readonly stop: (how: 'restart' | 'leave') => Promise<void>
  readonly node: (name: string, ready: 'True' | 'False' | 'Unknown') => void
  /** With an endpoint on master, where the speaker runs. */
  readonly service: (name: string, address: string) => void
  /** Of the own Node: `bellhop.dev/drain`. */
  readonly drain: () => void
  readonly removeService: (name: string) => void
  /** The Service's only endpoint, ready or not. */
  readonly endpoint: (service: string, isReady: boolean) => void
  readonly status: () => SpeakerStatus
  readonly get: (resource: Resource, key: string) => KubeObject | undefined
  /** Moves the clock until it holds, as far as `withinMs` at the most. */
  readonly until: (what: string, holds: () => boolean, withinMs?: number) => Promise<void>
  /** Moves the clock on. */
  readonly pass: (ms: number, stepMs?: number) => Promise<void>
}

/** Services a and b are announced by master and worker1 when the test begins. */
export function scenario(name: string, run: (stage: Stage) => Promise<void>): void {
  void test(name, { timeout: 240_000 }, async (t) => {
    const clock = manualClock()
    const [api, router, netlink] = [await openFakeApiServer(clock), await openRouter(clock), fakeNetlink()]
    t.after(() => Promise.all([api.close(), router.close()]))
    const inner = openClient(api.credentials, { log: silentLog, clock, userAgent: 'bellhop-speaker/test' })
    const { client, busy } = observed(inner, api)
    putCluster(api, router.port)
    const speaker = await openSpeaker({
      ...{ client, netlink, openBgp, clock, log: silentLog, version: 'test' },
      ...{ nodeName: 'master', namespace: 'bellhop-system', metricsListen: { host: '127.0.0.1', port: 0 } },
      addresses: ownAddresses,
    })
    const until: Stage['until'] = (what, holds, withinMs = 60_000) =>
      advanceUntil(clock, what, holds, { stepMs: 50, maxMs: withinMs, busy })
    let stopping: Promise<void> | undefined
    const stop = async (how: 'restart' | 'leave'): Promise<void> => {
      let stopped = false
      stopping ??= speaker.stop(how)
      void stopping.then(() => (stopped = true))
      await advanceUntil(clock, 'the speaker has stopped', () => stopped, { stepMs: 100, busy })
    }
    const stage: Stage = {
      ...{ api, clock, router, netlink, until, stop },
      node: (node, ready) => putNode(api, node, ready),
      service: (service, address) => putService(api, service, address),
      drain: () => putNode(api, 'master', 'True', { 'bellhop.dev/drain': 'true' }),
      removeService: (service) => api.remove(services, `default/${service}`),
      endpoint: (service, isReady) => putSlice(api, service, isReady),
      status: () => api.get(speakers, 'master')?.['status'] as SpeakerStatus,
      get: (resource, key) => api.get(resource, key),
      pass: (ms, stepMs = 1000) => {
        const endMs = clock.nowMs() + ms
        const isOver = (): boolean => clock.nowMs() >= endMs
        return advanceUntil(clock, `${ms} ms have passed`, isOver, { stepMs, maxMs: 2 * ms, realMs: 200_000, busy })
      },
    }
    try {
      await until('both Services are announced', () =>
        ['172.22.0.10/32', '172.22.0.11/32'].every((each) => router.routes()[each]?.join() === bothHops.join()),
      )
      await until('the session is reported', () => stage.status()?.up === 1)
      await run(stage)
    } finally {
      await stop('restart')
    }
  })
}

export const bothHops = [ownHop, mateHop]

function ownAddresses() {
  const ip = parseIp(ownAddress)
  if (ip === undefined) throw new Error('no address')
  return [{ interface: 'lab0', ip, subnet: prefixOf(ip, 24), linkLocal: false }]
}

function putCluster(api: FakeApiServer, port: number): void {
  putNode(api, 'master', 'True')
  putNode(api, 'worker1', 'True')
  api.put(bgpConfs, { metadata: { name: 'default', generation: 1 }, spec: { as: 50000, listenPort: -1 } })
  api.put(bgpPeers, {
    metadata: { name: 'leaf1', generation: 1 },
    spec: { conf: { neighborAddress: '127.0.0.1', peerAs: routerAs }, transport: { remotePort: port } },
  })
  api.put(eips, { metadata: { name: 'pool', generation: 1 }, spec: { address: '172.22.0.0/24' } })
  const announcedBy = [{ peer: 'leaf1', family: 4, speakers: ['master'] }]
  const proxied = [{ node: 'worker1', addresses: [mateAddress], usable: true, announcedBy }]
  api.put(racks, { metadata: { name: 'leaf1' }, status: { speakers: [], proxied } })
  putService(api, 'a', '172.22.0.10')
  putService(api, 'b', '172.22.0.11')
}

function putNode(api: FakeApiServer, name: string, ready: string, annotations = {}): void {
  api.put(nodes, {
    metadata: { name, annotations, labels: name === 'master' ? { 'openelb.kubesphere.io/rack': 'leaf1' } : {} },
    status: {
      addresses: [{ type: 'InternalIP', address: name === 'master' ? ownAddress : mateAddress }],
      conditions: [{ type: 'Ready', status: ready }],
    },
  })
}

function putService(api: FakeApiServer, name: string, address: string): void {
  api.put(services, {
    metadata: { namespace: 'default', name, labels: { [pool]: 'pool' } },
    spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Cluster', selector: { app: name } },
    status: { loadBalancer: { ingress: [{ ip: address }] } },
  })
  putSlice(api, name, true)
}

function putSlice(api: FakeApiServer, service: string, ready: boolean): void {
  api.put(endpointSlices, {
    metadata: {
      ...{ namespace: 'default', name: `${service}-1` },
      labels: { [pool]: 'pool', 'kubernetes.io/service-name': service },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'master', conditions: { ready } }],
  })
}

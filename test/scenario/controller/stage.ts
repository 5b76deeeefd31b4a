// A cluster of objects in a fake API server, controllers on it, and a clock of our own: what the controller does is seen
// in the objects and in the requests it made.
import { openController, type Controller } from '../../../controller/wiring.ts'
import type { KubeObject, Resource } from '../../../src/io/kube/index.ts'
import {
  eipAllocations,
  eips,
  endpointSlices,
  leases,
  namespaces,
  nodes,
  openClient,
  services,
  speakers,
} from '../../../src/io/kube/index.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { type ManualClock, manualClock } from '../../unit/io/process/manual-clock.ts'
import { type FakeApiServer, openFakeApiServer, type Seen } from '../kube/fake-api-server.ts'
import { advanceUntil } from '../kube/wait.ts'

export const optIn = { 'lb.kubesphere.io/v1alpha1': 'openelb' }
export const poolKey = 'eip.openelb.kubesphere.io/v1alpha2'
export const addressKey = 'eip.openelb.kubesphere.io/v1alpha1'
export const protocolKey = 'protocol.openelb.kubesphere.io/v1alpha1'
export const claimKey = 'bellhop.dev/claim'
export const defaultPool = { 'eip.openelb.kubesphere.io/is-default-eip': 'true' }

type Fields = Readonly<Record<string, unknown>>

export interface Stage {
  readonly api: FakeApiServer
  readonly clock: ManualClock
  /** One more replica; resolves when it has listed everything. */
  start(identity?: string): Promise<Controller>
  /** Moves the clock until it holds; fails with what was missing. */
  until(what: string, holds: () => boolean, options?: { stepMs?: number; maxMs?: number }): Promise<void>
  /** Lets what is under way come to rest: no request for a while of real time, as the clock goes on by `forMs`. */
  rest(forMs?: number): Promise<void>
  namespace(name: string, labels?: Readonly<Record<string, string>>): void
  node(name: string, options?: { rack?: string; address?: string; ready?: string }): void
  eip(name: string, spec: Fields, annotations?: Fields): void
  service(name: string, options?: { annotations?: Fields; labels?: Fields; spec?: Fields; metadata?: Fields }): void
  /** As a webhook leaves it: record, annotations and label. */
  claimedService(name: string, address: string, eip: string, spec?: Fields): void
  record(address: string, eip: string, holders: readonly Fields[]): void
  endpoints(service: string, node: string): void
  /** The speaker's Lease, renewed now, its view current as of now. */
  lease(node: string, currentUpToMs?: number): void
  speaker(node: string, status: Fields): void
  get(resource: Resource, key: string): KubeObject | undefined
  ingress(key: string): readonly string[]
  condition(
    resource: Resource,
    key: string,
    type: string,
  ): { status: string; reason: string; message: string } | undefined
  /** Requests that change something, Leases and events aside. */
  writes(): readonly Seen[]
  events(reason: string): readonly KubeObject[]
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const api = await openFakeApiServer()
  const clock = manualClock()
  const controllers: { readonly controller: Controller; readonly close: () => void }[] = []
  const until: Stage['until'] = (what, holds, options) => advanceUntil(clock, what, holds, { stepMs: 20, ...options })
  const putService = (name: string, metadata: Fields, spec: Fields): void => {
    const [namespace = '', short = ''] = name.split('/')
    api.put(services, {
      metadata: { namespace, name: short, ...metadata },
      spec: { type: 'LoadBalancer', ipFamilies: ['IPv4'], ports: [{ protocol: 'TCP', port: 80 }], ...spec },
      status: { loadBalancer: {} },
    })
  }

  const stage: Stage = {
    api,
    clock,
    until,
    async start(identity = `controller-${controllers.length + 1}`) {
      const client = openClient(api.credentials, { log: silentLog, clock, userAgent: 'bellhop-controller/test' })
      const config = {
        namespace: 'bellhop-system',
        logLevel: 'error' as const,
        metricsListen: { host: '127.0.0.1', port: 0 },
        identity,
      }
      const controller = await openController({ config, client, clock, log: silentLog, random: () => 0, version: 't' })
      controllers.push({ controller, close: () => client.close() })
      await until(`${identity} has listed everything`, () => controller.ready() === true)
      return controller
    },
    async rest(forMs = 2_000) {
      const endMs = clock.nowMs() + forMs
      let requests = -1
      for (let quiet = 0; quiet < 3 || clock.nowMs() < endMs;) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        quiet = requests === stage.writes().length ? quiet + 1 : 0
        requests = stage.writes().length
        if (clock.nowMs() < endMs) await clock.advance(Math.min(Math.max(100, forMs / 100), endMs - clock.nowMs()))
      }
    },
    namespace: (name, labels = {}) => void api.put(namespaces, { metadata: { name, labels } }),
    node(name, { rack, address, ready = 'True' } = {}) {
      api.put(nodes, {
        metadata: { name, labels: rack === undefined ? {} : { 'openelb.kubesphere.io/rack': rack } },
        status: {
          addresses: address === undefined ? [] : [{ type: 'InternalIP', address }],
          conditions: [{ type: 'Ready', status: ready }],
        },
      })
    },
    eip: (name, spec, annotations = {}) =>
      void api.put(eips, { metadata: { name, generation: 1, annotations } as never, spec }),
    service: (name, { annotations = optIn, labels = {}, spec = {}, metadata = {} } = {}) =>
      putService(name, { annotations, labels, ...metadata }, spec),
    claimedService(name, address, eip, spec = {}) {
      const [namespace = '', short = ''] = name.split('/')
      const claim = `nonce-${short}`
      stage.record(address, eip, [{ namespace, name: short, claim, ports: [{ protocol: 'TCP', port: 80 }] }])
      const annotations = {
        ...optIn,
        [poolKey]: eip,
        [addressKey]: address,
        [protocolKey]: 'bgp',
        [claimKey]: claim,
      }
      putService(name, { annotations, labels: { [poolKey]: eip } }, spec)
    },
    record: (address, eip, holders) =>
      void api.put(eipAllocations, {
        metadata: {
          name: address,
          labels: { 'bellhop.dev/eip': eip, 'bellhop.dev/namespace': String(holders[0]?.['namespace']) },
        },
        spec: { address, eip, protocol: 'bgp', services: holders },
      }),
    endpoints(service, node) {
      const [namespace = '', name = ''] = service.split('/')
      api.put(endpointSlices, {
        metadata: {
          ...{ namespace, name: `${name}-1` },
          labels: { 'kubernetes.io/service-name': name, [poolKey]: 'any' },
        },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['10.0.0.1'], nodeName: node, conditions: { ready: true } }],
      })
    },
    lease(node, currentUpToMs = clock.wallMs()) {
      const renewTime = new Date(clock.wallMs()).toISOString()
      api.put(leases, {
        metadata: {
          ...{ namespace: 'bellhop-system', name: `speaker-${node}` },
          annotations: { 'bellhop.dev/current-up-to': new Date(currentUpToMs).toISOString() },
        },
        spec: { holderIdentity: node, leaseDurationSeconds: 40, renewTime },
      })
    },
    speaker: (node, status) => void api.put(speakers, { metadata: { name: node }, status }),
    get: (resource, key) => api.get(resource, key),
    ingress: (key) => {
      const status = api.get(services, key)?.['status']
      return ((status as { loadBalancer?: { ingress?: { ip: string }[] } })?.loadBalancer?.ingress ?? []).map(
        ({ ip }) => ip,
      )
    },
    condition(resource, key, type) {
      const status = api.get(resource, key)?.['status']
      const list = (status as { conditions?: { type: string; status: string; reason: string; message: string }[] })
        ?.conditions
      return list?.find((condition) => condition.type === type)
    },
    writes: () => api.requests.filter(({ method, path }) => method !== 'GET' && !/\/(leases|events)(\/|$)/.test(path)),
    events: (reason) =>
      api.store.list('events.k8s.io/events', {}).filter((event) => (event as { reason?: string }).reason === reason),
    async close() {
      for (const { controller, close } of controllers) {
        let closed = false
        const closing = controller.close().then(() => (closed = true))
        await advanceUntil(clock, 'the controller has closed', () => closed, { stepMs: 100 }).finally(close)
        await closing
      }
      await api.close()
    },
  }
  return stage
}

export function session(peer: string, state = 'ESTABLISHED', more: Fields = {}): Fields {
  const counts = { notification: 0, update: 1, open: 1, keepalive: 1, refresh: 0, total: 3 }
  return {
    ...{ peer, state, neighbor: '192.168.0.2', peerAs: 50001, localAs: 50000, since: '2026-01-01T00:00:00Z' },
    ...{ subnet: '192.168.0.0/24', families: [4], addPath: [4], flaps: 0, prefixesWanted: 0, prefixesSent: 0 },
    ...{ messagesSent: counts, messagesReceived: counts },
    ...more,
  }
}

export function speakerStatus(rack: string, sessions: readonly Fields[], more: Fields = {}): Fields {
  return {
    ...{ version: 't', rack, as: 50000, routerId: '192.168.0.3', state: 'Running', sessions },
    ...{ peers: sessions.length, up: sessions.length, prefixes: 0, exceptions: [], exceptionsTotal: 0 },
    routes: { wanted: 0, present: 0, repaired: 0 },
    ...more,
  }
}

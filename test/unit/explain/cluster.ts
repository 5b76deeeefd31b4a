// A cluster as the API server has it, small enough to read: the lab's three nodes in two racks, a Service default/web at
// 172.22.0.10, everything in order. A case changes what it is about.
//
//   leaf1 (AS 50001) ── master 192.168.0.3 (speaker), worker1 192.168.0.4 (no speaker: announced by master's)
//   leaf2 (AS 50002) ── worker2 192.168.1.2 (speaker)
import { type ClusterView, type Part, type Unread, clusterOf, viewCluster } from '../../../src/core/explain/index.ts'

export const now = '2026-03-01T12:00:00Z'
const longAgo = '2026-02-01T00:00:00Z'
const rackLabel = 'openelb.kubesphere.io/rack'
export const poolKey = 'eip.openelb.kubesphere.io/v1alpha2'
export const addressKey = 'eip.openelb.kubesphere.io/v1alpha1'
export const optInKey = 'lb.kubesphere.io/v1alpha1'
export const defaultKey = 'eip.openelb.kubesphere.io/is-default-eip'

/** Objects that a case may change at will: JSON. */
// oxlint-disable-next-line typescript/no-explicit-any -- a case writes any field of any kind
export type Json = Record<string, any>
export type Objects = Record<Part, Json[]>

export const clone = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

export function service(name: string, address: string | undefined, more: Json = {}): Json {
  const held =
    address === undefined ? {} : { [poolKey]: 'pool', [addressKey]: address, 'bellhop.dev/claim': `nonce-${name}` }
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...{ namespace: 'default', name, uid: `uid-${name}`, creationTimestamp: longAgo },
      annotations: { [optInKey]: 'openelb', ...held, ...more['annotations'] },
      labels: { ...(address === undefined ? {} : { [poolKey]: 'pool' }), ...more['labels'] },
      ...more['metadata'],
    },
    spec: {
      ...{ type: 'LoadBalancer', selector: { app: name }, externalTrafficPolicy: 'Cluster' },
      ...{ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', ports: [{ port: 80, protocol: 'TCP' }] },
      ...more['spec'],
    },
    status: {
      loadBalancer: address === undefined ? {} : { ingress: [{ ip: address, ipMode: 'VIP' }] },
      conditions:
        address === undefined
          ? []
          : [
              condition('bellhop.dev/EipAssigned', 'True', 'Assigned', `${address} of Eip pool`),
              condition(
                'bellhop.dev/Advertised',
                'True',
                'Advertised',
                `${address} is announced to at least one router`,
              ),
            ],
      ...more['status'],
    },
  }
}

export function condition(type: string, status: string, reason: string, message: string): Json {
  return { type, status, reason, message, lastTransitionTime: longAgo }
}

export function record(address: string, holder: string, more: Json = {}): Json {
  return {
    metadata: { name: address, uid: `uid-${address}`, creationTimestamp: longAgo },
    spec: {
      ...{ address, eip: 'pool', protocol: 'bgp' },
      services: [
        { namespace: 'default', name: holder, claim: `nonce-${holder}`, ports: [{ port: 80, protocol: 'TCP' }] },
      ],
      ...more['spec'],
    },
    status: more['status'] ?? {},
  }
}

export function eip(name: string, address: string, spec: Json = {}, annotations: Json = {}): Json {
  return { metadata: { name, uid: `uid-${name}`, creationTimestamp: longAgo, annotations }, spec: { address, ...spec } }
}

export function slice(name: string, nodes: readonly string[], more: Json = {}): Json {
  return {
    metadata: { namespace: 'default', name: `${name}-abc`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: nodes.map((nodeName) => ({ nodeName, conditions: { ready: true, serving: true, terminating: false } })),
    ...more,
  }
}

function node(name: string, address: string, labels: Json = {}): Json {
  return {
    metadata: { name, uid: `uid-${name}`, labels },
    status: {
      addresses: [{ type: 'InternalIP', address }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  }
}

export function peer(name: string, neighborAddress: string, peerAs: number, rack: string): Json {
  return {
    metadata: { name, creationTimestamp: longAgo },
    spec: {
      conf: { neighborAddress, peerAs },
      nodeSelector: { matchLabels: { [rackLabel]: rack } },
      afiSafis: [
        {
          config: { enabled: true, family: { afi: 'AFI_IP', safi: 'SAFI_UNICAST' } },
          addPaths: { config: { sendMax: 10 } },
        },
      ],
    },
  }
}

const noMessages = { notification: 0, update: 0, open: 0, keepalive: 0, refresh: 0, total: 0 }

export function session(peerName: string, neighbor: string, localAddress: string, more: Json = {}): Json {
  return {
    ...{ peer: peerName, neighbor, peerAs: 50001, localAs: 50000, state: 'ESTABLISHED', since: longAgo },
    ...{ localAddress, subnet: `${localAddress}/24`, remoteRouterId: neighbor, families: [4], addPath: [4] },
    ...{ negotiatedHoldTimeSeconds: 90, flaps: 0, prefixesWanted: 1, prefixesSent: 1 },
    ...{ messagesSent: noMessages, messagesReceived: noMessages },
    ...more,
  }
}

export const down = (lastError: string, state = 'ACTIVE'): Json => ({
  ...{ state, since: '2026-03-01T11:57:00Z', families: [], addPath: [], prefixesSent: 0, lastError },
})

function speaker(name: string, rack: string, sessions: readonly Json[]): Json {
  return {
    metadata: { name },
    status: {
      ...{ version: '0.1.0', rack, as: 50000, state: 'Running', sessions, peers: sessions.length, up: sessions.length },
      ...{ prefixes: 1, routes: { wanted: 1, present: 1, repaired: 0 }, exceptions: [], exceptionsTotal: 0 },
      conditions: [condition('Alive', 'True', 'SpeakerAlive', 'the speaker renews its Lease')],
    },
  }
}

export function lease(name: string, more: Json = {}): Json {
  return {
    metadata: {
      namespace: 'bellhop-system',
      name,
      annotations: { 'bellhop.dev/current-up-to': '2026-03-01T11:59:58.000Z' },
    },
    spec: { holderIdentity: name, renewTime: '2026-03-01T11:59:58.000000Z', leaseDurationSeconds: 40, ...more },
  }
}

const program = (kind: string, component: string, pods: number): Json => ({
  kind,
  metadata: {
    namespace: 'bellhop-system',
    name: `bellhop-${component}`,
    labels: { 'app.kubernetes.io/component': component },
  },
  spec: { replicas: pods, template: { spec: { containers: [{ image: `bellhop/${component}:0.1.0` }] } } },
  status:
    kind === 'DaemonSet'
      ? { desiredNumberScheduled: pods, numberReady: pods, updatedNumberScheduled: pods }
      : { readyReplicas: pods, updatedReplicas: pods },
})

const webhooks = (kind: string): Json => ({
  kind,
  metadata: { name: 'bellhop' },
  webhooks: [{ name: 'services.bellhop.dev', failurePolicy: 'Ignore', clientConfig: { caBundle: 'Q0E=' } }],
})

/** Everything in order. */
export const inOrder: Readonly<Objects> = {
  services: [
    { metadata: { namespace: 'default', name: 'kubernetes' }, spec: { type: 'ClusterIP', ipFamilies: ['IPv4'] } },
    service('web', '172.22.0.10'),
  ],
  endpointslices: [slice('web', ['master', 'worker1', 'worker2'])],
  namespaces: [{ metadata: { name: 'default' } }, { metadata: { name: 'team' } }],
  nodes: [
    node('master', '192.168.0.3', { [rackLabel]: 'leaf1' }),
    node('worker1', '192.168.0.4'),
    node('worker2', '192.168.1.2', { [rackLabel]: 'leaf2' }),
  ],
  servicecidrs: [{ metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16'] } }],
  eips: [eip('pool', '172.22.0.0/24', {}, { [defaultKey]: 'true' })],
  eipallocations: [record('172.22.0.10', 'web')],
  bgpconfs: [{ metadata: { name: 'default' }, spec: { as: 50000, listenPort: 179 } }],
  bgppeers: [peer('leaf1', '192.168.0.2', 50001, 'leaf1'), peer('leaf2', '192.168.1.1', 50002, 'leaf2')],
  speakers: [
    speaker('master', 'leaf1', [session('leaf1', '192.168.0.2', '192.168.0.3')]),
    speaker('worker2', 'leaf2', [session('leaf2', '192.168.1.1', '192.168.1.2')]),
  ],
  racks: [
    {
      metadata: { name: 'leaf1' },
      status: {
        speakers: [{ node: 'master', alive: true, sessions: [{ peer: 'leaf1', established: true }] }],
        ...{ speakerCount: 1, proxiedCount: 1, up: 1 },
        proxied: [
          {
            ...{ node: 'worker1', addresses: ['192.168.0.4'], usable: true },
            announcedBy: [{ peer: 'leaf1', family: 4, speakers: ['master'] }],
          },
        ],
      },
    },
    {
      metadata: { name: 'leaf2' },
      status: {
        speakers: [{ node: 'worker2', alive: true, sessions: [{ peer: 'leaf2', established: true }] }],
        ...{ speakerCount: 1, proxiedCount: 0, up: 1, proxied: [] },
      },
    },
    { metadata: { name: 'none' }, status: { speakers: [], speakerCount: 0, proxiedCount: 0, up: 0, proxied: [] } },
  ],
  leases: [
    lease('bellhop-controller', { holderIdentity: 'bellhop-controller-a' }),
    lease('speaker-master'),
    lease('speaker-worker2'),
  ],
  deployments: [program('Deployment', 'webhook', 2), program('Deployment', 'controller', 2)],
  daemonsets: [program('DaemonSet', 'speaker', 2)],
  mutatingwebhookconfigurations: [webhooks('MutatingWebhookConfiguration')],
  validatingwebhookconfigurations: [webhooks('ValidatingWebhookConfiguration')],
}

/** The first object of that name; a case that names none is wrong. */
export function named(objects: Json[], name: string): Json {
  const found = objects.find((each) => each['metadata'].name === name)
  if (found === undefined) throw new Error(`no object is named ${name}`)
  return found
}

export function viewOf(change: (objects: Objects) => void = () => {}, unread: readonly Unread[] = []): ClusterView {
  const objects = clone(inOrder) as Objects
  change(objects)
  for (const { part } of unread) objects[part] = []
  const about = { readAtMs: Date.parse(now), systemNamespace: 'bellhop-system', unread }
  return viewCluster(clusterOf(objects, about))
}

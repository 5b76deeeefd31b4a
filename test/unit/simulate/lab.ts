// The lab as objects of the API, short to write and to change: two leaves, two speakers, a node without one.
import { type ClusterObjects, type ClusterView, clusterOf, viewCluster } from '../../../src/core/explain/index.ts'
import type { KubeObjectLike } from '../../../src/core/model/index.ts'

type Fields = Readonly<Record<string, unknown>>
export type Endpoints = readonly (readonly [node: string, ready: boolean])[]

export const poolKey = 'eip.openelb.kubesphere.io/v1alpha2'
const rackKey = 'openelb.kubesphere.io/rack'
const now = '2026-01-01T00:01:00Z'

export function nodeObject(
  name: string,
  rack: string | undefined,
  address: string,
  { annotations = {}, ready = 'True' }: { readonly annotations?: Fields; readonly ready?: string } = {},
): KubeObjectLike {
  return {
    metadata: { name, uid: name, annotations, labels: rack === undefined ? {} : { [rackKey]: rack } },
    status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: ready }] },
  }
}

export function peerObject(name: string, neighborAddress: string, rack?: string, spec: Fields = {}): KubeObjectLike {
  const nodeSelector = rack === undefined ? {} : { nodeSelector: { matchLabels: { [rackKey]: rack } } }
  return { metadata: { name }, spec: { conf: { neighborAddress, peerAs: 50001 }, ...nodeSelector, ...spec } }
}

export function sessionObject(peer: string, fields: Fields = {}): Fields {
  const counts = { notification: 0, update: 0, open: 0, keepalive: 0, refresh: 0, total: 0 }
  return {
    ...{ peer, neighbor: '192.168.0.2', peerAs: 50001, localAs: 50000, state: 'ESTABLISHED', since: now },
    ...{ localAddress: '192.168.0.3', subnet: '192.168.0.0/16', families: [4], addPath: [4], flaps: 0 },
    ...{ prefixesWanted: 0, prefixesSent: 0, messagesSent: counts, messagesReceived: counts },
    ...fields,
  }
}

export function speakerObject(node: string, sessions: readonly Fields[], fields: Fields = {}): KubeObjectLike {
  const routes = { wanted: 0, present: 0, repaired: 0 }
  const status = { version: '0', rack: 'leaf1', state: 'Running', sessions, exceptions: [], exceptionsTotal: 0, routes }
  return { metadata: { name: node }, status: { ...status, peers: sessions.length, up: 0, prefixes: 0, ...fields } }
}

export function leaseObject(node: string): KubeObjectLike {
  return {
    metadata: {
      name: `speaker-${node}`,
      namespace: 'bellhop-system',
      annotations: { 'bellhop.dev/current-up-to': now },
    },
    spec: { holderIdentity: node, renewTime: now, leaseDurationSeconds: 40 },
  }
}

export function eipObject(name: string, address: string, spec: Fields = {}, annotations: Fields = {}): KubeObjectLike {
  return {
    metadata: { name, uid: name, creationTimestamp: '2026-01-01T00:00:00Z', annotations },
    spec: { address, protocol: 'bgp', ...spec },
  }
}

export interface ServiceFields {
  readonly policy?: 'Cluster' | 'Local'
  readonly endpoints?: Endpoints
  readonly annotations?: Fields
}

/** Without `address` it waits for one. */
export function serviceObjects(
  name: string,
  address: string | undefined,
  { policy = 'Cluster', endpoints = [['worker1', true]], annotations = {} }: ServiceFields = {},
): Pick<Required<ClusterObjects>, 'services' | 'endpointslices' | 'eipallocations'> {
  const claim = `claim-${name}`
  const holder = { namespace: 'default', name, claim, ports: [{ protocol: 'TCP', port: 80 }] }
  const own = address === undefined ? {} : { 'bellhop.dev/claim': claim, [poolKey]: 'pool' }
  return {
    services: [
      {
        metadata: {
          ...{ namespace: 'default', name, uid: name, creationTimestamp: '2026-01-01T00:00:00Z' },
          labels: address === undefined ? {} : { [poolKey]: 'pool' },
          annotations: { 'lb.kubesphere.io/v1alpha1': 'openelb', ...own, ...annotations },
        },
        spec: { type: 'LoadBalancer', externalTrafficPolicy: policy, ports: [{ port: 80 }], ipFamilies: ['IPv4'] },
        status: { loadBalancer: { ingress: address === undefined ? [] : [{ ip: address }] } },
      },
    ],
    endpointslices: [
      {
        metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        endpoints: endpoints.map(([nodeName, ready]) => ({ nodeName, conditions: { ready, serving: ready } })),
      },
    ],
    eipallocations:
      address === undefined
        ? []
        : [{ metadata: { name: address }, spec: { address, eip: 'pool', services: [holder] } }],
  }
}

const conf: KubeObjectLike = { metadata: { name: 'default' }, spec: { as: 50000 } }

/** The lab with these Services. `more` replaces whole parts. */
export function labObjects(
  services: readonly ReturnType<typeof serviceObjects>[] = [],
  more: ClusterObjects = {},
): ClusterObjects {
  return {
    services: services.flatMap((each) => each.services),
    endpointslices: services.flatMap((each) => each.endpointslices),
    eipallocations: services.flatMap((each) => each.eipallocations),
    nodes: [
      nodeObject('master', 'leaf1', '192.168.0.3'),
      nodeObject('worker1', 'leaf1', '192.168.0.4'),
      nodeObject('worker2', 'leaf2', '192.168.1.2'),
    ],
    eips: [eipObject('pool', '172.22.0.0/24')],
    bgpconfs: [conf],
    bgppeers: [peerObject('leaf1', '192.168.0.2', 'leaf1'), peerObject('leaf2', '192.168.1.1', 'leaf2')],
    speakers: [speakerObject('master', [sessionObject('leaf1')]), speakerObject('worker2', [sessionObject('leaf2')])],
    leases: [leaseObject('master'), leaseObject('worker2')],
    namespaces: [{ metadata: { name: 'default' } }],
    ...more,
  }
}

export function viewOf(objects: ClusterObjects): ClusterView {
  return viewCluster(clusterOf(objects, { readAtMs: Date.parse(now), systemNamespace: 'bellhop-system', unread: [] }))
}

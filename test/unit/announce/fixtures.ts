// Worlds small enough to read: the lab's nodes and peers, built through the readers of the model.
import { type Family, type Ip, formatIp, parseIp, parsePrefix } from '../../../src/core/address/index.ts'
import {
  type AnnouncedService,
  type PeerView,
  SliceIndex,
  type World,
  viewEip,
} from '../../../src/core/announce/index.ts'
import {
  type BgpPeer,
  type Eip,
  type EndpointSlice,
  type Node,
  type SessionStatus,
  type SpeakerStatus,
  readBgpPeer,
  readEip,
  readEndpointSlice,
  readNode,
} from '../../../src/core/model/index.ts'

export function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (parsed === undefined) throw new Error(`not an address: ${text}`)
  return parsed
}

export interface NodeFields {
  readonly ip?: string
  readonly rack?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ready?: 'True' | 'False' | 'Unknown'
  readonly networkUnavailable?: boolean
  readonly deleting?: boolean
}

export function node(name: string, fields: NodeFields = {}): Node {
  const rack = fields.rack === undefined ? {} : { 'openelb.kubesphere.io/rack': fields.rack }
  return readNode({
    metadata: {
      name,
      uid: `uid-${name}`,
      labels: { ...rack, ...fields.labels },
      annotations: fields.annotations ?? {},
      ...(fields.deleting === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    status: {
      addresses: fields.ip === undefined ? [] : [{ type: 'InternalIP', address: fields.ip }],
      conditions: [
        { type: 'Ready', status: fields.ready ?? 'True' },
        { type: 'NetworkUnavailable', status: fields.networkUnavailable === true ? 'True' : 'False' },
      ],
    },
  })
}

export function peer(name: string, spec: Readonly<Record<string, unknown>> = {}): BgpPeer {
  const conf = { neighborAddress: '192.168.0.2', peerAs: 50001 }
  return readBgpPeer({ metadata: { name, creationTimestamp: '2026-01-01T00:00:00Z' }, spec: { conf, ...spec } })
}

export function eip(name: string, address: string, spec: Readonly<Record<string, unknown>> = {}, metadata = {}): Eip {
  return readEip({ metadata: { name, ...metadata }, spec: { address, ...spec } })
}

export function slice(
  service: string,
  endpoints: readonly (readonly [string | undefined, EndpointState])[],
): EndpointSlice {
  const read = readEndpointSlice({
    metadata: { namespace: 'default', name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: endpoints.map(([nodeName, state]) => ({ nodeName, conditions: conditions[state] })),
  })
  if (read === undefined) throw new Error('no slice')
  return read
}

export type EndpointState = 'ready' | 'notReady' | 'terminating' | 'gone'

const conditions = {
  ready: { ready: true, serving: true, terminating: false },
  notReady: { ready: false, serving: false, terminating: false },
  terminating: { ready: false, serving: true, terminating: true },
  gone: { ready: false, serving: false, terminating: true },
}

export function service(
  name: string,
  addresses: readonly string[],
  policy: 'Cluster' | 'Local' = 'Cluster',
): AnnouncedService {
  return {
    namespace: 'default',
    name,
    externalTrafficPolicy: policy,
    ingress: addresses.map(ip),
    eip: 'pool',
    hasSelector: true,
  }
}

export function peerView(name: string, fields: Partial<PeerView> = {}): PeerView {
  const subnet = parsePrefix('192.168.0.0/24')
  return {
    name,
    families: [4],
    addPathSendMax: 10,
    session: { families: [4], addPath: [4], subnets: subnet === undefined ? [] : [subnet], ownNextHops: [4] },
    ...fields,
  }
}

export interface WorldFields {
  readonly node?: Node | undefined
  readonly services?: readonly AnnouncedService[]
  readonly slices?: readonly EndpointSlice[]
  readonly eips?: readonly Eip[]
  readonly peers?: readonly PeerView[]
  readonly proxied?: World['proxied']
  readonly drain?: World['drain']
  readonly leaving?: boolean
}

export function world(fields: WorldFields): World {
  const services = new Map((fields.services ?? []).map((each) => [`${each.namespace}/${each.name}`, each]))
  const holders = new Map<string, readonly string[]>()
  for (const [key, { ingress }] of services) {
    for (const address of ingress) {
      const text = formatIp(address)
      holders.set(text, [...(holders.get(text) ?? []), key])
    }
  }
  const slices = new SliceIndex()
  for (const each of fields.slices ?? []) slices.put(each)
  return {
    node: 'node' in fields ? fields.node : node('master', { ip: '192.168.0.3', rack: 'leaf1' }),
    drain: fields.drain ?? 'none',
    services,
    holders,
    slices: slices.byService,
    eips: new Map((fields.eips ?? [eip('pool', '172.22.0.0/24')]).map((each) => [each.name, viewEip(each)])),
    peers: new Map((fields.peers ?? [peerView('leaf1')]).map((each) => [each.name, each])),
    noPeer: undefined,
    proxied: fields.proxied ?? [],
  }
}

const noMessages = { notification: 0, update: 0, open: 0, keepalive: 0, refresh: 0, total: 0 }

export function session(peerName: string, fields: Partial<SessionStatus> = {}): SessionStatus {
  return {
    peer: peerName,
    neighbor: '192.168.0.2',
    peerAs: 50001,
    localAs: 50000,
    state: 'ESTABLISHED',
    since: '2026-01-01T00:00:00.000Z',
    subnet: '192.168.0.0/24',
    families: [4] as Family[],
    addPath: [4] as Family[],
    flaps: 0,
    prefixesWanted: 0,
    prefixesSent: 0,
    messagesSent: noMessages,
    messagesReceived: noMessages,
    ...fields,
  }
}

export function speaker(sessions: readonly SessionStatus[], fields: Partial<SpeakerStatus> = {}): SpeakerStatus {
  return {
    version: '0',
    rack: 'leaf1',
    state: 'Running',
    sessions,
    peers: sessions.length,
    up: sessions.length,
    prefixes: 0,
    routes: { wanted: 0, present: 0, repaired: 0 },
    exceptions: [],
    exceptionsTotal: 0,
    ...fields,
  }
}

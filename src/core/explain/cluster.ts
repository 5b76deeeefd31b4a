// A cluster as one read of it found it: everything that a question about it can rest on, as values. Made of the objects
// as the API server has them, so that a test writes manifests and a support bundle can be asked as well as a cluster.
import {
  type Reservation,
  reserveApiServer,
  reserveNeighbor,
  reserveNode,
  reserveServiceRange,
} from '../ipam/reserved.ts'
import {
  type Allocation,
  type BgpConf,
  type BgpPeer,
  type Eip,
  type EndpointSlice,
  type KubeObjectLike,
  type Metadata,
  type Node,
  type Rack,
  type Service,
  type Speaker,
  readAllocation,
  readBgpConf,
  readBgpPeer,
  readEip,
  readEndpointSlice,
  readMetadata,
  readNode,
  readRack,
  readService,
  readSpeaker,
  stringsAt,
} from '../model/index.ts'
import {
  type Lease,
  type Program,
  type WebhookConfiguration,
  readLease,
  readProgram,
  readWebhooks,
} from './programs.ts'

/** What is read, by the plural of its kind. */
export const parts = [
  'services',
  'endpointslices',
  'namespaces',
  'nodes',
  'servicecidrs',
  'eips',
  'eipallocations',
  'bgpconfs',
  'bgppeers',
  'speakers',
  'racks',
  'leases',
  'deployments',
  'daemonsets',
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
] as const

export type Part = (typeof parts)[number]

/** Raw objects by part; a part that is missing was not asked for. */
export type ClusterObjects = { readonly [Name in Part]?: readonly KubeObjectLike[] }

/** A part that could not be read: what rests on it is left out, and said to be. */
export interface Unread {
  readonly part: Part
  /** One sentence. */
  readonly why: string
}

export interface ClusterAbout {
  /** Wall time of the read, by the clock of whoever asks. */
  readonly readAtMs: number
  /** Where Bellhop's programs and Leases are. */
  readonly systemNamespace: string
  readonly unread: readonly Unread[]
}

export interface Cluster extends ClusterAbout {
  /** Of type LoadBalancer, or still carrying something of ours; and whichever was asked for by name. */
  readonly services: readonly Service[]
  readonly slices: readonly EndpointSlice[]
  readonly namespaces: readonly Metadata[]
  readonly nodes: readonly Node[]
  readonly eips: readonly Eip[]
  readonly records: readonly Allocation[]
  readonly confs: readonly BgpConf[]
  readonly peers: readonly BgpPeer[]
  readonly speakers: readonly Speaker[]
  readonly racks: readonly Rack[]
  readonly leases: readonly Lease[]
  readonly programs: readonly Program[]
  readonly webhooks: readonly WebhookConfiguration[]
  /** Addresses that belong to the cluster itself, by the object that has them: `Node/x`. */
  readonly reservations: ReadonlyMap<string, Reservation>
  /** Family of the Service default/kubernetes. */
  readonly primaryFamily: 4 | 6
}

export function clusterOf(objects: ClusterObjects, about: ClusterAbout): Cluster {
  const of = (part: Part): readonly KubeObjectLike[] => objects[part] ?? []
  const services = unique(of('services').map(readService))
  const kubernetes = of('services').find((object) => isKubernetes(readMetadata(object)))
  const slices = of('endpointslices')
    .map(readEndpointSlice)
    .filter((slice) => slice !== undefined)
  return {
    ...about,
    services: services.filter((service) => !isKubernetes(service)),
    slices: unique(slices),
    namespaces: of('namespaces').map(readMetadata),
    nodes: of('nodes').map(readNode),
    eips: of('eips').map(readEip),
    records: of('eipallocations')
      .map(readAllocation)
      .filter((record) => record !== undefined),
    confs: of('bgpconfs').map(readBgpConf),
    peers: of('bgppeers').map(readBgpPeer),
    speakers: of('speakers').map(readSpeaker),
    racks: of('racks').map(readRack),
    leases: of('leases').map(readLease),
    programs: [...of('deployments'), ...of('daemonsets')].map(readProgram),
    webhooks: [...of('mutatingwebhookconfigurations'), ...of('validatingwebhookconfigurations')].map(readWebhooks),
    reservations: new Map([
      ...of('nodes').map((object) => [`Node/${readMetadata(object).name}`, reserveNode(object)] as const),
      ...of('bgppeers').map((object) => [`BgpPeer/${readMetadata(object).name}`, reserveNeighbor(object)] as const),
      ...of('servicecidrs').map(
        (object) => [`ServiceCIDR/${readMetadata(object).name}`, reserveServiceRange(object)] as const,
      ),
      ...of('endpointslices')
        .filter((object) => isOfKubernetes(object))
        .map((object) => [`EndpointSlice/${readMetadata(object).name}`, reserveApiServer(object)] as const),
    ]),
    primaryFamily: stringsAt(kubernetes, 'spec', 'ipFamilies')[0] === 'IPv6' ? 6 : 4,
  }
}

function isKubernetes({ namespace, name }: Metadata): boolean {
  return namespace === 'default' && name === 'kubernetes'
}

function isOfKubernetes(object: KubeObjectLike): boolean {
  const { namespace, labels } = readMetadata(object)
  return isKubernetes({ ...readMetadata(object), namespace, name: labels['kubernetes.io/service-name'] ?? '' })
}

// Several lists may have brought one object.
function unique<T extends Pick<Metadata, 'namespace' | 'name'>>(objects: readonly T[]): readonly T[] {
  return [...new Map(objects.map((object) => [`${object.namespace}/${object.name}`, object])).values()]
}

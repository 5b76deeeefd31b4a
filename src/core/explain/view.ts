// A cluster indexed, so that a question about one Service or address looks at what concerns it alone.
import { formatIp } from '../address/index.ts'
import { type EipView, SliceIndex, type SpeakerProgress, viewEip } from '../announce/index.ts'
import { type HolderService, type Pools, ReservedIndex, TakenIndex } from '../ipam/index.ts'
import {
  type Allocation,
  type BgpPeer,
  type EndpointSlice,
  type Node,
  type RackStatus,
  type Service,
  claimAnnotation,
  findCondition,
  keyOf,
  poolLabel,
} from '../model/index.ts'
import type { Cluster, Part } from './cluster.ts'
import type { Lease } from './programs.ts'

export interface ClusterView {
  readonly cluster: Cluster
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, Service>
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>
  readonly nodes: ReadonlyMap<string, Node>
  readonly peers: ReadonlyMap<string, BgpPeer>
  readonly eips: ReadonlyMap<string, EipView>
  readonly pools: Pools
  readonly taken: TakenIndex
  readonly findService: HolderService
  /** By node: what the Speaker object says, and whether the speaker lives. */
  readonly speakers: ReadonlyMap<string, SpeakerProgress>
  readonly racks: ReadonlyMap<string, RackStatus>
  /** Address → keys of the Services whose status has it and that speakers look at. */
  readonly holders: ReadonlyMap<string, readonly string[]>
  /** The newest renewal of any Lease of Bellhop, by its holder's clock. */
  readonly lastRenewalMs: number | undefined
}

/** A speaker renews every 10 s; so three may be lost. */
const speakerAliveMs = 40_000
const speakerLease = 'speaker-'

export function viewCluster(cluster: Cluster): ClusterView {
  const services = new Map(cluster.services.map((service) => [keyOf(service), service]))
  const slices = new SliceIndex()
  for (const slice of cluster.slices) slices.put(slice)
  const taken = new TakenIndex()
  for (const record of cluster.records) taken.put(record)
  const holders = new Map<string, readonly string[]>()
  for (const [key, service] of services) {
    if (!(poolLabel in service.labels)) continue
    for (const ip of service.ingress) holders.set(formatIp(ip), [...(holders.get(formatIp(ip)) ?? []), key])
  }
  const renewals = cluster.leases.flatMap(({ renewedMs, holder }) => (renewedMs && holder !== '' ? [renewedMs] : []))
  const lastRenewalMs = renewals.length === 0 ? undefined : renewals.reduce((a, b) => Math.max(a, b))
  return {
    cluster,
    services,
    slices: slices.byService,
    nodes: byName(cluster.nodes),
    peers: byName(cluster.peers),
    eips: new Map(cluster.eips.map((eip) => [eip.name, viewEip(eip)])),
    pools: poolsOf(cluster),
    taken,
    // A Service of another type holds nothing, but is there.
    findService: (namespace, name) => services.get(`${namespace}/${name}`),
    speakers: speakersOf(cluster, lastRenewalMs),
    racks: new Map(cluster.racks.flatMap(({ name, status }) => (status === undefined ? [] : [[name, status]]))),
    holders,
    lastRenewalMs,
  }
}

/** Whether the part could be read: where it could not, its emptiness says nothing. */
export function isKnown({ cluster }: ClusterView, ...wanted: readonly Part[]): boolean {
  return !cluster.unread.some(({ part }) => wanted.includes(part))
}

/** Records that name the Service, or carry its claim while its name was not known yet. */
export function recordsOf({ taken }: ClusterView, service: Service): readonly Allocation[] {
  const named = taken.ofService(keyOf(service))
  const claim = service.annotations[claimAnnotation]
  const claimed = claim === undefined ? [] : taken.ofClaim(claim)
  const isOwn = ({ name, holders }: Allocation): boolean =>
    !named.some((record) => record.name === name) &&
    holders.some((holder) => holder.namespace === service.namespace && holder.name === '')
  return [...named, ...claimed.filter(isOwn)]
}

function poolsOf({ eips, namespaces, primaryFamily, reservations }: Cluster): Pools {
  const reserved = new ReservedIndex()
  for (const [source, reservation] of reservations) reserved.put(source, reservation)
  return {
    eips: byName(eips),
    namespaces: new Map(namespaces.map(({ name, labels }) => [name, labels])),
    primaryFamily,
    reserved: (ip) => reserved.whatIs(ip),
    reservedRange: (ip) => reserved.rangeOf(ip),
    reservations: (ranges) => reserved.within(ranges),
    podRanges: (ranges) => reserved.podsWithin(ranges),
  }
}

// Renewals are compared with one another, never with the clock of whoever asks: a laptop may be minutes off.
function speakersOf(
  { speakers, leases, unread }: Cluster,
  lastRenewalMs: number | undefined,
): ReadonlyMap<string, SpeakerProgress> {
  const known = !unread.some(({ part }) => part === 'leases')
  const byNode = new Map(
    leases.flatMap((lease): [string, Lease][] =>
      lease.name.startsWith(speakerLease) ? [[lease.name.slice(speakerLease.length), lease]] : [],
    ),
  )
  return new Map(
    speakers.map(({ name, status, conditions }) => {
      const lease = byNode.get(name)
      const renewed = lease !== undefined && lease.holder !== '' ? lease.renewedMs : undefined
      const alive = known
        ? renewed !== undefined && renewed + speakerAliveMs > (lastRenewalMs ?? renewed)
        : findCondition(conditions, 'Alive')?.status !== 'False'
      return [name, { alive, status, currentUpToMs: lease?.currentUpToMs }]
    }),
  )
}

function byName<T extends { readonly name: string }>(objects: readonly T[]): ReadonlyMap<string, T> {
  return new Map(objects.map((object) => [object.name, object]))
}

// All that the controller knows of the cluster, kept true by watches in every replica, so that the next leader starts
// with it. Reads only: what is made of it is the business of the files that listen.
import { sameIp } from '../src/core/address/index.ts'
import { SliceIndex, type SpeakerProgress, serviceKeyOf } from '../src/core/announce/index.ts'
import type { Pools } from '../src/core/ipam/index.ts'
import {
  type Allocation,
  type BgpConf,
  type BgpPeer,
  type EndpointSlice,
  type Holder,
  type Node,
  type Rack,
  type Service,
  type Speaker,
  claimAnnotation,
  isOfInterest,
  poolLabel,
  readBgpConf,
  readBgpPeer,
  readEndpointSlice,
  readNode,
  readRack,
  readService,
  readSpeaker,
} from '../src/core/model/index.ts'
import {
  type KubeClient,
  type KubeObject,
  type Reflector,
  type Resource,
  type Selection,
  type Store,
  bgpConfs,
  bgpPeers,
  eipAllocations,
  endpointSlices,
  leases,
  nodes,
  openReflector,
  racks,
  services,
  speakers,
} from '../src/io/kube/index.ts'
import { type PoolsChange, observePools } from '../src/io/pools/index.ts'
import type { Clock } from '../src/io/process/clock.ts'
import { openBareSlices } from '../src/io/slices/index.ts'
import type { Log } from '../src/io/telemetry/log.ts'
import { type Presence, type PresenceBook, type SpeakerLease, openPresenceBook, readSpeakerLease } from './presence.ts'
import { type Records, openRecords } from './records.ts'

/** What changed; each is called after the view has. */
export interface Changes {
  service(key: string, before: Service | undefined, after: Service | undefined): void
  record(name: string, before: Allocation | undefined, after: Allocation | undefined): void
  pools(change: PoolsChange): void
  /** `key`: of the Service. */
  slice(key: string): void
  node(name: string, before: Node | undefined, after: Node | undefined): void
  speaker(name: string, before: Speaker | undefined, after: Speaker | undefined): void
  presence(node: string, before: Presence | undefined, after: Presence | undefined): void
  rack(name: string): void
  peer(name: string, before: BgpPeer | undefined, after: BgpPeer | undefined): void
  conf(name: string, before: BgpConf | undefined, after: BgpConf | undefined): void
}

export interface View {
  readonly pools: Pools
  readonly records: Records
  readonly services: Store<Service>
  readonly nodes: ReadonlyMap<string, Node>
  readonly speakers: Store<Speaker>
  readonly racks: Store<Rack>
  readonly peers: Store<BgpPeer>
  readonly confs: Store<BgpConf>
  readonly presence: PresenceBook
  /** Whether the Eip went with the annotation that says so; one that is there did not. Not known from before our watch. */
  forceDeleted(eip: string): boolean
  slicesOf(serviceKey: string): readonly EndpointSlice[]
  /** False while those of Services without a selector are being listed, which begins when the first such Service is seen. */
  areSlicesListed(): boolean
  /** By node: what each Speaker object says, and whether its speaker lives. */
  progress(): ReadonlyMap<string, SpeakerProgress>
  readonly reflectors: ReadonlyMap<string, Reflector<unknown>>
  /** Plurals that have not been listed yet. */
  missing(): readonly string[]
  /** Returns a function that ends it. */
  listen(listener: Partial<Changes>): () => void
  stop(): Promise<void>
}

export interface ViewOptions {
  readonly client: KubeClient
  /** Of the speakers' Leases. */
  readonly namespace: string
  readonly clock: Clock
  readonly log: Log
}

export function openView({ client, namespace, clock, log }: ViewOptions): View {
  const listeners = new Set<Partial<Changes>>()
  const tell = <Name extends keyof Changes>(name: Name, ...change: Parameters<Changes[Name]>): void => {
    for (const listener of listeners) {
      const hear = listener[name] as ((...change: Parameters<Changes[Name]>) => void) | undefined
      hear?.(...change)
    }
  }
  const reflectors = new Map<string, Reflector<unknown>>()
  const observe = <T>(
    resource: Resource,
    read: (object: KubeObject) => T | undefined,
    onChange: (key: string, before: T | undefined, after: T | undefined) => void,
    selection: Selection = {},
  ): Store<T> => {
    const reflector = openReflector<T>(client, { resource, ...selection, read, onChange, clock, log })
    reflectors.set(resource.plural, reflector)
    return reflector.store
  }

  const slices = new SliceIndex()
  const putSlice = (before: EndpointSlice | undefined, after: EndpointSlice | undefined): void => {
    if (before !== undefined) slices.remove(before)
    if (after !== undefined) slices.put(after)
    const changed = after ?? before
    if (changed !== undefined) tell('slice', serviceKeyOf(changed))
  }
  const bare = openBareSlices({ client, clock, log, onChange: putSlice })

  const nodesByName = new Map<string, Node>()
  observe(nodes, readNode, (name, before, after) => {
    if (after === undefined) nodesByName.delete(name)
    else nodesByName.set(name, after)
    tell('node', name, before, after)
  })

  let progress: ReadonlyMap<string, SpeakerProgress> | undefined
  const takePresence = (...change: Parameters<Changes['presence']>): void => {
    progress = undefined
    tell('presence', ...change)
  }
  const presence = openPresenceBook(clock, takePresence, () => reflectors.get(leases.plural)?.currentUpToMs())
  const seeLease = (key: string, before: SpeakerLease | undefined, after: SpeakerLease | undefined): void => {
    const node = (after ?? before)?.node
    if (node !== undefined) presence.see(after, node)
    else log.debug('a Lease without a node', { key })
  }

  const records = openRecords(client, clock, log, (name, before, after) => {
    if (after !== undefined) noteRecord(after)
    tell('record', name, before, after)
  })
  // In every replica: the next leader goes on with what the last one knew.
  const noteRecord = (record: Allocation): void => {
    for (const holder of record.holders) {
      const service = serviceOf(holder)
      if (service !== undefined && carries(service, holder)) records.noteBound(record.name, holder.claim)
    }
  }
  const serviceOf = ({ namespace, name }: Holder): Service | undefined => view.services.get(`${namespace}/${name}`)
  const noteService = (key: string, service: Service | undefined): void => {
    for (const record of recordsOf(records, key, service)) {
      const { name, address, holders } = record
      if (service === undefined) {
        if (!holders.some((holder) => serviceOf(holder) !== undefined)) records.noteRelease(name, clock.wallMs())
        continue
      }
      for (const holder of holders) {
        if (holder.namespace === service.namespace && carries(service, holder)) records.noteBound(name, holder.claim)
      }
      if (service.ingress.some((ip) => sameIp(ip, address))) records.forgetRelease(name)
    }
  }
  const forced = new Set<string>()
  const noteEip = ({ name, before, after }: Extract<PoolsChange, { kind: 'eip' }>): void => {
    if (after !== undefined) forced.delete(name)
    else if (before?.forceDelete === true) forced.add(name)
  }
  const pools = observePools({
    client,
    clock,
    log,
    onChange: (change) => {
      if (change.kind === 'eip') noteEip(change)
      tell('pools', change)
    },
  })
  const view = {
    pools: pools.pools,
    records,
    services: observe(services, readInteresting, (key, before, after) => {
      noteService(key, after)
      bare.follow(key, announcedAs(after))
      tell('service', key, before, after)
    }),
    nodes: nodesByName,
    speakers: observe(speakers, readSpeaker, (...change) => {
      progress = undefined
      tell('speaker', ...change)
    }),
    racks: observe(racks, readRack, (name) => tell('rack', name)),
    peers: observe(bgpPeers, readBgpPeer, (...change) => tell('peer', ...change)),
    confs: observe(bgpConfs, readBgpConf, (...change) => tell('conf', ...change)),
    presence,
    forceDeleted: (eip: string) => forced.has(eip),
  }
  observe(endpointSlices, readEndpointSlice, (_key, ...change) => putSlice(...change), { labelSelector: poolLabel })
  observe(leases, readSpeakerLease, seeLease, { namespace })

  const all = new Map<string, Reflector<unknown>>([
    ...reflectors,
    ...[...pools.reflectors].map(([plural, reflector]) => [`pools/${plural}`, reflector] as const),
    [eipAllocations.plural, records.reflector],
  ])
  return {
    ...view,
    slicesOf: (key) => slices.of(key),
    areSlicesListed: () => bare.isSynced(),
    progress() {
      progress ??= new Map(
        [...view.speakers.entries()].map(([node, { status }]) => {
          const { alive = false, currentUpToMs } = presence.of(node) ?? {}
          return [node, { alive, currentUpToMs, status }]
        }),
      )
      return progress
    },
    reflectors: all,
    missing: () => [...all].filter(([, reflector]) => !reflector.isSynced()).map(([plural]) => plural),
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async stop() {
      presence.stop()
      await Promise.all([
        records.stop(),
        pools.stop(),
        bare.stop(),
        ...[...reflectors.values()].map((one) => one.stop()),
      ])
    },
  }
}

/** Records that name the Service, or that carry its claim while its name was not known yet. */
export function recordsOf(
  { taken }: Pick<Records, 'taken'>,
  key: string,
  service: Service | undefined,
): readonly Allocation[] {
  const claim = service?.annotations[claimAnnotation]
  const named = taken.ofService(key)
  if (service === undefined || claim === undefined) return named
  const claimed = taken
    .ofClaim(claim)
    .filter(
      ({ name, holders }) =>
        !named.some((record) => record.name === name) &&
        holders.some((holder) => holder.namespace === service.namespace && holder.claim === claim),
    )
  return [...named, ...claimed]
}

function carries({ annotations, uid }: Service, { claim }: Holder): boolean {
  return claim === uid || claim === annotations[claimAnnotation]
}

function readInteresting(object: KubeObject): Service | undefined {
  const service = readService(object)
  return isOfInterest(service) ? service : undefined
}

// Speakers look at what is labelled, and at nothing else.
function announcedAs(service: Service | undefined): { readonly hasSelector: boolean } | undefined {
  if (service === undefined || !(poolLabel in service.labels)) return undefined
  return { hasSelector: Object.keys(service.selector).length > 0 }
}

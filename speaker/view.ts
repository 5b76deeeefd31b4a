// Stores → World. Reflectors keep the maps of the World true, and every change names the addresses it touches: one
// Service's change its own addresses, a pool's the addresses in it, the Node's and the rack's all of them.
import {
  type AnnouncedService,
  type DrainPhase,
  type EipView,
  type PeerView,
  SliceIndex,
  type World,
  cutService,
  rackOfSpeaker,
  serviceKeyOf,
  sharingReader,
  viewEip,
} from '../src/core/announce/index.ts'
import { formatIp } from '../src/core/address/index.ts'
import {
  type BgpConf,
  type BgpPeer,
  type Eip,
  type EndpointSlice,
  type Node,
  type ProxiedNode,
  type Reason,
  noRack,
  poolLabel,
  readBgpConf,
  readBgpPeer,
  readEip,
  readNode,
  readService,
} from '../src/core/model/index.ts'
import {
  type KubeClient,
  type Reflector,
  bgpConfs,
  bgpPeers,
  eips,
  endpointSlices,
  nodes,
  openReflector,
  services,
} from '../src/io/kube/index.ts'
import { type Clock, pause } from '../src/io/process/clock.ts'
import { openBareSlices } from '../src/io/slices/index.ts'
import type { Log } from '../src/io/telemetry/log.ts'
import { openHolders } from './holders.ts'
import { openRack } from './rack.ts'

export interface ViewOptions {
  readonly client: KubeClient
  readonly nodeName: string
  readonly clock: Clock
  readonly log: Log
  /** Addresses to decide about again; undefined: all. Called often; the caller gathers. */
  readonly onTouched: (addresses: Iterable<string> | undefined) => void
  /** Node, BgpConf or a BgpPeer changed in what matters to sessions. */
  readonly onSessionsChanged: () => void
  /** A Service appeared or changed its addresses: others wait to hear that this speaker knows. */
  readonly onServiceSeen: () => void
}

/** The World, and what belongs to sessions rather than to addresses. */
export interface View {
  readonly world: World
  /** The last known own Node, also when it is gone: its sessions stay. */
  readonly lastNode: () => Node | undefined
  readonly confs: ReadonlyMap<string, BgpConf>
  readonly bgpPeers: ReadonlyMap<string, BgpPeer>
  /** All first lists are in. Never before the API server has answered. */
  readonly synced: Promise<void>
  /** Names of resources whose first list is missing. */
  missing(): readonly string[]
  setPeers(peers: ReadonlyMap<string, PeerView>, noPeer: Reason | undefined): void
  setDrain(phase: DrainPhase): void
  /** Wall time up to which the Services are current; undefined: not yet known. */
  currentUpToMs(): number | undefined
  readonly reflectors: () => readonly (readonly [string, Reflector<unknown>])[]
  stop(): Promise<void>
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

export function openView(options: ViewOptions): View {
  const { client, nodeName, clock, log, onTouched, onSessionsChanged, onServiceSeen } = options
  const announced = new Map<string, AnnouncedService>()
  const holders = openHolders()
  const slices = new SliceIndex()
  const eipViews = new Map<string, EipView>()
  const confs = new Map<string, BgpConf>()
  const peers = new Map<string, BgpPeer>()
  const world: Writable<World> = {
    node: undefined,
    drain: 'none',
    services: announced,
    holders: holders.byAddress,
    slices: slices.byService,
    eips: eipViews,
    peers: new Map(),
    noPeer: undefined,
    proxied: [],
  }
  let lastNode: Node | undefined

  function addressesOf(service: AnnouncedService | undefined): readonly string[] {
    return (service?.ingress ?? []).map(formatIp)
  }

  function takeService(key: string, before: AnnouncedService | undefined, after: AnnouncedService | undefined): void {
    const old = addressesOf(before)
    const now = addressesOf(after)
    holders.move(key, old, now)
    if (after === undefined) announced.delete(key)
    else announced.set(key, after)
    bare.follow(key, after)
    onTouched([...old, ...now])
    if (old.join() !== now.join()) onServiceSeen()
  }

  function takeSlice(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    if (before !== undefined) slices.remove(before)
    if (after !== undefined) slices.put(after)
    for (const slice of [before, after]) {
      if (slice !== undefined) onTouched(addressesOf(announced.get(serviceKeyOf(slice))))
    }
  }

  const bare = openBareSlices({ client, clock, log, onChange: takeSlice })

  function takeNode(_key: string, before: Node | undefined, after: Node | undefined): void {
    if (before !== undefined && after !== undefined && sameNode(before, after)) return
    world.node = after
    lastNode = after ?? lastNode
    followRack()
    onSessionsChanged()
    onTouched(undefined)
  }

  function takeEip(key: string, before: EipView | undefined, after: EipView | undefined): void {
    // Its status changes with every address given out: that touches nothing here.
    if (before !== undefined && after !== undefined && isSpecSame(before.eip, after.eip)) return
    if (after === undefined) eipViews.delete(key)
    else eipViews.set(key, after)
    onTouched(holders.within([...(before?.eip.ranges ?? []), ...(after?.eip.ranges ?? [])]))
  }

  function takeBgp<T extends BgpConf | BgpPeer>(map: Map<string, T>) {
    return (key: string, before: T | undefined, after: T | undefined): void => {
      if (before !== undefined && after !== undefined && isSpecSame(before, after)) return
      if (after === undefined) map.delete(key)
      else map.set(key, after)
      onSessionsChanged()
    }
  }

  // Another object when the node's label changes.
  const rack = openRack({ client, clock, log, onChange: takeProxied })
  function followRack(): void {
    rack.follow(lastNode === undefined ? noRack : rackOfSpeaker(lastNode))
  }
  function takeProxied(after: readonly ProxiedNode[]): void {
    if (JSON.stringify(after) === JSON.stringify(world.proxied)) return
    world.proxied = after
    onTouched(undefined)
  }

  const common = { clock, log }
  const base: readonly (readonly [string, Reflector<unknown>])[] = [
    [
      'services',
      openReflector(client, {
        ...common,
        resource: services,
        labelSelector: poolLabel,
        read: (object) => cutService(readService(object)),
        onChange: takeService,
      }),
    ],
    [
      'endpointslices',
      openReflector(client, {
        ...common,
        resource: endpointSlices,
        labelSelector: poolLabel,
        read: sharingReader(),
        onChange: (_key, before, after) => takeSlice(before, after),
      }),
    ],
    [
      'nodes',
      openReflector(client, {
        ...common,
        resource: nodes,
        fieldSelector: `metadata.name=${nodeName}`,
        read: readNode,
        onChange: takeNode,
      }),
    ],
    [
      'eips',
      openReflector(client, {
        ...common,
        resource: eips,
        read: (object) => viewEip({ ...readEip(object), status: undefined }),
        onChange: takeEip,
      }),
    ],
    [
      'bgpconfs',
      openReflector(client, {
        ...common,
        resource: bgpConfs,
        read: (object) => ({ ...readBgpConf(object), status: undefined }),
        onChange: takeBgp(confs),
      }),
    ],
    [
      'bgppeers',
      openReflector(client, {
        ...common,
        resource: bgpPeers,
        read: (object) => ({ ...readBgpPeer(object), status: undefined }),
        onChange: takeBgp(peers),
      }),
    ],
  ]
  const serviceReflector = base[0]?.[1]
  const all = (): readonly (readonly [string, Reflector<unknown>])[] => {
    const reflector = rack.reflector()
    return reflector === undefined ? base : [...base, ['racks', reflector]]
  }

  async function sync(): Promise<void> {
    await Promise.all(base.map(([, { synced }]) => synced))
    followRack()
    await rack.synced
    // One whose slices cannot be listed must not keep all others waiting.
    await Promise.race([bare.synced(), pause(clock, 5000)])
  }

  return {
    world,
    lastNode: () => lastNode,
    confs,
    bgpPeers: peers,
    synced: sync(),
    missing: () => all().flatMap(([name, reflector]) => (reflector.isSynced() ? [] : [name])),
    setPeers: (views, noPeer) => {
      world.peers = views
      world.noPeer = noPeer
    },
    setDrain: (phase) => {
      world.drain = phase
      onTouched(undefined)
    },
    currentUpToMs: () => serviceReflector?.currentUpToMs(),
    reflectors: all,
    stop: async () => {
      await Promise.all([...all().map(([, reflector]) => reflector.stop()), bare.stop()])
    },
  }
}

// A Node's status is written every few minutes with nothing in it that concerns us.
function sameNode(a: Node, b: Node): boolean {
  return fingerprint(a) === fingerprint(b)
}

function fingerprint(node: Node): string {
  const { uid, deleting, ready, networkUnavailable, excluded, drain, rack, labels, addresses, internalIps } = node
  const known = { uid, deleting, ready, networkUnavailable, excluded, drain, rack, labels }
  return JSON.stringify([known, addresses.map(formatIp), internalIps.map(formatIp)])
}

// The generation counts changes of spec; labels give a thing to the CNI, and a new uid is a new object.
function isSpecSame(a: Eip | BgpConf | BgpPeer, b: Eip | BgpConf | BgpPeer): boolean {
  if (a.uid !== b.uid || a.generation !== b.generation || a.ownedByCni !== b.ownedByCni) return false
  return a.generation !== 0 && a.deleting === b.deleting
}

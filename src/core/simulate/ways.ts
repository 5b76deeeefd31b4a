// The ways that routers have: address → peer → next hops, as every speaker decides; and how those of two views differ.
import { compareIp, parseIp } from '../address/index.ts'
import { eipOf, judgeAdvertised } from '../announce/index.ts'
import { type ClusterView, type NextHops, type WaysOfAddress, waysTo } from '../explain/index.ts'
import { type Eip, type Reason, poolLabel } from '../model/index.ts'
import { withPlannedRacks } from './change.ts'

/** Address → its ways; an address without any has none. */
export type Ways = ReadonlyMap<string, WaysOfAddress>

/** What is, or would be, with the routers: only what goes over an established session counts. */
export function waysOf(view: ClusterView): Ways {
  const ways = new Map<string, WaysOfAddress>()
  for (const text of view.holders.keys()) {
    const address = parseIp(text)
    if (address !== undefined) ways.set(text, waysTo(address, view))
  }
  return ways
}

/** An address that routers had a way to and would have none to. */
export interface LostAddress {
  readonly address: string
  /** Keys of its Services. */
  readonly services: readonly string[]
  readonly eip: string | undefined
  readonly reason: Reason
}

export interface ThinAddress {
  readonly address: string
  readonly services: readonly string[]
  /** The one node left. */
  readonly node: string
}

/** What a router would lose or learn: a node as next hop, of how many addresses. */
export interface PeerChange {
  readonly peer: string
  /** Addresses it knows. */
  readonly before: number
  readonly after: number
  readonly removed: readonly HopChange[]
  readonly added: readonly HopChange[]
}

export interface HopChange {
  readonly node: string
  readonly addresses: number
}

export interface WayChanges {
  /** Addresses with at least one way. */
  readonly before: number
  readonly after: number
  /** Those that lose their last way: the traffic of their Services stops. */
  readonly lost: readonly LostAddress[]
  /** Those that had no way. */
  readonly gained: readonly string[]
  /** Those that had several next hops and would have one. */
  readonly thin: readonly ThinAddress[]
  /** By name; only peers for which something changes. */
  readonly peers: readonly PeerChange[]
  /** What the routers would have. */
  readonly ways: Ways
}

/** What the routers would have in `after` that they do not have in `before`, and the other way round. */
export function compareViews(before: ClusterView, after: ClusterView): WayChanges {
  const [old, now] = [withPlannedRacks(before), withPlannedRacks(after)]
  const [oldWays, nowWays] = [waysOf(old), waysOf(now)]
  const lost: LostAddress[] = []
  const thin: ThinAddress[] = []
  const gained: string[] = []
  for (const address of [...new Set([...oldWays.keys(), ...nowWays.keys()])].toSorted(byAddress)) {
    const [had, has] = [nodesOf(oldWays.get(address)), nodesOf(nowWays.get(address))]
    const services = now.holders.get(address) ?? old.holders.get(address) ?? []
    const [node] = has
    if (had.size > 0 && node === undefined) {
      const { eip, reason } = whyLost(address, now)
      lost.push({ address, services, eip: eip?.name, reason })
    } else if (had.size === 0 && has.size > 0) gained.push(address)
    else if (had.size > 1 && has.size === 1 && node !== undefined) thin.push({ address, services, node })
  }
  const peers = [...new Set([...before.peers.keys(), ...after.peers.keys()])].toSorted()
  return {
    before: countKnown(oldWays),
    after: countKnown(nowWays),
    lost,
    gained,
    thin,
    peers: peers.flatMap((peer) => peerChange(peer, oldWays, nowWays) ?? []),
    ways: nowWays,
  }
}

/**
 * Other nodes that only the speaker of this one announces, to some router, and of how many addresses: a drain leaves them
 * as they are, since the speaker goes on; when the node goes down, they go with it.
 */
export function dependentsOf(ways: Ways, node: string): readonly HopChange[] {
  const counts = new Map<string, number>()
  for (const byPeer of ways.values()) {
    const dependent = [...byPeer.values()].flatMap((hops) =>
      [...hops].filter(([hop, by]) => hop !== node && by.every((speaker) => speaker === node)).map(([hop]) => hop),
    )
    for (const hop of new Set(dependent)) counts.set(hop, (counts.get(hop) ?? 0) + 1)
  }
  return listed(counts)
}

function nodesOf(ways: WaysOfAddress | undefined): ReadonlySet<string> {
  return new Set([...(ways?.values() ?? [])].flatMap((hops) => [...hops.keys()]))
}

function countKnown(ways: Ways): number {
  return [...ways.values()].filter((each) => each.size > 0).length
}

function peerChange(peer: string, before: Ways, after: Ways): PeerChange | undefined {
  const removed = new Map<string, number>()
  const added = new Map<string, number>()
  const counts = { before: 0, after: 0 }
  const count = (into: Map<string, number>, nodes: Iterable<string>, without: NextHops | undefined): void => {
    for (const node of nodes) if (without?.has(node) !== true) into.set(node, (into.get(node) ?? 0) + 1)
  }
  for (const address of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(address)?.get(peer), after.get(address)?.get(peer)]
    if (old !== undefined) counts.before++
    if (now !== undefined) counts.after++
    count(removed, old?.keys() ?? [], now)
    count(added, now?.keys() ?? [], old)
  }
  if (removed.size + added.size === 0) return undefined
  return { peer, ...counts, removed: listed(removed), added: listed(added) }
}

function listed(counts: ReadonlyMap<string, number>): readonly HopChange[] {
  return [...counts].map(([node, addresses]) => ({ node, addresses })).toSorted((a, b) => (a.node < b.node ? -1 : 1))
}

// In the words of the condition that the Service would get.
function whyLost(text: string, view: ClusterView): { readonly eip: Eip | undefined; readonly reason: Reason } {
  const address = parseIp(text)
  const services = (view.holders.get(text) ?? []).flatMap((key) => view.services.get(key) ?? [])
  if (address === undefined || services.length === 0) {
    return { eip: undefined, reason: { code: 'NoAddress', message: `no Service has ${text}` } }
  }
  const eip = eipOf(address, view.eips, services[0]?.labels[poolLabel])?.eip
  const { slices, nodes, speakers, racks } = view
  // Nothing is behind in a cluster that has noticed everything.
  const current = new Map([...speakers].map(([node, each]) => [node, { ...each, currentUpToMs: 0 }]))
  const input = { addresses: [address], services, slices, nodes, eip, speakers: current, racks, statusWrittenMs: 0 }
  return { eip, reason: judgeAdvertised(input).reason }
}

function byAddress(a: string, b: string): number {
  const [left, right] = [parseIp(a), parseIp(b)]
  return left === undefined || right === undefined ? 0 : compareIp(left, right)
}

// Racks: which speakers announce the nodes that do not speak for themselves, and to which peers (design §6 "Racks").
// Computed by the controller, who sees all nodes; a speaker reads the Rack object of its own rack only.
//
// 1. A speaker is of the rack that the label of its node names, else of `none`.
// 2. A node is of its labelled rack; without a label, of the rack whose session subnet its address lies in; in a cluster
//    without rack labels everything is `none`.
// 3. A node speaks for itself, per peer and family, when its own speaker is alive and has that session established.
//    Otherwise the two best-ranked speakers of its rack that have it announce the node.
import { type Ip, type Prefix, formatIp, parsePrefix, prefixContains } from '../address/index.ts'
import type {
  BgpPeer,
  Node,
  ProxiedNode,
  ProxyAssignment,
  RackStatus,
  Reason,
  ReasonCode,
  SessionStatus,
  SpeakerStatus,
} from '../model/index.ts'
import { noRack } from '../model/index.ts'
import { rankFor } from './hash.ts'
import { areMostUnknown, nodeUnusable } from './usable.ts'

/** What the controller knows of a speaker: its Speaker object, and `alive` from its Lease. */
export interface SpeakerView {
  readonly alive: boolean
  readonly status: SpeakerStatus
}

export interface RackInput {
  readonly nodes: readonly Node[]
  /** By node. */
  readonly speakers: ReadonlyMap<string, SpeakerView>
  readonly peers: readonly BgpPeer[]
}

/** How many speakers announce one node to one peer: two, so that the loss of one costs nothing. */
const speakersPerNode = 2

interface RackSpeaker {
  readonly node: string
  readonly alive: boolean
  readonly sessions: readonly SessionStatus[]
  /** By peer: established sessions of a speaker that is alive and stays. */
  readonly established: ReadonlyMap<string, { readonly session: SessionStatus; readonly subnet: Prefix | undefined }>
}

/** Name of the rack whose object the speaker of this node reads and whose `asPerRack` counts for it. */
export function rackOfSpeaker(node: Node): string {
  return node.rack ?? noRack
}

/** Every Rack object that should exist, with its status: one per label value, and `none`. */
export function planRacks(input: RackInput): ReadonlyMap<string, RackStatus> {
  const { nodes, speakersOf, nodesOf } = members(input)
  const mostNodesUnknown = areMostUnknown(nodes)
  const peers = input.peers.map(({ name }) => name).toSorted()

  const racks = new Map<string, RackStatus>()
  for (const rack of new Set([noRack, ...nodes.map(rackOfSpeaker)])) {
    const ofRack = speakersOf.get(rack) ?? []
    const proxied = (nodesOf.get(rack) ?? []).flatMap(
      (node) => proxiedNode(node, input.speakers.get(node.name), ofRack, peers, mostNodesUnknown) ?? [],
    )
    racks.set(rack, {
      speakers: ofRack.map(({ node, alive, sessions, established }) => ({
        node,
        alive,
        sessions: sessions.map(({ peer }) => ({ peer, established: established.has(peer) })),
      })),
      speakerCount: ofRack.length,
      proxiedCount: proxied.length,
      up: ofRack.reduce((sum, { established }) => sum + established.size, 0),
      proxied,
    })
  }
  return racks
}

/** Nodes of each rack: how many are usable, and how many are not for which reason. */
export function countNodes(input: RackInput): ReadonlyMap<string, ReadonlyMap<'usable' | ReasonCode, number>> {
  const { nodes, nodesOf } = members(input)
  const mostNodesUnknown = areMostUnknown(nodes)
  return new Map(
    [...nodesOf].map(([rack, ofRack]) => {
      const counts = new Map<'usable' | ReasonCode, number>([['usable', 0]])
      for (const node of ofRack) {
        const state = unusable(node, input.speakers.get(node.name), mostNodesUnknown)?.code ?? 'usable'
        counts.set(state, (counts.get(state) ?? 0) + 1)
      }
      return [rack, counts]
    }),
  )
}

// By rack: its speakers, and the nodes that belong to it.
function members(input: RackInput): {
  readonly nodes: readonly Node[]
  readonly speakersOf: ReadonlyMap<string, readonly RackSpeaker[]>
  readonly nodesOf: ReadonlyMap<string, readonly Node[]>
} {
  const nodes = input.nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const speakers = nodes.flatMap((node) => {
    const view = input.speakers.get(node.name)
    return view === undefined ? [] : [{ rack: rackOfSpeaker(node), ...readSpeaker(node.name, view) }]
  })
  const speakersOf = Map.groupBy(speakers, ({ rack }) => rack)
  const labelled = nodes.some(({ rack }) => rack !== undefined)
  const nodesOf = Map.groupBy(nodes, (node) => node.rack ?? (labelled ? rackBySubnet(node, speakersOf) : noRack))
  return { nodes, speakersOf, nodesOf }
}

function unusable(node: Node, view: SpeakerView | undefined, mostNodesUnknown: boolean): Reason | undefined {
  const alive = view?.alive ?? false
  return nodeUnusable(node, {
    speakerAlive: alive,
    leaving: alive && view?.status.state === 'Leaving',
    mostNodesUnknown,
  })
}

function readSpeaker(node: string, { alive, status }: SpeakerView): RackSpeaker {
  const stays = alive && status.state !== 'Leaving'
  const established = status.sessions.filter(({ state }) => stays && state === 'ESTABLISHED')
  return {
    node,
    alive,
    sessions: status.sessions.toSorted((a, b) => (a.peer < b.peer ? -1 : 1)),
    established: new Map(
      established.map((session) => [session.peer, { session, subnet: parsePrefix(session.subnet ?? '') }]),
    ),
  }
}

// Several racks may share a subnet: a labelled one comes first, then the name decides, so that the answer is stable.
function rackBySubnet(node: Node, speakersOf: ReadonlyMap<string, readonly RackSpeaker[]>): string {
  const racks = [...speakersOf].filter(([, members]) =>
    members.some((speaker) =>
      [...speaker.established.values()].some(({ subnet }) => subnet !== undefined && liesIn(node, subnet)),
    ),
  )
  const names = racks.map(([rack]) => rack).toSorted()
  return names.find((rack) => rack !== noRack) ?? noRack
}

function liesIn(node: Node, subnet: Prefix): boolean {
  return node.internalIps.some((ip) => prefixContains(subnet, ip))
}

// Undefined when the node speaks for itself to every peer of its rack.
function proxiedNode(
  node: Node,
  view: SpeakerView | undefined,
  members: readonly RackSpeaker[],
  peers: readonly string[],
  mostNodesUnknown: boolean,
): ProxiedNode | undefined {
  const own = view === undefined ? undefined : readSpeaker(node.name, view)
  const announcedBy = peers.flatMap((peer) => assignments(node, own, members, peer))
  if (announcedBy.length === 0 && own !== undefined && own.established.size > 0) return undefined
  const reason = unusable(node, view, mostNodesUnknown)
  return {
    node: node.name,
    addresses: node.internalIps.map(formatIp),
    usable: reason === undefined,
    ...(reason === undefined ? {} : { reason: reason.code }),
    announcedBy,
  }
}

function assignments(
  node: Node,
  own: RackSpeaker | undefined,
  members: readonly RackSpeaker[],
  peer: string,
): readonly ProxyAssignment[] {
  return ([4, 6] as const).flatMap((family): readonly ProxyAssignment[] => {
    const carries = (speaker: RackSpeaker): boolean =>
      speaker.established.get(peer)?.session.families.includes(family) ?? false
    if (own !== undefined && carries(own)) return []
    const address = node.internalIps.filter((ip) => ip.family === family)
    const candidates = members.filter((speaker) => speaker.node !== node.name && carries(speaker))
    // One that sees the node on the link of its session can name it as next hop (RFC 4271 §5.1.3); when none does, the
    // best-ranked are named all the same and say NoNextHop.
    const onLink = candidates.filter((speaker) => sees(speaker.established.get(peer)?.subnet, address))
    const chosen = (onLink.length > 0 ? onLink : candidates).map((speaker) => speaker.node)
    if (chosen.length === 0) return []
    return [{ peer, family, speakers: rankFor(node.name, chosen).slice(0, speakersPerNode) }]
  })
}

// The subnet of a session is known in the session's own family; for the other family only the speaker itself can tell.
function sees(subnet: Prefix | undefined, addresses: readonly Ip[]): boolean {
  if (subnet === undefined) return false
  return addresses.some((ip) => ip.family !== subnet.ip.family || prefixContains(subnet, ip))
}

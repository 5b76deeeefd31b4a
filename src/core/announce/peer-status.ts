// Status of BgpPeer and BgpConf in OpenELB's shape (openelb-api.md 1.1, 2.3, 2.4), from what all speakers report.
// Counters are strings there. Passwords never appear. With more than 50 nodes only those in trouble are listed, with a
// count of all: the rest stands in the Speaker objects.
import { type BgpConf, type BgpPeer, type MessageCounts, type Reason, type SessionStatus } from '../model/index.ts'
import type { SpeakerView } from './racks.ts'

/** Nodes listed in one status at most. */
const mostNodes = 50

export interface NodePeerStatus {
  readonly peerState: Readonly<Record<string, unknown>>
  readonly timersState: Readonly<Record<string, string>>
}

export interface BgpPeerStatus {
  readonly nodesPeerStatus: Readonly<Record<string, NodePeerStatus>>
  /** Sessions wanted and established, of all nodes: the column UP. */
  readonly sessions: number
  readonly established: number
  /** `up/wanted` as the column prints it. */
  readonly up: string
}

export interface BgpConfStatus {
  readonly nodesConfStatus: Readonly<Record<string, { readonly routerId: string; readonly as: number }>>
  /** Speakers that are alive: the column NODES. */
  readonly nodes: number
}

/** Of speakers that are alive; a dead one's last words are not repeated. */
export function bgpPeerStatus(peer: BgpPeer, speakers: ReadonlyMap<string, SpeakerView>): BgpPeerStatus {
  const entries = [...speakers].toSorted(byName).flatMap(([node, { alive, status }]) => {
    const session = status.sessions.find((candidate) => candidate.peer === peer.name)
    return alive && session !== undefined ? [{ node, session }] : []
  })
  const established = entries.filter(({ session }) => session.state === 'ESTABLISHED').length
  const troubled = entries.filter(({ session }) => session.state !== 'ESTABLISHED')
  const listed = (entries.length > mostNodes ? troubled : entries).slice(0, mostNodes)
  return {
    nodesPeerStatus: Object.fromEntries(listed.map(({ node, session }) => [node, nodeStatus(peer, session)])),
    sessions: entries.length,
    established,
    up: `${established}/${entries.length}`,
  }
}

function nodeStatus(peer: BgpPeer, session: SessionStatus): NodePeerStatus {
  const isUp = session.state === 'ESTABLISHED'
  const negotiated = session.negotiatedHoldTimeSeconds
  return {
    peerState: {
      neighborAddress: session.neighbor,
      peerAs: session.peerAs,
      localAs: session.localAs,
      sessionState: session.state,
      adminState: peer.adminDown ? 'DOWN' : 'UP',
      flops: session.flaps,
      ...(session.remoteRouterId === undefined ? {} : { routerId: session.remoteRouterId }),
      messages: { received: counters(session.messagesReceived), sent: counters(session.messagesSent) },
    },
    timersState: {
      connectRetry: seconds(peer.connectRetryMs),
      holdTime: seconds(peer.holdTimeMs),
      keepaliveInterval: seconds(peer.keepaliveMs),
      minimumAdvertisementInterval: seconds(peer.minAdvertisementMs),
      ...(negotiated === undefined ? {} : { negotiatedHoldTime: String(negotiated) }),
      ...(isUp ? { uptime: session.since } : { downtime: session.since }),
    },
  }
}

function counters(counts: MessageCounts): Readonly<Record<string, string>> {
  const { notification, update, open, keepalive, refresh, total } = counts
  return {
    notification: String(notification),
    update: String(update),
    open: String(open),
    keepalive: String(keepalive),
    refresh: String(refresh),
    total: String(total),
  }
}

function seconds(ms: number): string {
  return String(Math.round(ms / 1000))
}

/** Empty for every BgpConf but the one that counts (`default`, not left to the CNI). */
export function bgpConfStatus(conf: BgpConf, speakers: ReadonlyMap<string, SpeakerView>): BgpConfStatus {
  if (!isConfUsed(conf)) return { nodesConfStatus: {}, nodes: 0 }
  const entries = [...speakers].toSorted(byName).flatMap(([node, { alive, status }]) => {
    const { as, routerId } = status
    return alive && as !== undefined && routerId !== undefined ? [{ node, as, routerId }] : []
  })
  return {
    nodesConfStatus: Object.fromEntries(
      entries.slice(0, mostNodes).map(({ node, as, routerId }) => [node, { routerId, as }]),
    ),
    nodes: entries.length,
  }
}

/** True for the one BgpConf that counts. */
export function isConfUsed(conf: BgpConf): boolean {
  return conf.name === 'default' && !conf.ownedByCni
}

/** What keeps nodes from being announced to the peer: for its condition NextHopsNotAdvertised. Undefined: nothing. */
export function nextHopsNotAdvertised(peer: string, speakers: ReadonlyMap<string, SpeakerView>): Reason | undefined {
  for (const [node, { alive, status }] of [...speakers].toSorted(byName)) {
    if (!alive) continue
    const found = status.exceptions.find(
      (exception) => exception.peer === peer && exception.reason === 'NextHopsNotAdvertised',
    )
    if (found !== undefined) {
      return { code: 'NextHopsNotAdvertised', message: `speaker of node ${node}: ${found.message}` }
    }
  }
  return undefined
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

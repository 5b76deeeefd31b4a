// The routers: who is to have a session with each, who has, and why not.
import { formatIp } from '../address/index.ts'
import {
  type BgpPeer,
  type Reason,
  type SessionStatus,
  findCondition,
  matchesSelector,
  readConditions,
} from '../model/index.ts'
import { downLine } from './session-stage.ts'
import { listed } from './stage.ts'
import { type ClusterView, isKnown } from './view.ts'

export interface PeerRow {
  readonly name: string
  readonly neighbor: string
  readonly peerAs: number
  /** Sessions wanted and established, of speakers that live. */
  readonly wanted: number
  readonly up: number
  readonly families: readonly number[]
  readonly flaps: number
  /** The fewest and the most prefixes that a session was sent. */
  readonly sent: readonly [number, number]
  /** `node → peer (neighbour): STATE for 3m: error`. */
  readonly down: readonly string[]
  readonly problems: readonly (Reason & { readonly grave: boolean })[]
}

export function peerRows(view: ClusterView): readonly PeerRow[] {
  return view.cluster.peers.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((peer) => peerRow(peer, view))
}

function peerRow(peer: BgpPeer, view: ClusterView): PeerRow {
  const sessions = [...view.speakers]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([node, { alive, status }]) =>
      alive ? status.sessions.filter((each) => each.peer === peer.name).map((session) => ({ node, session })) : [],
    )
  const up = sessions.filter(({ session }) => session.state === 'ESTABLISHED').map(({ session }) => session)
  const down = sessions.filter(({ session }) => session.state !== 'ESTABLISHED')
  const sent = up.map(({ prefixesSent }) => prefixesSent)
  return {
    name: peer.name,
    neighbor: peer.neighbor === undefined ? '' : formatIp(peer.neighbor),
    peerAs: peer.peerAs,
    wanted: sessions.length,
    up: up.length,
    families: [...new Set(up.flatMap(({ families }) => families))].toSorted((a, b) => a - b),
    flaps: sessions.reduce((sum, { session }) => sum + session.flaps, 0),
    sent: sent.length === 0 ? [0, 0] : [Math.min(...sent), Math.max(...sent)],
    down: down.map(({ node, session }) => downLine(node, session, view.cluster.readAtMs)),
    problems: problemsOf(peer, sessions, view),
  }
}

function problemsOf(
  peer: BgpPeer,
  sessions: readonly { readonly node: string; readonly session: SessionStatus }[],
  view: ClusterView,
): PeerRow['problems'] {
  const { name } = peer
  if (peer.ownedByCni) return []
  if (peer.neighbor === undefined || peer.peerAs === 0) {
    const message = `BgpPeer ${name} has no usable conf.neighborAddress or conf.peerAs; no session is opened`
    return [{ code: 'MalformedPeer', message, grave: true }]
  }
  const down = sessions.filter(({ session }) => session.state !== 'ESTABLISHED')
  const nodes = listed(down.map(({ node }) => node))
  if (peer.adminDown) {
    return [{ code: 'SessionReset', message: `BgpPeer ${name} is shut down by conf.adminDown`, grave: false }]
  }
  const problems: PeerRow['problems'][number][] = []
  const unopened = down.find(({ session }) => session.reason !== undefined)?.session
  if (unopened?.reason !== undefined) {
    problems.push({ code: unopened.reason, message: unopened.lastError ?? name, grave: true })
  } else if (down.length > 0) {
    const message = `${down.length} of ${sessions.length} sessions with ${name} are down: ${nodes}`
    problems.push({ code: 'SessionDown', message, grave: true })
  }
  const speaking = [...view.speakers].filter(([, { alive }]) => alive).map(([node]) => node)
  const isMeant = speaking.some((node) => matchesSelector(peer.nodeSelector, view.nodes.get(node)?.labels ?? {}))
  if (sessions.length === 0 && !isMeant && isKnown(view, 'speakers', 'nodes')) {
    const message = `BgpPeer ${name} is meant for no node that has a speaker (spec.nodeSelector)`
    problems.push({ code: 'NoPeer', message, grave: false })
  }
  const cut = findCondition(readConditions(peer.status), 'NextHopsNotAdvertised')
  if (cut?.status === 'True') problems.push({ code: 'NextHopsNotAdvertised', message: cut.message, grave: false })
  return problems
}

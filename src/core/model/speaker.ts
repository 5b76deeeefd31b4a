// What a speaker says of itself in the status of its Speaker object, and the controller of a rack in its Rack object.
// Both are written by one program and read by the other, so their shapes live here once (design §3, §6).
import type { Family } from '../address/index.ts'
import type { ReasonCode } from './reasons.ts'

export type SessionStateName = 'IDLE' | 'CONNECT' | 'ACTIVE' | 'OPENSENT' | 'OPENCONFIRM' | 'ESTABLISHED'

/** Counts of messages by type, as OpenELB's status has them. */
export interface MessageCounts {
  readonly notification: number
  readonly update: number
  readonly open: number
  readonly keepalive: number
  readonly refresh: number
  readonly total: number
}

export interface SessionStatus {
  /** Name of the BgpPeer. */
  readonly peer: string
  readonly neighbor: string
  readonly peerAs: number
  readonly localAs: number
  readonly state: SessionStateName
  /** RFC 3339: when it was established, or stopped being so. */
  readonly since: string
  readonly localAddress?: string
  /** Subnet of the local address on its interface, `address/length`: nodes without a speaker that lie in it can be announced. */
  readonly subnet?: string
  readonly remoteRouterId?: string
  /** Negotiated families, 4 and 6. */
  readonly families: readonly Family[]
  /** Families in which the router takes several paths of one prefix (RFC 7911). */
  readonly addPath: readonly Family[]
  readonly negotiatedHoldTimeSeconds?: number
  /** RFC name of the last NOTIFICATION or the error of the last attempt. */
  readonly lastError?: string
  /** Why it is down although nothing failed: PasswordMissing, MalformedPeer … */
  readonly reason?: ReasonCode
  readonly flaps: number
  readonly prefixesWanted: number
  readonly prefixesSent: number
  readonly messagesSent: MessageCounts
  readonly messagesReceived: MessageCounts
}

/** What of a session is news when it changes: its counts change all the time. */
export function withoutCounts(session: SessionStatus): Partial<SessionStatus> {
  const { prefixesWanted: _wanted, prefixesSent: _sent, messagesSent: _to, messagesReceived: _from, ...rest } = session
  return rest
}

/** An address that this speaker does not announce as one would expect. */
export interface AnnouncementException {
  readonly address: string
  readonly peer?: string
  readonly reason: ReasonCode
  readonly message: string
}

export interface SpeakerStatus {
  readonly version: string
  readonly rack: string
  readonly as?: number
  readonly routerId?: string
  readonly state: 'Running' | 'Drained' | 'Leaving'
  readonly sessions: readonly SessionStatus[]
  /** Sessions wanted and established: the columns PEERS and UP. */
  readonly peers: number
  readonly up: number
  /** Prefixes announced to at least one router. */
  readonly prefixes: number
  readonly routes: { readonly wanted: number; readonly present: number; readonly repaired: number }
  /** At most 50; `exceptionsTotal` counts all. */
  readonly exceptions: readonly AnnouncementException[]
  readonly exceptionsTotal: number
}

/** Which speakers announce a node to one peer in one family. */
export interface ProxyAssignment {
  readonly peer: string
  readonly family: Family
  /** Names of the nodes whose speakers announce it, best first; at most two. */
  readonly speakers: readonly string[]
}

/** A node that does not speak for itself to some peer. */
export interface ProxiedNode {
  readonly node: string
  readonly addresses: readonly string[]
  readonly usable: boolean
  readonly reason?: ReasonCode
  readonly announcedBy: readonly ProxyAssignment[]
}

export interface RackStatus {
  readonly speakers: readonly {
    readonly node: string
    readonly alive: boolean
    readonly sessions: readonly { readonly peer: string; readonly established: boolean }[]
  }[]
  /** The columns SPEAKERS and PROXIED: a printer column cannot count a list. */
  readonly speakerCount: number
  readonly proxiedCount: number
  /** Established sessions of the rack's speakers: the column UP. */
  readonly up: number
  readonly proxied: readonly ProxiedNode[]
}

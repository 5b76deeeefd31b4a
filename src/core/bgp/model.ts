// What a caller says to and hears from the BGP engine. Nothing here knows why a route is announced.
import type { Family, Ip } from '../address/index.ts'

/** Milliseconds; an instant is on whatever clock the caller uses throughout. */
export type Millis = number

/** What a route carries beside its next hop. */
export interface RouteAttributes {
  /** MULTI_EXIT_DISC, RFC 4271 §5.1.4. */
  readonly med?: number
  /** LOCAL_PREF, RFC 4271 §5.1.5: sent to internal peers only, 100 when absent. */
  readonly localPref?: number
  /** RFC 1997, each as one 32-bit number. */
  readonly communities?: readonly number[]
  /** RFC 8092: global administrator and two local parts. */
  readonly largeCommunities?: readonly (readonly [number, number, number])[]
  /** How many times the own AS stands in AS_PATH beyond the one that eBGP demands. */
  readonly asPathPrepend?: number
}

/** One way to a prefix. */
export interface Path {
  /** RFC 7911 path identifier, > 0, stable for a next hop. */
  readonly id: number
  /** 'self': the session's local address, or for prefixes of the other family PeerSettings.otherFamilyAddress. */
  readonly nextHop: Ip | 'self'
  readonly attributes: RouteAttributes
}

export interface PeerSettings {
  /** Stable name of the peer, chosen by the caller. */
  readonly key: string
  readonly neighbor: Ip
  readonly remotePort: number
  readonly localAs: number
  readonly peerAs: number
  /** IPv4, never 0.0.0.0. */
  readonly routerId: Ip
  /** Address to dial from; the kernel's choice when absent. */
  readonly localAddress?: Ip
  /** Next hop 'self' for the family that the session does not run over; found on the session's interface when absent. */
  readonly otherFamilyAddress?: Ip
  /** Never dials. */
  readonly passive: boolean
  readonly adminDown: boolean
  /** 0 (no hold timer) or ≥ 3000; whole seconds go into the OPEN. */
  readonly holdTimeMs: number
  readonly keepaliveMs: number
  readonly connectRetryMs: number
  /** MinRouteAdvertisementInterval, RFC 4271 §9.2.1.1; 0 or absent: changes go out at once. */
  readonly minAdvertisementMs?: number
  /** TCP-MD5, RFC 2385; never logged. */
  readonly password?: string
  /** GTSM, RFC 5082: packets of the peer must have come over no more than `multihopTtl` (1) hops. */
  readonly ttlSecurity?: boolean
  readonly multihopTtl?: number
  readonly families: readonly Family[]
  /** Paths sent for a prefix, RFC 7911; 0 and 1: no ADD-PATH. */
  readonly addPathSendMax: number
  /** RFC 4724 as the restarting side, with RFC 8538 when `notification`. */
  readonly gracefulRestart?: { readonly restartTimeMs: number; readonly notification?: boolean }
}

export type SessionStateName = 'IDLE' | 'CONNECT' | 'ACTIVE' | 'OPENSENT' | 'OPENCONFIRM' | 'ESTABLISHED'

export interface MessageCounts {
  readonly open: number
  readonly update: number
  readonly notification: number
  readonly keepalive: number
  readonly refresh: number
  readonly total: number
  /** Prefixes withdrawn, not messages. */
  readonly withdrawPrefix: number
}

export interface SessionReport {
  readonly key: string
  readonly state: SessionStateName
  /** Wall clock, milliseconds: when the session last went into or out of ESTABLISHED, or was configured. */
  readonly since: number
  readonly localAddress?: Ip
  readonly remoteRouterId?: Ip
  /** Negotiated; empty while not ESTABLISHED. */
  readonly families: readonly Family[]
  /** Families in which several paths of a prefix may be sent. */
  readonly addPath: readonly Family[]
  /** IPv4 prefixes go out with our IPv6 address as their next hop (RFC 8950). */
  readonly extendedNextHop?: boolean
  readonly negotiatedHoldTimeMs?: number
  /** Last error in the words of the RFCs: "Cease/Administrative Reset received", "connection refused". */
  readonly lastError?: string
  /** How often the session left ESTABLISHED. */
  readonly flaps: number
  readonly prefixesWanted: number
  readonly prefixesSent: number
  /** Announced by the peer in this session; counted and dropped. */
  readonly prefixesReceived: number
  readonly messages: { readonly sent: MessageCounts; readonly received: MessageCounts }
  /** NOTIFICATIONs by registered name; `unregistered` stands for all that have none. */
  readonly notifications: { readonly sent: ReadonlyMap<string, number>; readonly received: ReadonlyMap<string, number> }
}

// What one speaker knows when it decides about an address: indexed, so that one address costs no look at the others.
import type { Family, Ip, Prefix } from '../address/index.ts'
import { isOlder, spans } from '../ipam/pools.ts'
import {
  type EndpointSlice,
  type Node,
  type ProxiedNode,
  type Reason,
  type Service,
  type TrafficPolicy,
  poolLabel,
} from '../model/index.ts'
import type { EipView } from './attributes.ts'

/** What is kept of a Service: thousands of them are, in every speaker. */
export interface AnnouncedService {
  readonly namespace: string
  readonly name: string
  readonly externalTrafficPolicy: TrafficPolicy
  /** As the status says. */
  readonly ingress: readonly Ip[]
  /** The Eip that its label names. */
  readonly eip: string | undefined
  /** Has a selector: its EndpointSlices carry its labels. Without one they are whoever's who wrote them. */
  readonly hasSelector: boolean
}

export function cutService({
  namespace,
  name,
  externalTrafficPolicy,
  ingress,
  labels,
  selector,
}: Service): AnnouncedService {
  const hasSelector = Object.keys(selector).length > 0
  return { namespace, name, externalTrafficPolicy, ingress, eip: labels[poolLabel], hasSelector }
}

/** A session that is up. */
export interface EstablishedSession {
  readonly families: readonly Family[]
  /** Families in which the router takes several paths of a prefix (RFC 7911). */
  readonly addPath: readonly Family[]
  /** Subnets of the session's link, of both families: what may be named as third-party next hop. */
  readonly subnets: readonly Prefix[]
  /** Families of which this node has an address on the session's link that it can name as next hop. */
  readonly ownNextHops: readonly Family[]
}

/** A BgpPeer that this node is to have a session with. */
export interface PeerView {
  readonly name: string
  /** As configured. */
  readonly families: readonly Family[]
  readonly addPathSendMax: number
  /** Undefined: not established. */
  readonly session: EstablishedSession | undefined
}

/** `tagged`: routes carry GRACEFUL_SHUTDOWN (RFC 8326), for a while, before they are withdrawn. */
export type DrainPhase = 'none' | 'tagged' | 'withdrawn'

export interface World {
  /** The own Node; undefined when it is gone. */
  readonly node: Node | undefined
  readonly drain: DrainPhase
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, AnnouncedService>
  /** Address → keys of the Services whose status has it. */
  readonly holders: ReadonlyMap<string, readonly string[]>
  /** Service key → its slices. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>
  readonly eips: ReadonlyMap<string, EipView>
  readonly peers: ReadonlyMap<string, PeerView>
  /** Why there are no peers, when there are none. */
  readonly noPeer: Reason | undefined
  /** Nodes of the rack that do not speak for themselves to some peer. */
  readonly proxied: readonly ProxiedNode[]
}

/** The Eip that an address belongs to: the one the Service names when it covers it, else the oldest that does. */
export function eipOf(address: Ip, eips: ReadonlyMap<string, EipView>, named: string | undefined): EipView | undefined {
  const asked = named === undefined ? undefined : eips.get(named)
  if (asked !== undefined && spans(asked.eip, address)) return asked
  let oldest: EipView | undefined
  for (const view of eips.values()) {
    if (spans(view.eip, address) && (oldest === undefined || isOlder(view.eip, oldest.eip))) oldest = view
  }
  return oldest
}

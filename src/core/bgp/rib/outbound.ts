import { type Family, type Ip, formatIp, ipToBytes } from '../../address/index.ts'
import { withGracefulShutdown } from '../graceful-shutdown.ts'
import type { Path, RouteAttributes } from '../model.ts'
import { type Negotiated, sendContext } from '../session/index.ts'
import {
  type AsPathSegment,
  type Attributes,
  type UpdateContext,
  Writer,
  segmentTypes,
  writeAttributes,
} from '../wire/index.ts'
import { attributesKey } from './path-interner.ts'

/** Attributes that routes share, encoded. */
export interface AttributeGroup {
  /** Equal for equal groups of one session. */
  readonly key: string
  readonly family: Family
  /** The path attributes; without MP_REACH_NLRI where the prefixes stand in one. */
  readonly attributes: Uint8Array
  /** Of 16 octets: the prefixes stand in MP_REACH_NLRI, IPv4 ones too (RFC 8950). */
  readonly nextHop: Uint8Array
}

/** A path as a session carries it. Equal routes of a session are one object, unless it has seen thousands of them. */
export interface Route {
  /** Path identifier; 0 without ADD-PATH. */
  readonly id: number
  /** Undefined: what the peer has is outdated, whatever it is. */
  readonly group: AttributeGroup | undefined
}

export interface OutboundSettings {
  readonly localAs: number
  readonly addPathSendMax: number
  readonly negotiated: Negotiated
  /** Next hop 'self' of a family; undefined: there is none, such paths are not sent. */
  readonly self: (family: Family) => Ip | undefined
  /** The session is about to end: routes carry GRACEFUL_SHUTDOWN and, within an AS, the least LOCAL_PREF (RFC 8326 §4). */
  readonly gracefulShutdown?: boolean
}

// More than a batch of nextUpdates: with attributes of its own for every prefix each set is still worked out once.
const mostRemembered = 16_384
const defaultLocalPref = 100
const none: readonly Route[] = []
// RFC 4271 §4.3: header, two lengths; a prefix with its identifier; MP_REACH_NLRI with a next hop.
const roomBesideAttributes = 23 + 21 + 4 + 5 + 32

/** What one session can carry of what is wanted. Made anew for each session and when the settings change. */
export class Outbound {
  readonly context: UpdateContext
  readonly families: readonly Family[]
  readonly maxMessageLength: number
  readonly #settings: OutboundSettings
  readonly #routes = {
    4: new Map<readonly Path[], readonly Route[]>(),
    6: new Map<readonly Path[], readonly Route[]>(),
  }
  readonly #groups = new Map<string, AttributeGroup>()
  readonly #routeOf = new Map<AttributeGroup, Map<number, Route>>()

  constructor(settings: OutboundSettings) {
    this.#settings = settings
    this.context = sendContext(settings.negotiated)
    this.families = settings.negotiated.families
    this.maxMessageLength = settings.negotiated.maxMessageLength
  }

  /** The routes to a prefix of `family`, in order of preference; the same array for the same array of paths. */
  routesOf(paths: readonly Path[], family: Family): readonly Route[] {
    const known = this.#routes[family].get(paths)
    if (known !== undefined) return known
    const routes = this.families.includes(family) ? this.#resolve(paths, family) : none
    if (this.#routes[family].size >= mostRemembered) this.#routes[family].clear()
    this.#routes[family].set(paths, routes)
    return routes
  }

  #resolve(paths: readonly Path[], family: Family): readonly Route[] {
    const withIds = this.context.addPath.includes(family)
    const routes: Route[] = []
    for (const path of withIds ? paths : ownFirst(paths)) {
      const nextHop = path.nextHop === 'self' ? this.#settings.self(family) : path.nextHop
      if (nextHop === undefined || !this.#canCarry(nextHop, family)) continue
      const group = this.#group(family, nextHop, path.attributes)
      if (group.attributes.length + roomBesideAttributes > this.maxMessageLength) continue
      routes.push(this.#route(withIds ? path.id : 0, group))
      if (routes.length >= (withIds ? this.#settings.addPathSendMax : 1)) break
    }
    return routes
  }

  #canCarry(nextHop: Ip, family: Family): boolean {
    return nextHop.family === family || (nextHop.family === 6 && this.#settings.negotiated.extendedNextHop)
  }

  #route(id: number, group: AttributeGroup): Route {
    let byId = this.#routeOf.get(group)
    if (byId === undefined) {
      byId = new Map()
      this.#routeOf.set(group, byId)
    }
    const known = byId.get(id)
    if (known !== undefined) return known
    const route = { id, group }
    byId.set(id, route)
    return route
  }

  #group(family: Family, nextHop: Ip, wanted: RouteAttributes): AttributeGroup {
    const attributes = this.#settings.gracefulShutdown === true ? withGracefulShutdown(wanted) : wanted
    const key = `${family} ${formatIp(nextHop)} ${attributesKey(attributes)}`
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const writer = new Writer()
    writeAttributes(writer, this.#attributes(nextHop, attributes), this.context)
    const group = { key, family, attributes: writer.finish(), nextHop: ipToBytes(nextHop) }
    if (this.#groups.size >= mostRemembered) {
      this.#groups.clear()
      this.#routeOf.clear()
    }
    this.#groups.set(key, group)
    return group
  }

  #attributes(nextHop: Ip, { med, localPref, communities, largeCommunities, asPathPrepend = 0 }: RouteAttributes) {
    const { external, fourOctetAs } = this.context
    const { localAs } = this.#settings
    // RFC 4271 §5.1.2: to an external peer with our AS in front; to an internal one empty.
    const asPath = external ? repeatedAs(localAs, 1 + asPathPrepend) : []
    const attributes: Attributes = {
      origin: 0,
      asPath,
      ...(nextHop.family === 4 ? { nextHop } : {}),
      ...(med === undefined ? {} : { med }),
      ...(external ? {} : { localPref: localPref ?? defaultLocalPref }),
      ...(communities === undefined || communities.length === 0 ? {} : { communities }),
      // RFC 6793 §4.2.2: what two octets cannot hold, for those behind the peer who can read it.
      ...(fourOctetAs || localAs <= 0xffff || asPath.length === 0 ? {} : { as4Path: asPath }),
      ...(largeCommunities === undefined || largeCommunities.length === 0 ? {} : { largeCommunities }),
    }
    return attributes
  }
}

// To a peer that takes one path: the way through ourselves, if there is one.
function ownFirst(paths: readonly Path[]): readonly Path[] {
  const own = paths.filter(({ nextHop }) => nextHop === 'self')
  return own.length === 0 ? paths : own
}

// RFC 4271 §4.3: at most 255 AS numbers in a segment.
function repeatedAs(as: number, times: number): readonly AsPathSegment[] {
  const segments: AsPathSegment[] = []
  for (let left = times; left > 0; left -= 255) {
    segments.push({ type: segmentTypes.sequence, asNumbers: Array.from({ length: Math.min(left, 255) }, () => as) })
  }
  return segments
}

export function sameRoute(a: Route, b: Route): boolean {
  return a.id === b.id && a.group !== undefined && (a.group === b.group || a.group.key === b.group?.key)
}

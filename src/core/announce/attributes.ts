// BGP attributes of a pool's routes: Eip.spec.bgp, read once per change of the Eip.
import { type RouteAttributes, gracefulShutdownCommunity, withGracefulShutdown } from '../bgp/index.ts'
import type { Eip } from '../model/index.ts'

/** An Eip with what its routes carry. */
export interface EipView {
  readonly eip: Eip
  readonly attributes: RouteAttributes
  /** The same while the node is being drained (RFC 8326). */
  readonly drainingAttributes: RouteAttributes
  /** Communities that could not be read; the rest is sent. */
  readonly malformed: readonly string[]
}

/** Registry "BGP Well-known Communities" of IANA, by the names that routers' configurations use. */
const wellKnown: Readonly<Record<string, number>> = {
  'graceful-shutdown': gracefulShutdownCommunity,
  'accept-own': 0xffff_0001,
  'llgr-stale': 0xffff_0006,
  'no-llgr': 0xffff_0007,
  blackhole: 0xffff_029a,
  'no-export': 0xffff_ff01,
  'no-advertise': 0xffff_ff02,
  'no-export-subconfed': 0xffff_ff03,
  'local-as': 0xffff_ff03,
  'no-peer': 0xffff_ff04,
}

/** For an address whose Eip is gone: announced with no attributes (design §3). */
export const noAttributes: RouteAttributes = {}
export const noAttributesDraining: RouteAttributes = withGracefulShutdown(noAttributes)

export function viewEip(eip: Eip): EipView {
  const communities = eip.bgp.communities.map((text) => ({ text, value: parseCommunity(text) }))
  const large = eip.bgp.largeCommunities.map((text) => ({ text, value: parseLargeCommunity(text) }))
  const { med, localPref, asPathPrepend } = eip.bgp
  const attributes: RouteAttributes = {
    ...(med === undefined ? {} : { med }),
    ...(localPref === undefined ? {} : { localPref }),
    ...(communities.length === 0 ? {} : { communities: present(communities) }),
    ...(large.length === 0 ? {} : { largeCommunities: present(large) }),
    ...(asPathPrepend > 0 ? { asPathPrepend } : {}),
  }
  return {
    eip,
    attributes,
    drainingAttributes: withGracefulShutdown(attributes),
    malformed: [...communities, ...large].flatMap(({ text, value }) => (value === undefined ? [text] : [])),
  }
}

/** `a:b` (RFC 1997), the number itself, or a well-known name; undefined when it is none of them. */
export function parseCommunity(text: string): number | undefined {
  const known = wellKnown[text.toLowerCase().replaceAll('_', '-')]
  if (known !== undefined) return known
  const parts = text.split(':').map(parseUnsigned)
  const [high, low] = parts
  if (parts.length === 1 && high !== undefined && high <= 0xffff_ffff) return high
  if (parts.length !== 2 || high === undefined || low === undefined || high > 0xffff || low > 0xffff) return undefined
  return high * 0x1_0000 + low
}

/** `a:b:c`, each 32 bits (RFC 8092). */
export function parseLargeCommunity(text: string): readonly [number, number, number] | undefined {
  const parts = text.split(':').map(parseUnsigned)
  const [global, first, second] = parts
  if (parts.length !== 3 || global === undefined || first === undefined || second === undefined) return undefined
  return Math.max(global, first, second) <= 0xffff_ffff ? [global, first, second] : undefined
}

function parseUnsigned(text: string): number | undefined {
  return /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined
}

function present<T>(items: readonly { readonly value: T | undefined }[]): readonly T[] {
  return items.flatMap(({ value }) => (value === undefined ? [] : [value]))
}

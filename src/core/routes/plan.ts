import { type Family, type Ip, type Prefix, formatIp, prefixContains } from '../address/index.ts'
import type { Reason } from '../model/index.ts'

/** Our table, and the protocol number that marks routes and rules as ours. */
export const hostTable = 196
export const hostProtocol = 196
/** Table `local` of the kernel. */
export const localTable = 255
/** Behind table `local` (0), before `main` (32766). */
export const rulePreference = 19600

/**
 * `local ADDRESS dev lo` with our protocol number; for IPv6 in our table `blackhole ADDRESS`: there the kernel would
 * let a daemon that listens on :: answer from an address that stands in any table (IPv4 asks table `local` alone).
 */
export interface HostRoute {
  readonly address: Ip
  readonly table: typeof hostTable | typeof localTable
}

/**
 * Rules of one family, with our protocol number, in the order of their preferences:
 *
 * - `passOwn`, 19599: `iif lo goto 19601`. What the node itself sends does not see our table: else it would take the
 *   address of the Service as its source, and answers to that would be martians.
 * - `protocol`, 19600: `ipproto P lookup 196`. Plain rules would have the kernel answer ARP for the addresses.
 * - `end`, 19601: `nop`, where passOwn goes.
 */
export type HostRule =
  | { readonly family: Family; readonly role: 'passOwn' | 'end' }
  | {
      readonly family: Family
      readonly role: 'protocol'
      /** IANA protocol number. */
      readonly ipProtocol: number
    }

export function preferenceOf({ role }: Pick<HostRule, 'role'>): number {
  return rulePreference + (role === 'passOwn' ? -1 : role === 'end' ? 1 : 0)
}

/** An address this node is next hop for. */
export interface HostAddress {
  readonly address: Ip
  /** The node itself is to answer there: the route goes to table `local`. */
  readonly hostAccess: boolean
}

const tcp = 6
const udp = 17
const sctp = 132
const icmp = 1
const icmpv6 = 58

/** Key of a route; one address may stand in both tables for the moment of a change. */
export function routeKey({ address, table }: HostRoute): string {
  return `${formatIp(address)} ${table}`
}

export function ruleKey(rule: HostRule): string {
  return `${rule.family} ${rule.role === 'protocol' ? rule.ipProtocol : rule.role}`
}

/**
 * The route of one address. hostAccess is refused for an address in a subnet of the node itself: in table `local` it
 * would make this node answer ARP for it, and every other next hop too.
 */
export function planRoute(
  { address, hostAccess }: HostAddress,
  ownSubnets: readonly Prefix[],
): { readonly route: HostRoute; readonly refused: Reason | undefined } {
  if (!hostAccess) return { route: { address, table: hostTable }, refused: undefined }
  const subnet = ownSubnets.find((prefix) => prefixContains(prefix, address))
  if (subnet === undefined) return { route: { address, table: localTable }, refused: undefined }
  const message = `${formatIp(address)} lies in a subnet of the node, where hostAccess would have every node answer ARP for it`
  return { route: { address, table: hostTable }, refused: { code: 'HostAccessRefused', message } }
}

/** All routes the kernel should have, by routeKey. */
export function planRoutes(
  addresses: Iterable<HostAddress>,
  ownSubnets: readonly Prefix[],
): ReadonlyMap<string, HostRoute> {
  const routes = new Map<string, HostRoute>()
  for (const address of addresses) {
    const { route } = planRoute(address, ownSubnets)
    routes.set(routeKey(route), route)
  }
  return routes
}

/**
 * Rules of the families that have a route in our table, in the order in which they are to be added: without a route, no
 * packet pays for the match.
 */
export function planRules(families: Iterable<Family>): ReadonlyMap<string, HostRule> {
  const rules: HostRule[] = []
  for (const family of families) {
    rules.push({ family, role: 'end' }, { family, role: 'passOwn' })
    for (const ipProtocol of [tcp, udp, sctp, family === 4 ? icmp : icmpv6]) {
      rules.push({ family, role: 'protocol', ipProtocol })
    }
  }
  return new Map(rules.map((rule) => [ruleKey(rule), rule]))
}

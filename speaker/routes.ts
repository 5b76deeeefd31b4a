// Wanted host routes → the kernel, in rounds (rounds.ts): the addresses that changed, or a resync of all.
//
// 1. A change of one address adds or removes its own route; a route that moves between tables is added before it is
//    removed.
// 2. At a resync all routes and rules of ours are read: what was removed by others is put back and counted, what is ours
//    and not wanted goes, what changed behind our back (a subnet of the node) is planned anew.
// 3. A route that exists and is not ours is left alone and reported.
// 4. An answer that says no, or did not come in time, leaves open what the kernel has: a resync follows soon.
//
// Nothing is removed before start(): a speaker that was restarted finds its routes and keeps them.
import { type Family, type Prefix, formatIp, formatPrefix } from '../src/core/address/index.ts'
import type { AnnouncementException, Reason } from '../src/core/model/index.ts'
import {
  type HostAddress,
  type HostRoute,
  type HostRule,
  differenceOf,
  hostTable,
  localTable,
  planRoute,
  planRules,
  routeKey,
  ruleKey,
} from '../src/core/routes/index.ts'
import type { Netlink, NetlinkError } from '../src/io/net/netlink.ts'
import type { Clock } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'
import { openRounds } from './rounds.ts'

export interface RoutesOptions {
  readonly netlink: Netlink
  readonly clock: Clock
  readonly log: Log
  /** Subnets of the node's interfaces, as they are now. */
  readonly ownSubnets: () => readonly Prefix[]
  /** Exceptions or counts changed. */
  readonly onChange: () => void
}

export interface RoutesState {
  readonly wanted: number
  readonly present: number
  /** Routes and rules of ours that others removed and that are back, since the start. */
  readonly repaired: number
}

export interface Routes {
  set(address: string, wanted: HostAddress | undefined): void
  /** Everything that is wanted has been set: from here on the kernel follows. */
  start(): void
  state(): RoutesState
  exceptions(): readonly AnnouncementException[]
  /** Resolves when nothing is left to do. */
  settled(): Promise<void>
  /** Leaves everything in place. */
  stop(): Promise<void>
}

const sameWarningMs = 60_000

export function openRoutes({ netlink, clock, log, ownSubnets, onChange }: RoutesOptions): Routes {
  const wanted = new Map<string, HostAddress>()
  const wantedOf: Record<Family, number> = { 4: 0, 6: 0 }
  const present = new Map<string, HostRoute>()
  let rules: ReadonlyMap<string, HostRule> = new Map()
  /** Keys of routes and rules that others removed and that are not back yet. */
  const lost = new Set<string>()
  const refused = new Map<string, Reason>()
  const foreign = new Set<string>()
  const warnedMs = new Map<string, number>()
  let subnets: readonly Prefix[] = []
  let repaired = 0
  let hasFailed = false
  /** The subnets for which all that is wanted has been planned and, as far as is known, is in place. */
  let quiet: string | undefined

  function fail(what: string, error: NetlinkError, about?: string): void {
    hasFailed = true
    const key = `${what} ${error.code}`
    const nowMs = clock.nowMs()
    if (nowMs - (warnedMs.get(key) ?? -sameWarningMs) < sameWarningMs) return
    warnedMs.set(key, nowMs)
    log.warn(what, { error, about })
  }

  function planned(text: string): HostRoute | undefined {
    const host = wanted.get(text)
    refused.delete(text)
    if (host === undefined) return undefined
    const { route, refused: reason } = planRoute(host, subnets)
    if (reason !== undefined) refused.set(text, reason)
    return route
  }

  async function apply(add: readonly HostRoute[], remove: readonly HostRoute[]): Promise<void> {
    const occupied: HostRoute[] = []
    // An address whose new route failed keeps the one it has.
    const waiting = new Set<string>()
    await Promise.all(
      add.map(async (route) => {
        const key = routeKey(route)
        const answer = await netlink.addRoute(route)
        if (answer.ok) {
          present.set(key, route)
          foreign.delete(formatIp(route.address))
          if (lost.delete(key)) repaired++
        } else if (answer.error.code === 'Exists') occupied.push(route)
        else {
          waiting.add(formatIp(route.address))
          fail('a host route could not be added', answer.error, formatIp(route.address))
        }
      }),
    )
    await Promise.all(
      remove.map(async (route) => {
        if (waiting.has(formatIp(route.address))) return
        const answer = await netlink.removeRoute(route)
        // Whatever the answer: what is not known to be there is asked for again, and never counted as a repair.
        present.delete(routeKey(route))
        if (answer.ok || answer.error.code === 'Missing') return
        fail('a host route could not be removed', answer.error, formatIp(route.address))
      }),
    )
    await judgeOccupied(occupied)
  }

  /** Routes that could not be added since something stands there: another's, or ours, which was not known of. */
  async function judgeOccupied(occupied: readonly HostRoute[]): Promise<void> {
    if (occupied.length === 0) return
    const listed = await netlink.routes()
    if (!listed.ok) return fail('the host routes could not be read', listed.error)
    const ours = new Set(listed.value.map(routeKey))
    for (const route of occupied) {
      const text = formatIp(route.address)
      if (ours.has(routeKey(route))) {
        present.set(routeKey(route), route)
        lost.delete(routeKey(route))
        foreign.delete(text)
      } else if (!foreign.has(text)) {
        foreign.add(text)
        log.warn('a route that is not ours stands where the host route belongs', { address: text })
      }
    }
  }

  async function applyTouched(addresses: ReadonlySet<string>): Promise<void> {
    const add: HostRoute[] = []
    const remove: HostRoute[] = []
    for (const text of addresses) {
      const route = planned(text)
      if (route === undefined) foreign.delete(text)
      else if (!present.has(routeKey(route))) add.push(route)
      for (const table of [hostTable, localTable] as const) {
        if (table === route?.table) continue
        lost.delete(`${text} ${table}`)
        const known = present.get(`${text} ${table}`)
        if (known !== undefined) remove.push(known)
      }
    }
    await applyRules(wantedRules(), rules, false)
    await apply(add, remove)
    if (hasFailed || lost.size + foreign.size > 0) quiet = undefined
  }

  function wantedRules(): ReadonlyMap<string, HostRule> {
    return planRules(([4, 6] as const).filter((family) => wantedOf[family] > 0))
  }

  async function applyRules(
    plan: ReadonlyMap<string, HostRule>,
    found: ReadonlyMap<string, HostRule>,
    removeToo: boolean,
  ): Promise<void> {
    const { add, remove } = differenceOf(plan, found)
    const now = new Map(found)
    // In order: what passOwn goes to must be there before it.
    for (const rule of add) {
      const key = ruleKey(rule)
      const answer = await netlink.addRule(rule)
      if (answer.ok) {
        now.set(key, rule)
        if (lost.delete(key)) repaired++
      } else if (answer.error.code === 'Exists') {
        // Ours, which was not known of (a rule of another protocol stands beside it): the next look will tell.
        hasFailed = true
        lost.delete(key)
      } else fail('a routing rule could not be added', answer.error, key)
    }
    for (const rule of removeToo ? remove : []) {
      const answer = await netlink.removeRule(rule)
      now.delete(ruleKey(rule))
      if (answer.ok || answer.error.code === 'Missing') continue
      fail('a routing rule could not be removed', answer.error, ruleKey(rule))
    }
    rules = now
  }

  async function resync(touched: ReadonlySet<string>): Promise<void> {
    const exact = await netlink.hasExactly(present)
    const listedRules = await netlink.rules()
    if (!exact.ok) return fail('the host routes could not be read', exact.error)
    if (!listedRules.ok) return fail('the routing rules could not be read', listedRules.error)
    subnets = ownSubnets()
    const foundRules = new Map(listedRules.value.map((rule) => [ruleKey(rule), rule]))
    const rulePlan = wantedRules()
    const hasRules = foundRules.size === rulePlan.size && [...rulePlan.keys()].every((key) => foundRules.has(key))
    const plannedFor = subnets.map(formatPrefix).join()
    if (exact.value && hasRules && plannedFor === quiet) return applyTouched(touched)
    quiet = undefined
    const listed = await netlink.routes()
    if (!listed.ok) return fail('the host routes could not be read', listed.error)
    const found = new Map(listed.value.map((route) => [routeKey(route), route]))
    const plan = new Map<string, HostRoute>()
    for (const text of wanted.keys()) {
      const route = planned(text)
      if (route === undefined) continue
      plan.set(routeKey(route), route)
      if (found.has(routeKey(route))) foreign.delete(text)
    }
    for (const text of foreign) if (!wanted.has(text)) foreign.delete(text)
    for (const text of refused.keys()) if (!wanted.has(text)) refused.delete(text)
    for (const key of present.keys()) if (!found.has(key)) lost.add(key)
    for (const key of rules.keys()) if (!foundRules.has(key)) lost.add(key)
    const isThere = (key: string): boolean => found.has(key) || foundRules.has(key)
    for (const key of lost) if (isThere(key) || !(plan.has(key) || rulePlan.has(key))) lost.delete(key)
    present.clear()
    for (const [key, route] of found) present.set(key, route)
    const before = repaired
    const { add, remove } = differenceOf(plan, found)
    await applyRules(rulePlan, foundRules, true)
    await apply(add, remove)
    if (!hasFailed && lost.size + foreign.size === 0) quiet = plannedFor
    if (repaired > before) {
      log.warn('host routes or rules were removed by others and have been put back', { count: repaired - before })
    }
  }

  /** One round; whether everything was done. */
  async function inRound(act: () => Promise<void>): Promise<boolean> {
    const before = summary()
    hasFailed = false
    await act()
    if (summary() !== before) onChange()
    return !hasFailed
  }

  function summary(): string {
    return JSON.stringify([present.size, repaired, [...refused.keys()], [...foreign]])
  }

  const rounds = openRounds({
    ...{ clock, log },
    resync: (addresses) => inRound(() => resync(addresses)),
    apply: (addresses) => inRound(() => applyTouched(addresses)),
  })

  return {
    set: (text, host) => {
      const before = wanted.get(text)
      if (before?.hostAccess === host?.hostAccess) return
      if (before !== undefined) wantedOf[before.address.family]--
      if (host !== undefined) wantedOf[host.address.family]++
      if (host === undefined) wanted.delete(text)
      else wanted.set(text, host)
      rounds.touch(text)
    },
    start: () => rounds.start(),
    state: () => ({ wanted: wanted.size, present: present.size, repaired }),
    exceptions: () => [
      ...[...refused].map(([address, { code, message }]) => ({ address, reason: code, message })),
      ...[...foreign].map((address) => ({
        address,
        reason: 'RouteForeign' as const,
        message: `a route for ${address} that is not Bellhop's stands where the host route belongs; it is left alone`,
      })),
    ],
    settled: () => rounds.settled(),
    stop: () => rounds.stop(),
  }
}

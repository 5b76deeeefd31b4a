// Wanted host routes → the kernel. One worker, one thing at a time: the addresses that changed, or a resync of all.
//
// 1. A change of one address adds or removes its own route; a route that moves between tables is added before it is
//    removed.
// 2. Every 15 s at most all routes and rules of ours are read: what was removed by others is put back and counted, what
//    is ours and not wanted goes, what changed behind our back (a subnet of the node) is planned anew.
// 3. A route that exists and is not ours is left alone and reported.
//
// Nothing is removed before start(): a speaker that was restarted finds its routes and keeps them.
import { type Family, type Prefix, formatIp } from '../src/core/address/index.ts'
import type { AnnouncementException, Reason } from '../src/core/model/index.ts'
import {
  type HostAddress,
  type HostRoute,
  type HostRule,
  differenceOf,
  hostTable,
  planRoute,
  planRules,
  routeKey,
  ruleKey,
} from '../src/core/routes/index.ts'
import type { Netlink, NetlinkAnswer, NetlinkError } from '../src/io/net/netlink.ts'
import type { Clock, Timer } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'

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
  /** Routes and rules of ours that others removed and that were put back, since the start. */
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

const resyncMs = 15_000
const sameWarningMs = 60_000

export function openRoutes({ netlink, clock, log, ownSubnets, onChange }: RoutesOptions): Routes {
  const wanted = new Map<string, HostAddress>()
  const present = new Map<string, HostRoute>()
  let rules: ReadonlyMap<string, HostRule> = new Map()
  const refused = new Map<string, Reason>()
  const foreign = new Set<string>()
  const warnedMs = new Map<string, number>()
  let subnets: readonly Prefix[] = []
  let repaired = 0
  let started = false
  let stopped = false
  let dirty = new Set<string>()
  let resyncDue = false
  let timer: Timer | undefined
  let running: Promise<void> | undefined

  function warn(what: string, error: NetlinkError, about?: string): void {
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

  /** Keys of routes that could not be added since something else stands there; they may be ours all the same. */
  async function apply(add: readonly HostRoute[], remove: readonly HostRoute[]): Promise<readonly HostRoute[]> {
    const occupied: HostRoute[] = []
    await Promise.all(
      add.map(async (route) => {
        const answer = await netlink.addRoute(route)
        if (answer.ok) {
          present.set(routeKey(route), route)
          foreign.delete(formatIp(route.address))
        } else if (answer.error.code === 'Exists') occupied.push(route)
        else warn('a host route could not be added', answer.error, formatIp(route.address))
      }),
    )
    await Promise.all(
      remove.map(async (route) => {
        const answer = await netlink.removeRoute(route)
        if (answer.ok || answer.error.code === 'Missing') present.delete(routeKey(route))
        else warn('a host route could not be removed', answer.error, formatIp(route.address))
      }),
    )
    return occupied
  }

  async function judgeOccupied(occupied: readonly HostRoute[]): Promise<void> {
    if (occupied.length === 0) return
    const listed = await netlink.routes()
    if (!listed.ok) return warn('the host routes could not be read', listed.error)
    const ours = new Set(listed.value.map(routeKey))
    for (const route of occupied) {
      const text = formatIp(route.address)
      if (ours.has(routeKey(route))) present.set(routeKey(route), route)
      else if (!foreign.has(text)) {
        foreign.add(text)
        log.warn('a route that is not ours stands where the host route belongs', { address: text })
      }
    }
  }

  async function applyDirty(addresses: ReadonlySet<string>): Promise<void> {
    const add: HostRoute[] = []
    const remove: HostRoute[] = []
    for (const text of addresses) {
      const route = planned(text)
      if (route === undefined) foreign.delete(text)
      else if (!present.has(routeKey(route))) add.push(route)
      for (const table of [hostTable, 255] as const) {
        const known = present.get(`${text} ${table}`)
        if (known !== undefined && known.table !== route?.table) remove.push(known)
      }
    }
    await applyRules(rules, false)
    await judgeOccupied(await apply(add, remove))
  }

  function wantedFamilies(): ReadonlySet<Family> {
    const families = new Set<Family>()
    for (const { address } of wanted.values()) {
      families.add(address.family)
      if (families.size === 2) break
    }
    return families
  }

  async function applyRules(found: ReadonlyMap<string, HostRule>, removeToo: boolean): Promise<void> {
    const { add, remove } = differenceOf(planRules(wantedFamilies()), found)
    const now = new Map(found)
    // In order: what passOwn goes to must be there before it.
    for (const rule of add) {
      const answer = await netlink.addRule(rule)
      if (answer.ok || answer.error.code === 'Exists') now.set(ruleKey(rule), rule)
      else warn('a routing rule could not be added', answer.error, ruleKey(rule))
    }
    for (const rule of removeToo ? remove : []) {
      const answer = await netlink.removeRule(rule)
      if (answer.ok || answer.error.code === 'Missing') now.delete(ruleKey(rule))
      else warn('a routing rule could not be removed', answer.error, ruleKey(rule))
    }
    rules = now
  }

  async function resync(): Promise<void> {
    const listed = await netlink.routes()
    const listedRules = await netlink.rules()
    if (!listed.ok) return warn('the host routes could not be read', listed.error)
    if (!listedRules.ok) return warn('the routing rules could not be read', listedRules.error)
    subnets = ownSubnets()
    const plan = new Map<string, HostRoute>()
    for (const text of wanted.keys()) {
      const route = planned(text)
      if (route !== undefined) plan.set(routeKey(route), route)
    }
    const found = new Map(listed.value.map((route) => [routeKey(route), route]))
    const foundRules = new Map(listedRules.value.map((rule) => [ruleKey(rule), rule]))
    const lost = [...present.keys()].filter((key) => plan.has(key) && !found.has(key)).length
    const lostRules = [...rules.keys()].filter((key) => !foundRules.has(key)).length
    if (lost + lostRules > 0) {
      repaired += lost + lostRules
      log.warn('host routes or rules were removed by others; putting them back', { routes: lost, rules: lostRules })
    }
    present.clear()
    for (const [key, route] of found) present.set(key, route)
    const { add, remove } = differenceOf(plan, found)
    await applyRules(foundRules, true)
    await judgeOccupied(await apply(add, remove))
  }

  async function work(): Promise<void> {
    for (;;) {
      if (stopped || !(resyncDue || dirty.size > 0)) return
      const before = summary()
      if (resyncDue) {
        resyncDue = false
        dirty = new Set()
        await resync()
        timer?.cancel()
        timer = clock.after(resyncMs, () => {
          resyncDue = true
          run()
        })
      } else {
        const addresses = dirty
        dirty = new Set()
        await applyDirty(addresses)
      }
      if (summary() !== before) onChange()
    }
  }

  function summary(): string {
    return JSON.stringify([present.size, repaired, [...refused.keys()], [...foreign]])
  }

  function run(): void {
    if (!started || stopped || running !== undefined) return
    running = work()
      .catch((error: unknown) => log.error('the host routes could not be applied', { error }))
      .finally(() => {
        running = undefined
        if (resyncDue || dirty.size > 0) run()
      })
  }

  return {
    set: (text, host) => {
      const before = wanted.get(text)
      if (before?.hostAccess === host?.hostAccess) return
      if (host === undefined) wanted.delete(text)
      else wanted.set(text, host)
      dirty.add(text)
      run()
    },
    start: () => {
      started = true
      resyncDue = true
      run()
    },
    state: () => ({ wanted: wanted.size, present: present.size, repaired }),
    exceptions: () => [
      ...[...refused].map(([address, { code, message }]) => ({ address, reason: code, message })),
      ...[...foreign].map((address) => ({
        address,
        reason: 'RouteForeign' as const,
        message: `a route for ${address} that is not Bellhop's stands where the host route belongs; it is left alone`,
      })),
    ],
    settled: async () => {
      for (;;) {
        if (running === undefined) return
        await running
      }
    },
    stop: async () => {
      stopped = true
      timer?.cancel()
      await running
    },
  }
}

/** Removes every route and rule of ours, and nothing else; says how many went. */
export async function removeAll(netlink: Netlink): Promise<NetlinkAnswer<{ routes: number; rules: number }>> {
  const routes = await netlink.routes()
  if (!routes.ok) return routes
  const rules = await netlink.rules()
  if (!rules.ok) return rules
  const answers = await Promise.all([
    ...routes.value.map((route) => netlink.removeRoute(route)),
    ...rules.value.map((rule) => netlink.removeRule(rule)),
  ])
  const failed = answers.find((answer) => !answer.ok && answer.error.code !== 'Missing')
  if (failed !== undefined && !failed.ok) return failed
  return { ok: true, value: { routes: routes.value.length, rules: rules.value.length } }
}

// Stand-ins for the BGP engine and the kernel, which remember what they were told.
import { formatIp, formatPrefix } from '../../../src/core/address/index.ts'
import type { PeerSettings, SessionReport } from '../../../src/core/bgp/index.ts'
import { type HostRoute, type HostRule, routeKey, ruleKey } from '../../../src/core/routes/index.ts'
import type { Bgp } from '../../../src/io/bgp/index.ts'
import type { Netlink, NetlinkAnswer } from '../../../src/io/net/netlink.ts'

export interface FakeBgp extends Bgp {
  /** `peer prefix` → next hops, as wanted now. */
  readonly wanted: ReadonlyMap<string, readonly string[]>
  /** Every call in order: `configure leaf1`, `paths leaf1 172.22.0.10/32 self`, `ready`, `close leave`. */
  readonly calls: readonly string[]
  readonly settings: () => readonly PeerSettings[]
  /** The session of a peer goes up, or down with an error. */
  turn(key: string, report: Partial<SessionReport>): void
}

const noMessages = { notification: 0, update: 0, open: 0, keepalive: 0, refresh: 0, total: 0, withdrawPrefix: 0 }

export function fakeBgp(onChange: (report: SessionReport) => void = () => {}): FakeBgp {
  const wanted = new Map<string, readonly string[]>()
  const calls: string[] = []
  const reports = new Map<string, SessionReport>()
  let settings: readonly PeerSettings[] = []
  return {
    wanted,
    calls,
    settings: () => settings,
    configure: (_listen, peers) => {
      settings = peers
      calls.push(`configure ${peers.map(({ key }) => key).join(' ')}`.trim())
      for (const key of reports.keys()) if (!peers.some((peer) => peer.key === key)) reports.delete(key)
      for (const { key } of peers) {
        if (reports.has(key)) continue
        reports.set(key, {
          ...{ key, state: 'CONNECT', since: 0, families: [], addPath: [], flaps: 0 },
          ...{
            prefixesWanted: 0,
            prefixesSent: 0,
            prefixesReceived: 0,
            messages: { sent: noMessages, received: noMessages },
            notifications: { sent: new Map(), received: new Map() },
          },
        })
      }
    },
    setPaths: (peer, prefix, paths) => {
      const hops = paths.map(({ nextHop }) => (nextHop === 'self' ? nextHop : formatIp(nextHop)))
      const tagged = paths.some(({ attributes }) => attributes.communities?.includes(0xffff_0000)) ? ' tagged' : ''
      calls.push(`paths ${peer} ${formatPrefix(prefix)} ${hops.join(' ')}${tagged}`.trim())
      if (paths.length === 0) wanted.delete(`${peer} ${formatPrefix(prefix)}`)
      else wanted.set(`${peer} ${formatPrefix(prefix)}`, hops)
    },
    ready: () => void calls.push('ready'),
    sessions: () => [...reports.values()],
    drained: async () => {},
    close: async (how) => void calls.push(`close ${how}`),
    turn: (key, fields) => {
      const before = reports.get(key)
      if (before === undefined) throw new Error(`no peer ${key}`)
      const report = { ...before, ...fields }
      reports.set(key, report)
      onChange(report)
    },
  }
}

export interface FakeNetlink extends Netlink {
  readonly routeTable: Map<string, HostRoute>
  readonly ruleTable: Map<string, HostRule>
  /** Keys of routes of others: adding one fails with Exists, and none of them is listed. */
  readonly foreign: Set<string>
  /** `add 172.22.0.10 196`, `remove …`, in order. */
  readonly changes: readonly string[]
}

export function fakeNetlink(): FakeNetlink {
  const routeTable = new Map<string, HostRoute>()
  const ruleTable = new Map<string, HostRule>()
  const foreign = new Set<string>()
  const changes: string[] = []
  const done: NetlinkAnswer<void> = { ok: true, value: undefined }
  const exists: NetlinkAnswer<void> = { ok: false, error: { code: 'Exists', message: 'EEXIST' } }
  const missing: NetlinkAnswer<void> = { ok: false, error: { code: 'Missing', message: 'ESRCH' } }
  function put<T>(table: Map<string, T>, key: string, item: T): NetlinkAnswer<void> {
    if (table.has(key) || foreign.has(key)) return exists
    table.set(key, item)
    changes.push(`add ${key}`)
    return done
  }
  function drop<T>(table: Map<string, T>, key: string): NetlinkAnswer<void> {
    if (!table.delete(key)) return missing
    changes.push(`remove ${key}`)
    return done
  }
  return {
    routeTable,
    ruleTable,
    foreign,
    changes,
    routes: async () => ({ ok: true, value: [...routeTable.values()] }),
    hasExactly: async (expected) => ({
      ok: true,
      value: expected.size === routeTable.size && [...routeTable.keys()].every((key) => expected.has(key)),
    }),
    addRoute: async (route) => put(routeTable, routeKey(route), route),
    removeRoute: async (route) => drop(routeTable, routeKey(route)),
    rules: async () => ({ ok: true, value: [...ruleTable.values()] }),
    addRule: async (rule) => put(ruleTable, ruleKey(rule), rule),
    removeRule: async (rule) => drop(ruleTable, ruleKey(rule)),
    close: () => {},
  }
}

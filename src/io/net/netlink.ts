// Kernel routes and rules of ours, through the one netlink library, which has traps (seen, not read):
//
// - It aborts the process when its receive buffer overflows: at 512 unanswered requests, and by multicast events while
//   the loop is busy. So at most 32 requests are in flight and no group is ever joined; changes by others are found by
//   asking again (resync).
// - An answer that arrives between the parts of a dump breaks the dump. So dumps have a socket of their own, one at a
//   time.
// - Dumps are not filtered by the kernel: what is not ours is dropped here.
import netlink, { type RtNetlinkSocket, type rt } from 'netlink'
import { type Family, hostPrefix, ipToBytes } from '../../core/address/index.ts'
import { type HostRoute, type HostRule, hostProtocol, hostTable, preferenceOf } from '../../core/routes/index.ts'
import { openRouteListing } from './route-listing.ts'

export type NetlinkErrorCode =
  /** EEXIST: ours or somebody else's. */
  | 'Exists'
  /** ESRCH, ENOENT: not there, or not ours. */
  | 'Missing'
  /** EPERM: NET_ADMIN is missing. */
  | 'Forbidden'
  /** EAFNOSUPPORT, EOPNOTSUPP: the kernel has no such family or feature. */
  | 'Unsupported'
  /** Anything else, an answer that did not come within 5 s included. */
  | 'Failed'

export interface NetlinkError {
  readonly code: NetlinkErrorCode
  readonly message: string
}

export type NetlinkAnswer<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: NetlinkError }

/** Touches nothing that does not carry our protocol number. Calls never reject. */
export interface Netlink {
  /** Ours, of both families. */
  routes(): Promise<NetlinkAnswer<readonly HostRoute[]>>
  /** Whether ours are just these, by routeKey: costs far less than to list them. */
  hasExactly(expected: ReadonlyMap<string, HostRoute>): Promise<NetlinkAnswer<boolean>>
  addRoute(route: HostRoute): Promise<NetlinkAnswer<void>>
  removeRoute(route: HostRoute): Promise<NetlinkAnswer<void>>
  /** Ours, of both families; a rule with our protocol number but of another form is none of them. */
  rules(): Promise<NetlinkAnswer<readonly HostRule[]>>
  addRule(rule: HostRule): Promise<NetlinkAnswer<void>>
  removeRule(rule: HostRule): Promise<NetlinkAnswer<void>>
  close(): void
}

// linux/netlink.h
const flagCreate = 0x400
const flagExclusive = 0x200
// linux/rtnetlink.h
const loopbackIndex = 1
// The library's type knows the named protocols only.
const unnamedProtocol: unknown = hostProtocol

const mostInFlight = 32
const timeoutMs = 5000

export function openNetlink(): Netlink {
  // 4 MB: a dump is read in pieces, but its next piece may come while the loop is busy.
  const options = { recvBufferSize: 4 * 1024 * 1024, sendBufferSize: 256 * 1024 }
  const changes = netlink.createRtNetlink(options)
  const dumps = netlink.createRtNetlink(options)
  // An 'error' event nobody listens to would end the process; the request that failed says what is wrong.
  for (const { socket } of [changes, dumps]) socket.on('error', () => {})
  const change = limitTo(mostInFlight)
  // Named, since the library would ask the kernel for it with each request.
  const plain = { timeout: timeoutMs, localPort: changes.socket.address().port }
  const exclusive = { ...plain, flags: flagCreate | flagExclusive }
  const dump = limitTo(1)
  const looks = new netlink.RawNetlinkSocket(netlink.Protocol.ROUTE, options)
  const listing = openRouteListing({ socket: looks, timeoutMs, typeOf })
  return {
    routes: () => dump(() => listing.look()),
    hasExactly: (expected) => dump(() => listing.hasExactly(expected)),
    addRoute: (route) =>
      change(async () => {
        const { data, attrs } = routeMessage(route)
        await changes.newRoute(data, attrs, exclusive)
      }),
    removeRoute: (route) =>
      change(async () => {
        const { data, attrs } = routeMessage(route)
        await changes.delRoute(data, attrs, plain)
      }),
    rules: () => dump(() => listRules(dumps)),
    addRule: (rule) =>
      change(async () => {
        const { data, attrs } = ruleMessage(rule)
        await changes.newRule(data, attrs, exclusive)
      }),
    removeRule: (rule) =>
      change(async () => {
        const { data, attrs } = ruleMessage(rule)
        await changes.delRule(data, attrs, plain)
      }),
    close: () => {
      changes.socket.close()
      dumps.socket.close()
      looks.close()
    },
  }
}

function numberOf(family: Family): number {
  return family === 4 ? 2 : 10
}

function routeMessage({ address, table }: HostRoute) {
  return {
    data: {
      family: numberOf(address.family),
      dstLen: hostPrefix(address).length,
      table,
      protocol: unnamedProtocol as rt.RouteProtocol,
      scope: netlink.rt.RouteScope.HOST,
      type: typeOf(address.family, table),
    },
    attrs: { dst: Buffer.from(ipToBytes(address)), oif: loopbackIndex },
  }
}

function typeOf(family: Family, table: HostRoute['table']): rt.RouteType {
  const { LOCAL, BLACKHOLE } = netlink.rt.RouteType
  return family === 6 && table === hostTable ? BLACKHOLE : LOCAL
}

function ruleMessage(rule: HostRule): { readonly data: rt.Rule; readonly attrs: rt.RuleAttrs } {
  const { toTbl, goto, nop } = netlink.rt.RuleAction
  const family = numberOf(rule.family)
  const attrs = { priority: preferenceOf(rule), protocol: hostProtocol }
  if (rule.role === 'protocol') {
    return { data: { family, action: toTbl, table: hostTable }, attrs: { ...attrs, ipProto: rule.ipProtocol } }
  }
  if (rule.role === 'end') return { data: { family, action: nop }, attrs }
  return { data: { family, action: goto }, attrs: { ...attrs, iifname: 'lo', goto: preferenceOf({ role: 'end' }) } }
}

async function listRules(socket: RtNetlinkSocket): Promise<readonly HostRule[]> {
  const found: HostRule[] = []
  for (const family of [4, 6] as const) {
    const rules = await socket.getRules({ family: numberOf(family) }, {}, { timeout: timeoutMs })
    for (const { data, attrs } of rules) {
      if (attrs.protocol !== hostProtocol) continue
      const isAt = (role: HostRule['role']): boolean => attrs.priority === preferenceOf({ role })
      const { ipProto } = attrs
      if (isAt('passOwn') && attrs.goto !== undefined) found.push({ family, role: 'passOwn' })
      else if (isAt('end') && attrs.goto === undefined) found.push({ family, role: 'end' })
      else if (isAt('protocol') && (attrs.table ?? data.table) === hostTable && ipProto !== undefined) {
        found.push({ family, role: 'protocol', ipProtocol: ipProto })
      }
    }
  }
  return found
}

// At most `most` calls at a time, the others in order; a rejection of the library becomes an answer.
function limitTo(most: number): <T>(call: () => Promise<T>) => Promise<NetlinkAnswer<T>> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (call) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return { ok: true, value: await call() }
    } catch (error) {
      return { ok: false, error: readError(error) }
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

// The library's errors are sentences that end in the name of the errno.
function readError(error: unknown): NetlinkError {
  const message = error instanceof Error ? error.message : String(error)
  if (message.includes('EEXIST')) return { code: 'Exists', message }
  if (message.includes('ESRCH') || message.includes('ENOENT')) return { code: 'Missing', message }
  if (message.includes('EPERM') || message.includes('EACCES')) return { code: 'Forbidden', message }
  if (message.includes('EAFNOSUPPORT') || message.includes('EOPNOTSUPP')) return { code: 'Unsupported', message }
  return { code: 'Failed', message }
}

import type { Family } from '../../address/index.ts'
import {
  type Nlri,
  type UpdateContext,
  Writer,
  afiOf,
  encodeUpdate,
  headerLength,
  messageTypes,
  nlriLength,
  unicast,
  writeNlri,
} from '../wire/index.ts'
import type { AdjRibOut, RibEntry } from './adj-rib-out.ts'
import type { AttributeGroup, Outbound, Route } from './outbound.ts'
import { sameRoute } from './outbound.ts'

export interface Packed {
  readonly bytes: Uint8Array
  /** Prefixes (with ADD-PATH: paths) in it. */
  readonly announced: number
  readonly withdrawn: number
}

/** Prefixes looked at in one go: what is wanted meanwhile, a withdrawal above all, waits for no more than these. */
const batchSize = 8192

/**
 * The UPDATEs that bring the peer from what it has to what is wanted, each made when it is asked for. Whoever takes one
 * sends it: the table counts it as sent. What is wanted while the iteration rests is taken up when it goes on.
 */
export function* nextUpdates(rib: AdjRibOut, outbound: Outbound): Generator<Packed, void, void> {
  const message = new UpdateMessage()
  while (rib.isDirty) {
    const plan = planBatch(rib, outbound)
    for (const family of outbound.families) yield* packWithdrawals(rib, outbound, message, plan.before[family], family)
    for (const [route, entries] of plan.announcements) yield* packRoute(rib, outbound, message, route, entries)
    for (const family of outbound.families) yield* packWithdrawals(rib, outbound, message, plan.after[family], family)
  }
}

interface Withdrawal {
  readonly entry: RibEntry
  readonly id: number
}

/**
 * What a batch of entries needs. An entry that has become dirty again when its turn comes is passed over: it will be
 * planned anew.
 */
interface Plan {
  readonly before: { readonly [F in Family]: Withdrawal[] }
  readonly announcements: Map<Route, RibEntry[]>
  readonly after: { readonly [F in Family]: Withdrawal[] }
}

const noRoutes: readonly Route[] = []

function planBatch(rib: AdjRibOut, outbound: Outbound): Plan {
  const plan: Plan = { before: { 4: [], 6: [] }, announcements: new Map(), after: { 4: [], 6: [] } }
  for (const entry of rib.takeDirty(batchSize)) {
    rib.dropIfEmpty(entry)
    planEntry(plan, outbound, entry)
  }
  return plan
}

function planEntry(plan: Plan, outbound: Outbound, entry: RibEntry): void {
  const { wanted, sent = noRoutes } = entry
  const { family } = entry.prefix.ip
  const routes = wanted === undefined ? noRoutes : outbound.routesOf(wanted, family)
  if (routes === sent) return
  let isAnnounced = false
  for (const route of routes) {
    if (hasRoute(sent, route)) continue
    const entries = plan.announcements.get(route)
    if (entries === undefined) plan.announcements.set(route, [entry])
    else entries.push(entry)
    isAnnounced = true
  }
  // A route of the same identifier is replaced, not withdrawn (RFC 7911 §3, RFC 4271 §3.1).
  for (const { id } of sent) {
    if (hasId(routes, id)) continue
    const list = isAnnounced ? plan.after : plan.before
    list[family].push({ entry, id })
  }
}

function hasRoute(routes: readonly Route[], route: Route): boolean {
  for (const other of routes) if (sameRoute(other, route)) return true
  return false
}

function hasId(routes: readonly Route[], id: number): boolean {
  for (const route of routes) if (route.id === id) return true
  return false
}

function* packRoute(
  rib: AdjRibOut,
  outbound: Outbound,
  message: UpdateMessage,
  route: Route,
  entries: readonly RibEntry[],
): Generator<Packed, void, void> {
  const { group, id: pathId } = route
  if (group === undefined) return
  const { context, maxMessageLength } = outbound
  const withPathId = context.addPath.includes(group.family)
  for (const entry of entries) {
    const { prefix, wanted } = entry
    if (entry.isDirty || wanted === undefined) continue
    if (message.count > 0 && message.length + nlriLength(prefix, withPathId) > maxMessageLength) {
      yield message.finishAnnouncement()
      // The pause may have been long.
      if (entry.isDirty) continue
    }
    if (message.count === 0) message.beginAnnouncement(group)
    message.add({ prefix, pathId }, withPathId)
    rib.markSent(entry, withRoute(entry.sent, route, outbound.routesOf(wanted, group.family)))
  }
  if (message.count > 0) yield message.finishAnnouncement()
}

// What the peer has once `route` is there too; the shared array of all wanted routes as soon as that is what it has.
function withRoute(sent: readonly Route[] | undefined, route: Route, wanted: readonly Route[]): readonly Route[] {
  if (wanted.length === 1 && (sent === undefined || route.id === 0)) return wanted
  const routes = [...(sent ?? noRoutes).filter(({ id }) => id !== route.id), route]
  const isComplete = routes.length === wanted.length && wanted.every((each) => hasRoute(routes, each))
  return isComplete ? wanted : routes
}

function* packWithdrawals(
  rib: AdjRibOut,
  outbound: Outbound,
  message: UpdateMessage,
  withdrawals: readonly Withdrawal[],
  family: Family,
): Generator<Packed, void, void> {
  const { context, maxMessageLength } = outbound
  const withPathId = context.addPath.includes(family)
  for (const { entry, id: pathId } of withdrawals) {
    const { prefix } = entry
    if (entry.isDirty || entry.sent === undefined) continue
    if (message.count > 0 && message.length + nlriLength(prefix, withPathId) > maxMessageLength) {
      yield message.finishWithdrawal()
      if (entry.isDirty) continue
    }
    if (message.count === 0) message.beginWithdrawal(family)
    message.add({ prefix, pathId }, withPathId)
    const { sent = noRoutes } = entry
    const left = sent.length === 1 ? noRoutes : sent.filter((route) => route.id !== pathId)
    rib.markSent(entry, left.length === 0 ? undefined : left)
  }
  if (message.count > 0) yield message.finishWithdrawal()
}

const optionalExtended = 0x90
const mpReachType = 14
const mpUnreachType = 15

/** An UPDATE (RFC 4271 §4.3) that is filled with prefixes of one kind; IPv6 ones inside an attribute (RFC 4760). */
class UpdateMessage {
  count = 0
  readonly #writer = new Writer(4096)
  /** Written behind the prefixes. */
  #tail: Uint8Array = new Uint8Array(0)
  /** Where lengths stand, and from where each counts. */
  #lengths: { readonly at: number; readonly countsTail: boolean }[] = []

  /** Of the message, were it finished now. */
  get length(): number {
    return this.#writer.length + this.#tail.length
  }

  beginAnnouncement(group: AttributeGroup): void {
    const writer = this.#begin()
    writer.u16(0)
    if (group.nextHop.length === 4) {
      writer.u16(group.attributes.length)
      writer.raw(group.attributes)
      return
    }
    this.#tail = group.attributes
    this.#lengthHere(true)
    this.#beginMp(mpReachType, group.family)
    writer.u8(group.nextHop.length)
    writer.raw(group.nextHop)
    writer.u8(0)
  }

  beginWithdrawal(family: Family): void {
    const writer = this.#begin()
    if (family === 4) {
      this.#tail = new Uint8Array(2)
      this.#lengthHere(false)
      return
    }
    writer.u16(0)
    this.#lengthHere(true)
    this.#beginMp(mpUnreachType, family)
  }

  add(nlri: Nlri, withPathId: boolean): void {
    writeNlri(this.#writer, nlri, withPathId)
    this.count++
  }

  finishAnnouncement(): Packed {
    return { announced: this.count, withdrawn: 0, bytes: this.#finish() }
  }

  finishWithdrawal(): Packed {
    return { announced: 0, withdrawn: this.count, bytes: this.#finish() }
  }

  // The bytes; the message is empty again.
  #finish(): Uint8Array {
    const end = this.#writer.length
    this.#writer.raw(this.#tail)
    for (const { at, countsTail } of this.#lengths) {
      this.#writer.setU16(at, (countsTail ? this.#writer.length : end) - at - 2)
    }
    this.#writer.setU16(16, this.#writer.length)
    this.count = 0
    return this.#writer.finish()
  }

  #begin(): Writer {
    const writer = this.#writer
    writer.length = 0
    for (let i = 0; i < 4; i++) writer.u32(0xffffffff)
    writer.u16(headerLength)
    writer.u8(messageTypes.update)
    this.#tail = new Uint8Array(0)
    this.#lengths = []
    return writer
  }

  #beginMp(type: number, family: Family): void {
    this.#writer.u8(optionalExtended)
    this.#writer.u8(type)
    this.#lengthHere(false)
    this.#writer.u16(afiOf(family))
    this.#writer.u8(unicast)
  }

  #lengthHere(countsTail: boolean): void {
    this.#lengths.push({ at: this.#writer.length, countsTail })
    this.#writer.u16(0)
  }
}

/** The End-of-RIB marker of a family, RFC 4724 §2. */
export function endOfRib(family: Family, context: UpdateContext): Uint8Array {
  const attributes = family === 4 ? {} : { mpUnreach: { afi: afiOf(family), safi: unicast, withdrawn: [] } }
  return encodeUpdate({ type: 'update', withdrawn: [], attributes, nlri: [] }, context)
}

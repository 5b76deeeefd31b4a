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
import type { AdjRibOut, Wanted } from './adj-rib-out.ts'
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
 * The UPDATEs that bring the peer from `sent` to `wanted`, each made when it is asked for. Whoever takes one sends it:
 * `rib.sent` counts it as sent. What is wanted while the iteration rests is taken up when it goes on.
 */
export function* nextUpdates(rib: AdjRibOut, outbound: Outbound): Generator<Packed, void, void> {
  while (rib.dirty.size > 0) {
    const plan = planBatch(rib, outbound)
    for (const family of outbound.families) yield* packWithdrawals(rib, outbound, plan.before[family], family)
    for (const [group, announcements] of plan.announcements) yield* packGroup(rib, outbound, group, announcements)
    for (const family of outbound.families) yield* packWithdrawals(rib, outbound, plan.after[family], family)
  }
}

interface Announcement {
  readonly key: string
  readonly wanted: Wanted
  readonly route: Route
}

interface Withdrawal {
  readonly key: string
  /** As it was when this was planned: when it has changed, the prefix is dirty again and this no longer holds. */
  readonly wanted: Wanted | undefined
  readonly id: number
}

interface Plan {
  readonly before: { readonly [F in Family]: Withdrawal[] }
  readonly announcements: Map<AttributeGroup, Announcement[]>
  readonly after: { readonly [F in Family]: Withdrawal[] }
}

const noRoutes: readonly Route[] = []

function planBatch(rib: AdjRibOut, outbound: Outbound): Plan {
  const plan: Plan = { before: { 4: [], 6: [] }, announcements: new Map(), after: { 4: [], 6: [] } }
  let left = batchSize
  for (const key of rib.dirty) {
    if (left-- === 0) break
    rib.dirty.delete(key)
    const wanted = rib.wanted.get(key)
    const sent = rib.sent.get(key)
    const { prefix } = wanted ?? sent ?? {}
    if (prefix !== undefined) planPrefix(plan, outbound, { key, wanted, family: prefix.ip.family, has: sent?.routes })
  }
  return plan
}

interface Difference {
  readonly key: string
  readonly wanted: Wanted | undefined
  readonly family: Family
  readonly has: readonly Route[] | undefined
}

function planPrefix(plan: Plan, outbound: Outbound, { key, wanted, family, has = noRoutes }: Difference): void {
  const routes = wanted === undefined ? noRoutes : outbound.routesOf(wanted.paths, family)
  let isAnnounced = false
  for (const route of routes) {
    if (wanted === undefined || route.group === undefined || has.some((other) => sameRoute(other, route))) continue
    const group = plan.announcements.get(route.group)
    if (group === undefined) plan.announcements.set(route.group, [{ key, wanted, route }])
    else group.push({ key, wanted, route })
    isAnnounced = true
  }
  // A route of the same identifier is replaced, not withdrawn (RFC 7911 §3, RFC 4271 §3.1).
  for (const { id } of has) {
    if (!routes.some((route) => route.id === id))
      plan[isAnnounced ? 'after' : 'before'][family].push({ key, wanted, id })
  }
}

function* packGroup(
  rib: AdjRibOut,
  outbound: Outbound,
  group: AttributeGroup,
  announcements: readonly Announcement[],
): Generator<Packed, void, void> {
  const { context, maxMessageLength } = outbound
  const withPathId = context.addPath.includes(group.family)
  const message = new UpdateMessage()
  for (const { key, wanted, route } of announcements) {
    if (rib.wanted.get(key) !== wanted) continue
    const { prefix } = wanted
    if (message.count > 0 && message.length + nlriLength(prefix, withPathId) > maxMessageLength) {
      yield { bytes: message.finish(), announced: message.count, withdrawn: 0 }
    }
    if (message.count === 0) message.beginAnnouncement(group)
    message.add({ prefix, pathId: route.id }, withPathId)
    const routes = outbound.routesOf(wanted.paths, group.family)
    rib.sent.set(key, { prefix, routes: withRoute(rib.sent.get(key)?.routes, route, routes) })
  }
  if (message.count > 0) yield { bytes: message.finish(), announced: message.count, withdrawn: 0 }
}

// What the peer has once `route` is there too; the shared array of all wanted routes as soon as that is what it has.
function withRoute(has: readonly Route[] = noRoutes, route: Route, wanted: readonly Route[]): readonly Route[] {
  const routes = [...has.filter(({ id }) => id !== route.id), route]
  const isComplete = routes.length === wanted.length && wanted.every((each) => routes.some((r) => sameRoute(r, each)))
  return isComplete ? wanted : routes
}

function* packWithdrawals(
  rib: AdjRibOut,
  outbound: Outbound,
  withdrawals: readonly Withdrawal[],
  family: Family,
): Generator<Packed, void, void> {
  const { context, maxMessageLength } = outbound
  const withPathId = context.addPath.includes(family)
  const message = new UpdateMessage()
  for (const { key, wanted, id } of withdrawals) {
    const sent = rib.sent.get(key)
    if (sent === undefined || rib.wanted.get(key) !== wanted) continue
    const { prefix } = sent
    if (message.count > 0 && message.length + nlriLength(prefix, withPathId) > maxMessageLength) {
      yield { bytes: message.finish(), announced: 0, withdrawn: message.count }
    }
    if (message.count === 0) message.beginWithdrawal(family)
    message.add({ prefix, pathId: id }, withPathId)
    const routes = sent.routes.filter((route) => route.id !== id)
    if (routes.length === 0) rib.sent.delete(key)
    else rib.sent.set(key, { prefix, routes })
  }
  if (message.count > 0) yield { bytes: message.finish(), announced: 0, withdrawn: message.count }
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
    if (group.family === 4) {
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

  /** The bytes; the message is empty again. */
  finish(): Uint8Array {
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

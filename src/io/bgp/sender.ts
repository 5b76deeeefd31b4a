import type { Family, Prefix } from '../../core/address/index.ts'
import type { Path } from '../../core/bgp/index.ts'
import { type AdjRibOut, type Outbound, type Packed, endOfRib, nextUpdates } from '../../core/bgp/rib/index.ts'
import type { Negotiated } from '../../core/bgp/session/index.ts'
import {
  type RouteRefresh,
  afiOf,
  encodeRouteRefresh,
  familyOf,
  refreshSubtypes,
  unicast,
} from '../../core/bgp/wire/index.ts'
import type { Clock, Timer } from '../process/clock.ts'
import type { Connection } from './connection.ts'
import type { Counts } from './counts.ts'

/** While changes keep coming they are gathered for so long. */
const gatherMs = 10

export interface SenderOptions {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly counts: Counts
  /** What is wanted is complete from the start. */
  readonly isReady: boolean
}

/** What of a connection the sender uses. */
export type Outlet = Pick<Connection, 'write' | 'together'>

/** RFC 7313: a refresh is framed by its begin and its end; with graceful restart not before the End-of-RIB (§4). */
export type RefreshTerms = Pick<Negotiated, 'enhancedRouteRefresh' | 'gracefulRestart'>

interface Transfer {
  readonly connection: Outlet
  outbound: Outbound
  readonly negotiated: RefreshTerms
  /** Families that the peer wants again; however often it asks, one answer. */
  readonly refresh: Set<Family>
  /** Owed once nothing is left to send: markers of families. */
  readonly endOfRib: Set<Family>
  readonly endOfRefresh: Set<Family>
  updates: Generator<Packed, void, void> | undefined
  isBlocked: boolean
  /** Written to the socket, not yet in the kernel. */
  inFlight: number
}

/** Sends one peer what its Adj-RIB-Out says, while there is a session. */
export class Sender {
  readonly rib: AdjRibOut
  readonly #clock: Clock
  readonly #random: () => number
  readonly #counts: Counts
  #transfer: Transfer | undefined
  #isReady: boolean
  #minAdvertisementMs = 0
  /** The last UPDATE with routes, and how long after it the next may follow. */
  #lastMs = Number.NEGATIVE_INFINITY
  #gapMs = gatherMs
  #planned: Timer | 'microtask' | undefined
  #waiting: (() => void)[] = []

  constructor(rib: AdjRibOut, { clock, random, counts, isReady }: SenderOptions) {
    this.rib = rib
    this.#clock = clock
    this.#random = random
    this.#counts = counts
    this.#isReady = isReady
  }

  /** MinRouteAdvertisementInterval, RFC 4271 §9.2.1.1; below 10 ms changes are gathered for these. Counts at once. */
  setInterval(minAdvertisementMs: number): void {
    if (minAdvertisementMs === this.#minAdvertisementMs) return
    this.#minAdvertisementMs = minAdvertisementMs
    this.#gapMs = this.#drawGap()
    if (this.#planned === undefined) return
    this.#cancelPlan()
    this.#plan()
  }

  setPaths(prefix: Prefix, paths: readonly Path[]): void {
    if (this.rib.setPaths(prefix, paths)) this.#plan()
  }

  withdrawAll(): void {
    this.rib.clear()
    this.#plan()
  }

  /** What is wanted is complete: the End-of-RIB that is owed may go out. */
  ready(): void {
    this.#isReady = true
    this.#plan()
  }

  /** A session is up: everything is sent. */
  begin(connection: Outlet, outbound: Outbound, negotiated: RefreshTerms): void {
    this.rib.forgetSent()
    // The interval is between UPDATEs to this peer: it has had none.
    this.#lastMs = Number.NEGATIVE_INFINITY
    this.#cancelPlan()
    this.#transfer = {
      connection,
      outbound,
      negotiated,
      refresh: new Set(),
      endOfRib: new Set(outbound.families),
      endOfRefresh: new Set(),
      updates: undefined,
      isBlocked: false,
      inFlight: 0,
    }
    this.#plan()
  }

  /** The session can carry something else from now on; what differs is sent. */
  change(outbound: Outbound): void {
    if (this.#transfer === undefined) return
    this.#transfer.outbound = outbound
    this.#transfer.updates = undefined
    this.rib.reconsiderAll()
    this.#plan()
  }

  /** The session is down: the peer has nothing. */
  end(): void {
    this.#transfer = undefined
    this.#cancelPlan()
    this.rib.forgetSent()
    this.#settle()
  }

  /** RFC 2918 §4; other subtypes than the request are between peers who send to us (RFC 7313 §4). */
  refresh({ afi, safi, subtype }: RouteRefresh): void {
    const family = familyOf(afi, safi)
    const transfer = this.#transfer
    if (transfer === undefined || family === undefined || subtype !== refreshSubtypes.request) return
    if (!transfer.outbound.families.includes(family)) return
    transfer.refresh.add(family)
    this.#plan()
  }

  /** The socket takes more again. */
  drain(): void {
    if (this.#transfer === undefined) return
    this.#transfer.isBlocked = false
    this.#flush()
  }

  /** Resolves when all is in the kernel that was wanted when it was called, or the session is down. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#flush()
      this.#settle()
    })
  }

  #plan(): void {
    if (this.#transfer === undefined || this.#planned !== undefined) return
    // A marker alone is no route: it need not wait.
    const hasRoutes = this.rib.isDirty || this.#transfer.refresh.size > 0
    const delayMs = hasRoutes ? this.#lastMs + this.#gapMs - this.#clock.nowMs() : 0
    if (delayMs > 0) {
      this.#planned = this.#clock.after(delayMs, () => this.#flush())
      return
    }
    // At once, but together with what else this turn of the program changes.
    this.#planned = 'microtask'
    queueMicrotask(() => {
      if (this.#planned === 'microtask') this.#flush()
    })
  }

  // RFC 4271 §10: jitter takes up to a quarter off.
  #drawGap(): number {
    return Math.max(gatherMs, this.#minAdvertisementMs * (0.75 + 0.25 * this.#random()))
  }

  #cancelPlan(): void {
    if (typeof this.#planned === 'object') this.#planned.cancel()
    this.#planned = undefined
  }

  #flush(): void {
    this.#cancelPlan()
    const transfer = this.#transfer
    if (transfer === undefined || transfer.isBlocked) return
    transfer.connection.together(() => {
      while (!transfer.isBlocked && this.#writeNext(transfer));
    })
    this.#settle()
  }

  // False: nothing is left to send.
  #writeNext(transfer: Transfer): boolean {
    this.#beginRefreshes(transfer)
    transfer.updates ??= nextUpdates(this.rib, transfer.outbound)
    const { value, done } = transfer.updates.next()
    if (done === true) {
      transfer.updates = undefined
      return this.rib.isDirty || this.#writeMarkers(transfer)
    }
    this.#lastMs = this.#clock.nowMs()
    this.#gapMs = this.#drawGap()
    this.#counts.add('update')
    this.#counts.addWithdrawn(value.withdrawn)
    this.#write(transfer, value.bytes)
    return true
  }

  #beginRefreshes(transfer: Transfer): void {
    for (const family of transfer.refresh) {
      const { enhancedRouteRefresh, gracefulRestart } = transfer.negotiated
      // RFC 7313 §4. What is still being sent answers the request meanwhile.
      if (enhancedRouteRefresh && gracefulRestart && transfer.endOfRib.has(family)) continue
      transfer.refresh.delete(family)
      if (enhancedRouteRefresh) {
        this.#writeRefreshMarker(transfer, family, refreshSubtypes.begin)
        transfer.endOfRefresh.add(family)
      }
      this.rib.refresh(family)
    }
  }

  // True: there is more to send.
  #writeMarkers(transfer: Transfer): boolean {
    for (const family of transfer.endOfRefresh) this.#writeRefreshMarker(transfer, family, refreshSubtypes.end)
    transfer.endOfRefresh.clear()
    if (!this.#isReady) return false
    for (const family of transfer.endOfRib) {
      this.#counts.add('update')
      this.#write(transfer, endOfRib(family, transfer.outbound.context))
    }
    transfer.endOfRib.clear()
    return transfer.refresh.size > 0
  }

  #writeRefreshMarker(transfer: Transfer, family: Family, subtype: number): void {
    this.#counts.add('routeRefresh')
    this.#write(transfer, encodeRouteRefresh({ type: 'routeRefresh', afi: afiOf(family), safi: unicast, subtype }))
  }

  #write(transfer: Transfer, bytes: Uint8Array): void {
    transfer.inFlight++
    const takesMore = transfer.connection.write(bytes, () => {
      transfer.inFlight--
      if (transfer === this.#transfer) this.#settle()
    })
    if (!takesMore) transfer.isBlocked = true
  }

  #settle(): void {
    const transfer = this.#transfer
    const isBusy = transfer !== undefined && (transfer.inFlight > 0 || transfer.isBlocked || this.rib.isDirty)
    if (isBusy || this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

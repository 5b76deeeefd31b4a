import { type Family, type Prefix, prefixKey } from '../../address/index.ts'
import type { Path } from '../model.ts'
import type { Route } from './outbound.ts'
import { PathInterner } from './path-interner.ts'

/** A prefix with its two columns: what the peer should have and what it has. */
export interface RibEntry {
  readonly key: number | string
  readonly prefix: Prefix
  /** In order of preference, never empty; undefined: the peer should have nothing. */
  wanted: readonly Path[] | undefined
  /** Never empty; undefined: the peer has nothing. Changed by nextUpdates alone. */
  sent: readonly Route[] | undefined
  /** The two may differ, and nobody has looked yet. */
  isDirty: boolean
}

/**
 * One peer's Adj-RIB-Out: maps of what is wanted and of what was sent, kept as one table. Its caller says what is
 * wanted, nextUpdates what was sent. A change touches one entry.
 */
export class AdjRibOut {
  readonly #entries = new Map<number | string, RibEntry>()
  readonly #interner: PathInterner
  #dirty: RibEntry[] = []
  #wantedCount = 0
  #sentCount = 0

  /** Peers that share an interner share the memory of equal paths. */
  constructor(interner: PathInterner = new PathInterner()) {
    this.#interner = interner
  }

  /** Prefixes that the peer should have. */
  get wantedCount(): number {
    return this.#wantedCount
  }

  /** Prefixes that the peer has. */
  get sentCount(): number {
    return this.#sentCount
  }

  /** There is something that nextUpdates has not looked at. */
  get isDirty(): boolean {
    return this.#dirty.length > 0
  }

  entries(): IterableIterator<RibEntry> {
    return this.#entries.values()
  }

  /** The paths that the peer should have to a prefix from now on; none: it is withdrawn. True when that is a change. */
  setPaths(prefix: Prefix, paths: readonly Path[]): boolean {
    const key = prefixKey(prefix)
    const entry = this.#entries.get(key)
    const wanted = paths.length === 0 ? undefined : this.#interner.intern(paths)
    if (wanted === entry?.wanted) return false
    if (entry !== undefined) {
      this.#want(entry, wanted)
      return true
    }
    const added: RibEntry = { key, prefix, wanted: undefined, sent: undefined, isDirty: false }
    this.#entries.set(key, added)
    this.#want(added, wanted)
    return true
  }

  /** Nothing is wanted any more. */
  clear(): void {
    for (const entry of this.#entries.values()) this.#want(entry, undefined)
  }

  /** A session begins or has ended: the peer has nothing of ours. */
  forgetSent(): void {
    for (const entry of this.#entries.values()) {
      entry.sent = undefined
      // With nothing wanted either, it goes when it is looked at.
      this.#touch(entry)
    }
    this.#sentCount = 0
  }

  /** What the session can carry has changed: every prefix is looked at again. */
  reconsiderAll(): void {
    for (const entry of this.#entries.values()) this.#touch(entry)
  }

  /** RFC 2918: every route of a family goes out again, as if it had another form before; nothing is withdrawn for it. */
  refresh(family: Family): void {
    const outdated = new Map<readonly Route[], readonly Route[]>()
    for (const entry of this.#entries.values()) {
      if (entry.sent === undefined || entry.prefix.ip.family !== family) continue
      let routes = outdated.get(entry.sent)
      if (routes === undefined) {
        routes = entry.sent.map(({ id }) => ({ id, group: undefined }))
        outdated.set(entry.sent, routes)
      }
      entry.sent = routes
      this.#touch(entry)
    }
  }

  /** For nextUpdates: up to `limit` entries to look at, dirty no more; the oldest changes first. */
  takeDirty(limit: number): readonly RibEntry[] {
    const taken = this.#dirty.length <= limit ? this.#dirty : this.#dirty.splice(0, limit)
    if (taken === this.#dirty) this.#dirty = []
    for (const entry of taken) entry.isDirty = false
    return taken
  }

  /** For nextUpdates: what the peer has of a prefix from now on. */
  markSent(entry: RibEntry, routes: readonly Route[] | undefined): void {
    if (entry.sent === undefined && routes !== undefined) this.#sentCount++
    if (entry.sent !== undefined && routes === undefined) this.#sentCount--
    entry.sent = routes
    if (routes === undefined && entry.wanted === undefined) this.#entries.delete(entry.key)
  }

  /** For nextUpdates: an entry with nothing wanted and nothing sent is of no use. */
  dropIfEmpty(entry: RibEntry): void {
    if (entry.wanted === undefined && entry.sent === undefined) this.#entries.delete(entry.key)
  }

  #want(entry: RibEntry, wanted: readonly Path[] | undefined): void {
    if (entry.wanted === undefined && wanted !== undefined) this.#wantedCount++
    if (entry.wanted !== undefined && wanted === undefined) this.#wantedCount--
    entry.wanted = wanted
    this.#touch(entry)
  }

  #touch(entry: RibEntry): void {
    if (entry.isDirty) return
    entry.isDirty = true
    this.#dirty.push(entry)
  }
}

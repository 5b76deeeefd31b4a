import { type Family, type Prefix, formatPrefix } from '../../address/index.ts'
import type { Path } from '../model.ts'
import type { Route } from './outbound.ts'
import { PathInterner } from './path-interner.ts'

export interface Wanted {
  readonly prefix: Prefix
  /** Never empty; in order of preference. */
  readonly paths: readonly Path[]
}

export interface Sent {
  readonly prefix: Prefix
  /** Never empty. */
  readonly routes: readonly Route[]
}

/** One peer's Adj-RIB-Out. Keys are canonical prefixes. Changed by the caller (wanted) and by nextUpdates (sent). */
export class AdjRibOut {
  readonly wanted = new Map<string, Wanted>()
  readonly sent = new Map<string, Sent>()
  /** Where the two may differ. */
  readonly dirty = new Set<string>()
  readonly #interner: PathInterner

  /** Peers that share an interner share the memory of equal paths. */
  constructor(interner: PathInterner = new PathInterner()) {
    this.#interner = interner
  }

  /** The paths that the peer should have to a prefix from now on; none: it is withdrawn. True when that is a change. */
  setPaths(prefix: Prefix, paths: readonly Path[]): boolean {
    const key = formatPrefix(prefix)
    const before = this.wanted.get(key)
    if (paths.length === 0) {
      if (before === undefined) return false
      this.wanted.delete(key)
    } else {
      const shared = this.#interner.intern(paths)
      if (before?.paths === shared) return false
      this.wanted.set(key, { prefix, paths: shared })
    }
    this.dirty.add(key)
    return true
  }

  /** Nothing is wanted any more. */
  clear(): void {
    for (const key of this.wanted.keys()) this.dirty.add(key)
    this.wanted.clear()
  }

  /** A session begins or has ended: the peer has nothing of ours. */
  forgetSent(): void {
    this.sent.clear()
    this.dirty.clear()
    this.reconsiderAll()
  }

  /** What the session can carry has changed: every prefix is looked at again. */
  reconsiderAll(): void {
    for (const key of this.wanted.keys()) this.dirty.add(key)
    for (const key of this.sent.keys()) this.dirty.add(key)
  }

  /** RFC 2918: every route of a family goes out again, as if it had another form before; nothing is withdrawn for it. */
  refresh(family: Family): void {
    const stale = new Map<readonly Route[], readonly Route[]>()
    for (const [key, { prefix, routes }] of this.sent) {
      if (prefix.ip.family !== family) continue
      let outdated = stale.get(routes)
      if (outdated === undefined) {
        outdated = routes.map(({ id }) => ({ id, group: undefined }))
        stale.set(routes, outdated)
      }
      this.sent.set(key, { prefix, routes: outdated })
      this.dirty.add(key)
    }
  }
}

// What a life of host routes needs of a kernel: our way to it, the acts of others, and a look at all there is. `model.ts`
// is one as a value; the tests of src/io/net/netlink.ts live the same lives in a real one.
import type { Family, Ip } from '../../../src/core/address/index.ts'
import type { HostRoute, HostRule } from '../../../src/core/routes/index.ts'
import type { Netlink } from '../../../src/io/net/netlink.ts'

/** A route of somebody else: `unreachable ADDRESS table TABLE proto static`. */
export interface ForeignRoute {
  readonly address: Ip
  readonly table: number
  /** 0 is where ours would stand in table 196 or 255; one with another metric stands beside it. */
  readonly metric: number
}

/** A rule of somebody else at our preference: `pref 19600 ipproto tcp lookup TABLE proto static`. */
export interface ForeignRule {
  readonly family: Family
  readonly table: number
}

export interface Snapshot {
  /** Keys of the routes and rules that carry our protocol number, sorted; each as often as it is there. */
  readonly ours: readonly string[]
  /** Everything else in words, sorted. */
  readonly foreign: readonly string[]
}

export interface Kernel {
  readonly netlink: Netlink
  /** Whether it is there now by this: not where the place is taken. */
  addForeign(route: ForeignRoute): boolean
  /** Nothing happens where there is none. */
  removeForeign(route: ForeignRoute): void
  addForeignRule(rule: ForeignRule): void
  removeForeignRule(rule: ForeignRule): void
  /** By hand; whether it was there. */
  removeOurRoute(route: HostRoute): boolean
  removeOurRule(rule: HostRule): boolean
  /** One of our form that we did not make in this life. */
  addStray(route: HostRoute): void
  snapshot(): Snapshot
}

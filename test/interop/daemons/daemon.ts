// What the three routing daemons have in common for a test: started with one peer, us, and asked what they have of it.
import { spawnSync } from 'node:child_process'

import type { Family } from '../../../src/core/address/index.ts'
import { type Network, type Program, addresses } from '../network.ts'

export interface RouterSettings {
  /** Its AS, 65002; and ours as it knows it, 65001. */
  readonly as?: number
  readonly peerAs?: number
  /** The family of the addresses that the session runs between; 4. */
  readonly over?: Family
  /** That of the session alone, when absent. */
  readonly families?: readonly Family[]
  /** It never dials. */
  readonly passive?: boolean
  /** Where it dials us, 179. */
  readonly port?: number
  readonly password?: string
  readonly ttlSecurity?: boolean
  /** It takes several paths of a prefix. */
  readonly addPaths?: boolean
  readonly gracefulRestart?: boolean
  /** IPv4 prefixes with IPv6 next hops, RFC 8950. */
  readonly extendedNextHop?: boolean
  /** Seconds; 9. */
  readonly holdTime?: number
  /** Its routes stand in the kernel of its namespace. */
  readonly forwards?: boolean
  /** It only speaks BGP: no routes in a kernel, where that takes time of its own. FRR. */
  readonly withoutKernel?: boolean
  /** Prefixes that it announces, with communities, large communities and MED. */
  readonly announces?: readonly string[]
}

/** One path as the daemon has it from us. */
export interface PathSeen {
  readonly nextHop: string
  /** Numbers with spaces between. */
  readonly asPath: string
  readonly med: number | undefined
  readonly localPref: number | undefined
  /** `65001:99`. */
  readonly communities: readonly string[]
  /** `65001:2:3`. */
  readonly largeCommunities: readonly string[]
  /** Kept from a session that has ended. */
  readonly stale: boolean
}

export interface Router {
  readonly settings: RouterSettings
  /** Paths to a prefix that came from us, in order of their next hops; none when it has none. */
  paths(prefix: string): Promise<readonly PathSeen[]>
  /** Paths of a family that it has from us. */
  count(family: Family): Promise<number>
  isUp(): Promise<boolean>
  /** All that it says of the session's errors, in its own words. */
  errors(): Promise<string>
  /** What it has printed. */
  readonly said: () => string
  /** Sends ROUTE-REFRESH for a family. */
  askAgain(family: Family): Promise<void>
  /** Ends the session by Cease/Administrative Reset or what it has for it. */
  reset(): Promise<void>
  setPassword(password: string): Promise<void>
  /** Ends the daemon; by default as a crash does. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

export type Feature = 'ask for a refresh' | 'forward' | 'tell of an OPEN refused'

export interface Daemon {
  readonly name: string
  /** As it says itself; empty when it is missing. */
  readonly version: string
  /** Why it cannot be started here. */
  readonly isMissing: string | false
  /** What it cannot do, and why. */
  readonly lacks: { readonly [F in Feature]?: string }
  /** Resolves when it takes commands. */
  start(network: Network, settings?: RouterSettings): Promise<Router>
}

/** What `--version` prints first; undefined: there is no such program. */
export function versionOf(command: string): string | undefined {
  const { error, stdout, stderr } = spawnSync(command, ['--version'], { encoding: 'utf8' })
  if (error !== undefined) return undefined
  return /\d+(?:\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown'
}

/** Ends of the session as the router sees it. */
export function sessionEnds({ over = 4 }: RouterSettings): { readonly local: string; readonly peer: string } {
  return over === 4
    ? { local: addresses.router, peer: addresses.engine }
    : { local: addresses.router6, peer: addresses.engine6 }
}

export function familiesOf({ over = 4, families = [over] }: RouterSettings): readonly Family[] {
  return families
}

export function familyOfText(address: string): Family {
  return address.includes(':') ? 6 : 4
}

/** What the program prints on either output from now on; the end of it. */
export function collectOutput({ process: child }: Program): () => string {
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => (said = (said + String(chunk)).slice(-50_000)))
  }
  return () => said
}

export function byNextHop(paths: readonly PathSeen[]): readonly PathSeen[] {
  return paths.toSorted((a, b) => a.nextHop.localeCompare(b.nextHop))
}

// Touched addresses → decisions → the difference to the engine and to the kernel. One change costs its own addresses
// and nothing else; what is gathered is decided at the end of the current turn of the event loop, thousands in many turns,
// so that the first is on the wire while the last is still to be decided.
import { type Announcement, type NotAnnounced, type World, decideAnnouncement } from '../src/core/announce/index.ts'
import { type Ip, formatIp, hostPrefix, parseIp, sameIp } from '../src/core/address/index.ts'
import type { HostAddress } from '../src/core/routes/index.ts'
import type { AnnouncementException, ReasonCode } from '../src/core/model/index.ts'
import type { Path } from '../src/core/bgp/index.ts'
import { PathInterner } from '../src/core/bgp/rib/index.ts'
import type { Bgp } from '../src/io/bgp/index.ts'

export interface AnnouncerOptions {
  readonly world: World
  readonly nodeName: string
  readonly bgp: Pick<Bgp, 'setPaths'>
  /** Undefined: the address has no host route. */
  readonly setHostAddress: (address: string, wanted: HostAddress | undefined) => void
  /** After a round that decided something. `exceptionsChanged`: an exception came, went or changed. */
  readonly onRound: (exceptionsChanged: boolean) => void
}

export interface Announcer {
  /** Undefined: all addresses. Decided soon, but not before start(). */
  touch(addresses: Iterable<string> | undefined): void
  /** Decides about everything now; from here on touches are acted on by themselves. */
  start(): void
  /** Decides about what was touched now instead of soon. */
  flush(): void
  /** The engine has forgotten a peer, or knows it anew: all of its paths are set again. */
  forgetPeer(peer: string): void
  /** Addresses with at least one path, of whatever peer. */
  announcedCount(): number
  /** Addresses that are not announced, by reason. */
  notAnnounced(): ReadonlyMap<ReasonCode, number>
  /** At most `most` of them, and how many there are. */
  exceptions(most: number): { readonly listed: readonly AnnouncementException[]; readonly total: number }
}

type Decision = Announcement | NotAnnounced

/**
 * Decided in one turn: few first, so that routers hear of them within a millisecond or two, then twice as many each turn,
 * up to some milliseconds' worth.
 */
const atOnce = { first: 25, most: 200 }

// By pool, traffic policy and peers: more than these are rare, and only cost some memory.
const mostCombinations = 64

export function openAnnouncer({ world, nodeName, bgp, setHostAddress, onRound }: AnnouncerOptions): Announcer {
  /** What the engine has been told: the paths of the decision, but to peers that are forgotten. */
  const known = new Map<string, Decision>()
  const forgotten = new Set<string>()
  const interner = new PathInterner()
  const combinations: PathsByPeer[] = []
  const withExceptions = new Set<string>()
  const reasonCounts = new Map<ReasonCode, number>()
  let announced = 0
  /** Touched by name; and what is left of all, after all were touched: those wait behind. */
  const named = new Set<string>()
  let sweep: Generator<string, undefined, undefined> | undefined
  let again = false
  let together = false
  let started = false
  let scheduled = false
  let most = atOnce.first

  function count(decision: Decision, by: 1 | -1): void {
    if (decision.kind === 'announced') announced += by
    else reasonCounts.set(decision.reason.code, (reasonCounts.get(decision.reason.code) ?? 0) + by)
  }

  /** True when the exceptions of the address changed. */
  function decide(text: string): boolean {
    const before = known.get(text)
    const isHeld = world.holders.has(text)
    if (!isHeld && before === undefined) return false
    const address = before?.address ?? ipOf(text, world)
    if (address === undefined) return false
    const prefix = hostPrefix(address)
    const decision = sameOr(before, sharePaths(decideAnnouncement(address, world, nodeName)))
    const told = pathsOf(before)
    const paths = pathsOf(decision)
    for (const [peer, wanted] of paths) {
      if (!forgotten.has(peer) && arePathsSame(told.get(peer) ?? [], wanted)) continue
      bgp.setPaths(peer, prefix, wanted)
    }
    for (const peer of told.keys()) {
      if (paths.has(peer) || forgotten.has(peer)) continue
      if (world.peers.has(peer)) bgp.setPaths(peer, prefix, [])
    }
    if (decision.host !== before?.host)
      setHostAddress(text, decision.host === undefined ? undefined : { address, ...decision.host })
    if (before !== undefined) count(before, -1)
    if (isHeld) {
      count(decision, 1)
      known.set(text, decision)
    } else known.delete(text)
    if (isHeld && decision.exceptions.length > 0) withExceptions.add(text)
    else withExceptions.delete(text)
    return !areExceptionsSame(before?.exceptions ?? [], isHeld ? decision.exceptions : [])
  }

  // The paths of one address, and who gets them, are those of thousands: kept once.
  function sharePaths(decision: Decision): Decision {
    if (decision.kind !== 'announced') return decision
    const paths = new Map([...decision.paths].map(([peer, each]) => [peer, interner.intern(each)]))
    const known = combinations.find((other) => arePathsIdentical(other, paths))
    if (known === undefined) combinations.unshift(paths)
    if (combinations.length > mostCombinations) combinations.pop()
    return { ...decision, paths: known ?? paths }
  }

  function flush(): void {
    work(new Set([...named, ...(again ? all() : (sweep ?? []))]))
    named.clear()
    sweep = undefined
    again = false
    together = false
    forgotten.clear()
  }

  // Not a list: to make one of ten thousand took longer than to decide about the first of them.
  function* all(): Generator<string, undefined, undefined> {
    yield* known.keys()
    for (const text of world.holders.keys()) if (!known.has(text)) yield text
  }

  // One that is under way goes on to its end first: begun anew with every touch, it might never come there.
  function sweepAll(): void {
    if (sweep === undefined) sweep = all()
    else again = true
  }

  function work(addresses: ReadonlySet<string>): void {
    if (addresses.size === 0) return
    let exceptionsChanged = false
    for (const text of addresses) if (decide(text)) exceptionsChanged = true
    onRound(exceptionsChanged)
  }

  function round(): void {
    scheduled = false
    if (together) return flush()
    const now = new Set<string>()
    for (const text of named) {
      if (now.size === most) break
      named.delete(text)
      now.add(text)
    }
    while (sweep !== undefined && now.size < most) {
      const { done, value } = sweep.next()
      if (done !== true) now.add(value)
      else {
        sweep = again ? all() : undefined
        again = false
      }
    }
    work(now)
    const isDone = named.size === 0 && sweep === undefined
    most = isDone ? atOnce.first : Math.min(2 * most, atOnce.most)
    if (!isDone) schedule()
  }

  function schedule(): void {
    if (!started || scheduled) return
    scheduled = true
    setImmediate(round)
  }

  return {
    touch: (addresses) => {
      if (addresses === undefined) sweepAll()
      else for (const address of addresses) named.add(address)
      schedule()
    },
    start: () => {
      started = true
      sweepAll()
      flush()
    },
    flush,
    forgetPeer: (peer) => {
      forgotten.add(peer)
      sweepAll()
      // End-of-RIB says that all has been sent: the engine must know all before the session can be up.
      together = true
      schedule()
    },
    announcedCount: () => announced,
    notAnnounced: () => new Map([...reasonCounts].filter(([, count]) => count > 0)),
    exceptions: (most) => {
      const listed: AnnouncementException[] = []
      let total = 0
      for (const text of [...withExceptions].toSorted()) {
        const exceptions = known.get(text)?.exceptions ?? []
        total += exceptions.length
        listed.push(...exceptions.slice(0, Math.max(0, most - listed.length)))
      }
      return { listed, total }
    },
  }
}

// The same object that the Service holds, so that it is kept once.
function ipOf(text: string, { holders, services }: World): Ip | undefined {
  for (const key of holders.get(text) ?? []) {
    const held = services.get(key)?.ingress.find((ip) => formatIp(ip) === text)
    if (held !== undefined) return held
  }
  return parseIp(text)
}

const noPaths: PathsByPeer = new Map()

function pathsOf(decision: Decision | undefined): PathsByPeer {
  return decision?.kind === 'announced' ? decision.paths : noPaths
}

function areExceptionsSame(a: readonly AnnouncementException[], b: readonly AnnouncementException[]): boolean {
  if (a.length === 0 && b.length === 0) return true
  return JSON.stringify(a) === JSON.stringify(b)
}

// What has not changed stays the same object: an old one that is replaced is the most expensive kind of garbage.
function sameOr(before: Decision | undefined, now: Decision): Decision {
  const isSame =
    before?.kind === 'announced' &&
    now.kind === 'announced' &&
    before.paths === now.paths &&
    before.host === now.host &&
    before.exceptions === now.exceptions
  return isSame ? before : now
}

type PathsByPeer = ReadonlyMap<string, readonly Path[]>

function arePathsIdentical(a: PathsByPeer, b: PathsByPeer): boolean {
  if (a.size !== b.size) return false
  for (const [peer, paths] of a) if (b.get(peer) !== paths) return false
  return true
}

// Attributes are one value per Eip (core/announce/attributes.ts), so identity tells whether they changed.
function arePathsSame(a: readonly Path[], b: readonly Path[]): boolean {
  if (a === b) return true
  return (
    a.length === b.length &&
    a.every((path, i) => {
      const other = b[i]
      return other !== undefined && path.id === other.id && path.attributes === other.attributes && sameHop(path, other)
    })
  )
}

function sameHop({ nextHop: a }: Path, { nextHop: b }: Path): boolean {
  return a === 'self' || b === 'self' ? a === b : sameIp(a, b)
}

// Which speakers are alive, and up to when each has seen the Services: from their Leases.
//
// Clocks of two machines are never compared. A speaker is alive while its Lease keeps changing, as seen here, on our
// monotonic clock; and "current up to", which it writes by its own clock, is carried over to ours by its age at the
// renewal: a renewal that says "current up to two seconds ago" and is seen now speaks of two seconds before now.
//
// Silence counts only while we can hear. With the API server away no Lease changes, and that says nothing of speakers: who
// took them for dead would, on its return, take the routes away that they announce for others.
import { type KubeObjectLike, currentUpToAnnotation, readMetadata, stringAt } from '../src/core/model/index.ts'
import type { Clock, Timer } from '../src/io/process/clock.ts'

/** A speaker's Lease as it stands. */
export interface SpeakerLease {
  readonly node: string
  readonly resourceVersion: string
  /** Empty: given up in good order. */
  readonly holder: string
  /** How old the speaker's view was when it renewed, by its own clock; undefined: it has not said yet. */
  readonly viewAgeMs: number | undefined
}

export interface Presence {
  readonly alive: boolean
  /** On our wall clock. */
  readonly currentUpToMs: number | undefined
  /** Our wall time at which the last renewal was seen. */
  readonly renewedMs: number
}

const leasePrefix = 'speaker-'

/** Renewed every 10 s; so three may be lost. */
export const aliveMs = 40_000

/**
 * The leader renews its Lease every 2 s beside those of the speakers, and bookmarks come besides: when none of that has
 * come for so long, we hear nothing.
 */
const deafMs = 15_000
const listenEveryMs = 5_000

/** Undefined: not the Lease of a speaker. */
export function readSpeakerLease(object: KubeObjectLike): SpeakerLease | undefined {
  const { name, resourceVersion, annotations } = readMetadata(object)
  if (!name.startsWith(leasePrefix)) return undefined
  const renewedMs = Date.parse(stringAt(object, 'spec', 'renewTime') ?? '')
  const currentUpToMs = Date.parse(annotations[currentUpToAnnotation] ?? '')
  const ageMs = renewedMs - currentUpToMs
  return {
    node: name.slice(leasePrefix.length),
    resourceVersion,
    holder: stringAt(object, 'spec', 'holderIdentity') ?? '',
    viewAgeMs: Number.isFinite(ageMs) ? Math.max(0, ageMs) : undefined,
  }
}

export interface PresenceBook {
  see(lease: SpeakerLease | undefined, node: string): void
  of(node: string): Presence | undefined
  /** Every speaker that has a Lease, by node. */
  entries(): Iterable<readonly [string, Presence]>
  stop(): void
}

interface Entry {
  readonly presence: Presence
  /** On our monotonic clock. */
  readonly renewedMs: number
  readonly end: Timer | undefined
}

/**
 * `onChange` is told of every renewal, and once when a speaker is alive no longer. `heardMs` moves whenever something of
 * the Leases comes in (see Reflector.currentUpToMs).
 */
export function openPresenceBook(
  clock: Clock,
  onChange: (node: string, before: Presence | undefined, after: Presence | undefined) => void,
  heardMs: () => number | undefined,
): PresenceBook {
  const entries = new Map<string, Entry>()
  let heard: number | undefined
  let lastHeardMs = clock.nowMs()
  /** When we could hear again, after a while in which we could not. */
  let hearingSinceMs = Number.NEGATIVE_INFINITY
  let timer = clock.after(listenEveryMs, listenOn)

  function listenOn(): void {
    listen()
    timer = clock.after(listenEveryMs, listenOn)
  }

  function listen(): void {
    const now = heardMs()
    if (now === heard) return
    const nowMs = clock.nowMs()
    if (nowMs - lastHeardMs > deafMs) hearingSinceMs = nowMs
    heard = now
    lastHeardMs = nowMs
  }

  function put(node: string, presence: Presence | undefined): void {
    const before = entries.get(node)
    before?.end?.cancel()
    if (presence === undefined) entries.delete(node)
    else {
      const end = presence.alive ? clock.after(aliveMs, () => judge(node)) : undefined
      entries.set(node, { presence, renewedMs: clock.nowMs(), end })
    }
    onChange(node, before?.presence, presence)
  }

  function judge(node: string): void {
    const entry = entries.get(node)
    if (entry === undefined) return
    listen()
    const nowMs = clock.nowMs()
    const isDeaf = nowMs - lastHeardMs > deafMs
    const restMs = Math.max(entry.renewedMs, hearingSinceMs) + aliveMs - nowMs
    if (!isDeaf && restMs <= 0) return put(node, { ...entry.presence, alive: false })
    const end = clock.after(isDeaf ? listenEveryMs : restMs, () => judge(node))
    entries.set(node, { ...entry, end })
  }

  return {
    see(lease, node) {
      if (lease === undefined) return put(node, undefined)
      const renewedMs = clock.wallMs()
      const known = entries.get(node)?.presence.currentUpToMs
      const told = lease.viewAgeMs === undefined ? undefined : renewedMs - lease.viewAgeMs
      // Never backwards: the age is rounded to milliseconds and the way of a renewal takes now more, now less.
      const currentUpToMs = told === undefined || known === undefined ? told : Math.max(told, known)
      put(node, { alive: lease.holder !== '', currentUpToMs, renewedMs })
    },
    of: (node) => entries.get(node)?.presence,
    *entries() {
      for (const [node, { presence }] of entries) yield [node, presence] as const
    },
    stop() {
      timer.cancel()
      for (const { end } of entries.values()) end?.cancel()
    },
  }
}

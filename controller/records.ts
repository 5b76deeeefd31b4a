// The EipAllocations as this replica knows them: what its watch has shown and, ahead of that, what its own writes did,
// so that two plans in a row neither try the same address nor believe in one that was just given back. Also how long
// each is known and since when each is released: a Held record ends by age, a Cooling one when the speakers have seen it.
import { TakenIndex } from '../src/core/ipam/index.ts'
import { type Allocation, readAllocation } from '../src/core/model/index.ts'
import { type KubeClient, type Reflector, eipAllocations, openReflector } from '../src/io/kube/index.ts'
import type { Clock, Timer } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'
import { isOlderVersion } from './versions.ts'

export interface Records {
  readonly taken: TakenIndex
  readonly reflector: Reflector<Allocation>
  /** For how long it has been known here, on our monotonic clock. */
  ageMs(name: string): number
  /** A Service that it names was seen. */
  noteBound(name: string): void
  wasBound(name: string): boolean
  /** Notes the release of an address at a time of our wall clock; the first of several counts. */
  noteRelease(name: string, wallMs: number): void
  /** It is held again. */
  forgetRelease(name: string): void
  /** Undefined: not released, as far as noted. */
  releasedMs(name: string): number | undefined
  /** Names and times of all that are released. */
  released(): Iterable<readonly [string, number]>
  /** Written by us, ahead of the watch. */
  learn(record: Allocation): void
  /** Deleted by us, ahead of the watch. */
  forget(name: string): void
  stop(): Promise<void>
}

// A watch that has not confirmed our own write by then is being set up anew, and its list will tell.
const confirmWithinMs = 30_000

/** `onChange` is told what the index held before and holds now, whoever brought the news. */
export function openRecords(
  client: KubeClient,
  clock: Clock,
  log: Log,
  onChange: (name: string, before: Allocation | undefined, after: Allocation | undefined) => void,
): Records {
  const taken = new TakenIndex()
  const seenMs = new Map<string, number>()
  const bound = new Set<string>()
  const releases = new Map<string, number>()
  const unconfirmed = new Map<string, Timer>()

  function put(name: string, after: Allocation | undefined): void {
    unconfirmed.get(name)?.cancel()
    unconfirmed.delete(name)
    const before = taken.get(name)
    if (after === undefined) {
      taken.remove(name)
      seenMs.delete(name)
      bound.delete(name)
      releases.delete(name)
    } else {
      taken.put(after)
      if (before?.uid !== after.uid) {
        seenMs.set(name, clock.nowMs())
        bound.delete(name)
        releases.delete(name)
      }
    }
    if (before !== undefined || after !== undefined) onChange(name, before, after)
  }

  function expectConfirmation(name: string): void {
    const check = clock.after(confirmWithinMs, () => put(name, reflector.store.get(name)))
    unconfirmed.set(name, check)
  }

  const reflector = openReflector<Allocation>(client, {
    resource: eipAllocations,
    read: readAllocation,
    onChange: (name, _before, after) => {
      const known = taken.get(name)
      // An event that our own write has overtaken.
      if (
        after !== undefined &&
        known?.uid === after.uid &&
        isOlderVersion(after.resourceVersion, known.resourceVersion)
      )
        return
      put(name, after)
    },
    clock,
    log,
  })
  return {
    taken,
    reflector,
    ageMs: (name) => clock.nowMs() - (seenMs.get(name) ?? clock.nowMs()),
    noteBound: (name) => void bound.add(name),
    wasBound: (name) => bound.has(name),
    noteRelease(name, wallMs) {
      if (!releases.has(name)) releases.set(name, wallMs)
    },
    forgetRelease: (name) => void releases.delete(name),
    releasedMs: (name) => releases.get(name),
    released: () => releases.entries(),
    learn(record) {
      // The watch was faster, and may even be further.
      const seen = reflector.store.get(record.name)
      if (seen !== undefined && !isOlderVersion(seen.resourceVersion, record.resourceVersion)) return
      put(record.name, record)
      expectConfirmation(record.name)
    },
    forget(name) {
      if (taken.get(name) === undefined) return
      put(name, undefined)
      expectConfirmation(name)
    },
    async stop() {
      for (const timer of unconfirmed.values()) timer.cancel()
      await reflector.stop()
    },
  }
}

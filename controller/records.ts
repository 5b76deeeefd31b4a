// The EipAllocations as this replica knows them, with what is not stored in them because it can be told from watching:
// how long each is known, whether its Service was seen, and since when it is released. A Held record ends by age, a
// Cooling one when the speakers have seen the release.
import type { Allocation } from '../src/core/model/index.ts'
import type { KubeClient } from '../src/io/kube/index.ts'
import { type Allocations, openAllocations } from '../src/io/pools/index.ts'
import type { Clock } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'

export interface Records extends Allocations {
  /** For how long it has been known here, on our monotonic clock. */
  ageMs(name: string): number
  /** A Service with this claim was seen; another one of the same name says nothing about the claim. */
  noteBound(name: string, claim: string): void
  wasBound(name: string, claim: string): boolean
  /** Notes the release of an address at a time of our wall clock; the first of several counts. */
  noteRelease(name: string, wallMs: number): void
  /** It is held again. */
  forgetRelease(name: string): void
  /** Undefined: not released, as far as noted. */
  releasedMs(name: string): number | undefined
  /** Names and times of all that are released. */
  released(): Iterable<readonly [string, number]>
}

/** `onChange` is told what the index held before and holds now, whoever brought the news. */
export function openRecords(
  client: KubeClient,
  clock: Clock,
  log: Log,
  onChange: (name: string, before: Allocation | undefined, after: Allocation | undefined) => void,
): Records {
  const seenMs = new Map<string, number>()
  /** Claims by the name of the record. */
  const bound = new Map<string, Set<string>>()
  const releases = new Map<string, number>()

  const allocations = openAllocations({
    client,
    clock,
    log,
    onChange: (name, before, after) => {
      if (before?.uid !== after?.uid) {
        seenMs.delete(name)
        bound.delete(name)
        releases.delete(name)
        if (after !== undefined) seenMs.set(name, clock.nowMs())
      }
      onChange(name, before, after)
    },
  })
  return {
    ...allocations,
    ageMs: (name) => clock.nowMs() - (seenMs.get(name) ?? clock.nowMs()),
    noteBound: (name, claim) => void bound.set(name, (bound.get(name) ?? new Set()).add(claim)),
    wasBound: (name, claim) => bound.get(name)?.has(claim) ?? false,
    noteRelease(name, wallMs) {
      if (!releases.has(name)) releases.set(name, wallMs)
    },
    forgetRelease: (name) => void releases.delete(name),
    releasedMs: (name) => releases.get(name),
    released: () => releases.entries(),
  }
}

// How long a verdict other than "yes" must stand before it is written (docs/adr/0009): most are put right by themselves,
// and each is a write as dear as an address.
import type { Condition } from '../src/core/model/index.ts'
import type { Clock } from '../src/io/process/clock.ts'

/** The last way of a few Services is gone: told within 2 s, the way of the news included. */
const lostMs = 500
const fewServices = 100
/** One that has turned in the last minute may be flapping. */
const steadyMs = 60_000
export const settleMs = 3_000
/** What will most likely be put right without anybody's doing. */
const settleBehindMs = 10_000
/** The EndpointSlice controller writes 20 a second by default, and many hundreds of Services may be before this one. */
const settleLateMs = 30_000

export interface Verdict {
  readonly key: string
  readonly condition: Condition
  /** What the Service says now. */
  readonly stored: Condition | undefined
  /** It may have endpoints that nobody has looked for yet. */
  readonly looksForEndpoints: boolean
}

export interface Settling {
  /** Milliseconds until the verdict may be written if it still stands then; 0: now. */
  waitMs(verdict: Verdict): number
  /** There is nothing to write for that Service. */
  settled(key: string): void
  /** Its verdict is being written. */
  turned(key: string): void
}

export function openSettling(clock: Clock, isRushOn: () => boolean): Settling {
  /** Verdicts that are not written yet, and since when they stand. */
  const unsettled = new Map<string, { readonly condition: Condition; readonly sinceMs: number }>()
  /** In the order of the times. */
  const turnedMs = new Map<string, number>()

  function hasTurnedLately(key: string): boolean {
    for (const [old, atMs] of turnedMs) {
      if (clock.nowMs() - atMs < steadyMs) break
      turnedMs.delete(old)
    }
    return turnedMs.has(key)
  }

  function standsMs({ key, condition: { reason }, stored, looksForEndpoints }: Verdict): number {
    if (isRushOn() || (reason === 'NoReadyEndpoint' && looksForEndpoints)) return settleLateMs
    if (reason === 'SpeakersBehind') return settleBehindMs
    const isLost = stored?.status === 'True' && unsettled.size <= fewServices && !hasTurnedLately(key)
    return isLost ? lostMs : settleMs
  }

  return {
    waitMs(verdict) {
      const { key, condition } = verdict
      const known = unsettled.get(key)
      const isNew = known?.condition.status !== condition.status || known.condition.reason !== condition.reason
      const sinceMs = isNew ? clock.nowMs() : known.sinceMs
      if (isNew) unsettled.set(key, { condition, sinceMs })
      return Math.max(0, sinceMs + standsMs(verdict) - clock.nowMs())
    },
    settled: (key) => void unsettled.delete(key),
    turned(key) {
      unsettled.delete(key)
      turnedMs.delete(key)
      turnedMs.set(key, clock.nowMs())
    },
  }
}

// How long users wait: from the creation of a Service, as seen here, to its address and to its way into the routers. Whole
// seconds are all that creationTimestamp has, so a Service that comes while we lead is timed from when we first see it.
import type { Service } from '../src/core/model/index.ts'
import type { Clock } from '../src/io/process/clock.ts'
import type { Metrics } from '../src/io/telemetry/metrics.ts'

export interface Latency {
  /** A Service without an address is there. */
  begin(key: string, service: Service, isNew: boolean): void
  /** Its status has the address. */
  assigned(key: string): void
  /** At least one router has the way: nothing more is to be timed. */
  advertised(key: string): void
  /** It is gone, or waits for what somebody has to bring: what that takes is not our doing. */
  forget(key: string): void
}

export function openLatency(clock: Clock, metrics: Pick<Metrics, 'timeToAddress' | 'timeToAdvertised'>): Latency {
  const begun = new Map<string, { readonly sinceMs: number; isAssigned: boolean }>()
  const seconds = (sinceMs: number): number => Math.max(0, clock.nowMs() - sinceMs) / 1000
  return {
    begin(key, { creationTimestamp }, isNew) {
      const createdMs = Date.parse(creationTimestamp)
      const ageMs = isNew || !Number.isFinite(createdMs) ? 0 : Math.max(0, clock.wallMs() - createdMs)
      begun.set(key, { sinceMs: clock.nowMs() - ageMs, isAssigned: false })
    },
    assigned(key) {
      const timed = begun.get(key)
      if (timed === undefined || timed.isAssigned) return
      timed.isAssigned = true
      metrics.timeToAddress.observe({}, seconds(timed.sinceMs))
    },
    advertised(key) {
      const timed = begun.get(key)
      if (timed?.isAssigned !== true) return
      begun.delete(key)
      metrics.timeToAdvertised.observe({}, seconds(timed.sinceMs))
    },
    forget: (key) => void begun.delete(key),
  }
}

// What every duty of the leader is given, and what it gives back: a duty begins with the term and ends with it.
import type { Events, KubeClient, WorkQueueOptions } from '../src/io/kube/index.ts'
import type { Clock } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'
import type { Metrics } from '../src/io/telemetry/metrics.ts'
import type { View } from './view.ts'

export interface Leading {
  /** Writes only while the term lasts. */
  readonly client: KubeClient
  readonly view: View
  readonly events: Events
  readonly metrics: Metrics
  readonly clock: Clock
  /** 0 ≤ x < 1. */
  readonly random: () => number
  readonly log: Log
}

export interface Duty {
  /** Keys that could be worked on and are not yet. */
  depth(): number
  /** Before each scrape: writes what its metrics say. They are taken away when the duty ends: the next leader has them. */
  readonly measure?: () => void
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>
}

/** What a duty's work queue tells the metrics. */
export function queueTimes({ metrics }: Pick<Leading, 'metrics'>, duty: string): Pick<WorkQueueOptions, 'onRun'> {
  return {
    onRun: (waitedMs, workedMs) => {
      metrics.queueWait.observe({ duty }, waitedMs / 1000)
      metrics.queueWork.observe({ duty }, workedMs / 1000)
    },
  }
}

/** `fieldManager` of server-side apply, and what others see as our name in managedFields. */
export const fieldManager = 'bellhop-controller'

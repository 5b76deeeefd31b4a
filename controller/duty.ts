// What every duty of the leader is given, and what it gives back: a duty begins with the term and ends with it.
import type { Events, KubeClient } from '../src/io/kube/index.ts'
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
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>
}

/** `fieldManager` of server-side apply, and what others see as our name in managedFields. */
export const fieldManager = 'bellhop-controller'

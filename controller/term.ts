// One term of leadership: its duties begin with a look at everything and end together.
import { keepAdvertised } from './advertised.ts'
import { openAhead } from './ahead.ts'
import { keepAlive } from './alive.ts'
import type { Duty, Leading } from './duty.ts'
import { keepEips } from './eips.ts'
import { openFence } from './fence.ts'
import { keepFinalizersAway } from './finalizers.ts'
import { openOtherProviders } from './other-providers.ts'
import { openLatency } from './latency.ts'
import { keepPeers } from './peers.ts'
import { keepRacks } from './racks.ts'
import { keepServices } from './services.ts'
import { openStatusWrites } from './status-writes.ts'
import { keepStorageVersion } from './storage-version.ts'

export interface Term {
  readonly duties: ReadonlyMap<string, Duty>
  /** Nothing is written after this was called, even by work under way. Resolves when that has ended. */
  stop(): Promise<void>
}

export function openTerm(options: Leading): Term {
  const fence = openFence(options.client)
  const leading: Leading = {
    ...options,
    client: fence.client,
    events: {
      ...options.events,
      record: (...event) => {
        if (fence.isOpen()) options.events.record(...event)
      },
    },
  }
  const statusWrites = openStatusWrites()
  const ahead = openAhead(options.view.services)
  const latency = openLatency(options.clock, options.metrics)
  const others = openOtherProviders()
  const duties = new Map<string, Duty>([
    ['racks', keepRacks(leading)],
    ['services', keepServices(leading, statusWrites, ahead, latency)],
    ['advertised', keepAdvertised(leading, statusWrites, ahead, latency)],
    ['eips', keepEips(leading, others)],
    ['peers', keepPeers(leading, others)],
    ['alive', keepAlive(leading)],
    ['finalizers', keepFinalizersAway(leading, others)],
    ['storage-version', keepStorageVersion(leading)],
  ])
  return {
    duties,
    async stop() {
      fence.close()
      await Promise.all([...duties.values()].map((duty) => duty.stop()))
    },
  }
}

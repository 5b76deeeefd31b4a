// Which addresses are taken, as this replica knows it: what its reflector has seen, and, ahead of that, what its own
// writes and collisions have taught it, so that two reviews in a row do not try the same address.
import { TakenIndex } from '../src/core/ipam/index.ts'
import { type Allocation, readAllocation } from '../src/core/model/index.ts'
import { type KubeClient, type Reflector, eipAllocations, openReflector } from '../src/io/kube/index.ts'
import type { Clock, Timer } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'

export interface Allocations {
  readonly taken: TakenIndex
  readonly reflector: Reflector<Allocation>
  /** Known ahead of the watch. Forgotten again when the watch does not confirm it in time. */
  learn(allocation: Allocation): void
  /** Deleted, ahead of the watch. */
  forget(name: string): void
  stop(): Promise<void>
}

// A watch that is further behind than this is being set up anew, and the new list will tell.
const confirmWithinMs = 30_000

export function openAllocations(client: KubeClient, clock: Clock, log: Log): Allocations {
  const taken = new TakenIndex()
  const unconfirmed = new Map<string, Timer>()
  const settle = (name: string): void => {
    unconfirmed.get(name)?.cancel()
    unconfirmed.delete(name)
  }
  const reflector = openReflector<Allocation>(client, {
    resource: eipAllocations,
    read: readAllocation,
    onChange: (name, _before, after) => {
      settle(name)
      if (after === undefined) taken.remove(name)
      else taken.put(after)
    },
    clock,
    log: log.child({ resource: eipAllocations.plural }),
  })
  return {
    taken,
    reflector,
    learn(allocation) {
      const { name } = allocation
      taken.put(allocation)
      settle(name)
      const check = clock.after(confirmWithinMs, () => {
        unconfirmed.delete(name)
        const known = reflector.store.get(name)
        if (known === undefined) taken.remove(name)
        else taken.put(known)
      })
      unconfirmed.set(name, check)
    },
    forget(name) {
      settle(name)
      taken.remove(name)
    },
    async stop() {
      for (const timer of unconfirmed.values()) timer.cancel()
      await reflector.stop()
    },
  }
}

// Which addresses are taken, as this replica knows it: what its watch has shown and, ahead of that, what its own writes
// and collisions have taught it, so that two decisions in a row neither try the same address nor believe in a record
// that was just given back.
import { TakenIndex } from '../../core/ipam/index.ts'
import { type Allocation, readAllocation } from '../../core/model/index.ts'
import type { KubeClient, Reflector } from '../kube/interface.ts'
import { openReflector } from '../kube/reflector.ts'
import { eipAllocations } from '../kube/resources.ts'
import { isOlderVersion } from '../kube/resource-version.ts'
import type { Clock, Timer } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'

export interface Allocations {
  readonly taken: TakenIndex
  readonly reflector: Reflector<Allocation>
  /** Known ahead of the watch. Believed no longer when the watch does not confirm it in time. */
  learn(record: Allocation): void
  /** Deleted, ahead of the watch. */
  forget(name: string): void
  stop(): Promise<void>
}

// A watch that is further behind than this is being set up anew, and its list will tell.
const confirmWithinMs = 30_000

// What the watch tells is older than what is known: an earlier version, or the end of an earlier record of the name.
function isOvertaken(known: Allocation, before: Allocation | undefined, after: Allocation | undefined): boolean {
  if (after === undefined) return before !== undefined && known.uid !== '' && known.uid !== before.uid
  return known.uid === after.uid && isOlderVersion(after.resourceVersion, known.resourceVersion)
}

export interface AllocationsOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  /** What the index held before and holds now, whoever brought the news. */
  readonly onChange?: (name: string, before: Allocation | undefined, after: Allocation | undefined) => void
}

export function openAllocations({ client, clock, log, onChange = () => {} }: AllocationsOptions): Allocations {
  const taken = new TakenIndex()
  const unconfirmed = new Map<string, Timer>()
  /** UIDs of records that were forgotten, by name: that they were made may still be on its way through the watch. */
  const gone = new Map<string, string>()

  function put(name: string, after: Allocation | undefined): void {
    unconfirmed.get(name)?.cancel()
    unconfirmed.delete(name)
    const before = taken.get(name)
    if (after === undefined) taken.remove(name)
    else taken.put(after)
    if (before !== undefined || after !== undefined) onChange(name, before, after)
  }

  function expectConfirmation(name: string): void {
    const check = clock.after(confirmWithinMs, () => {
      gone.delete(name)
      put(name, reflector.store.get(name))
    })
    unconfirmed.set(name, check)
  }

  const reflector = openReflector<Allocation>(client, {
    resource: eipAllocations,
    read: readAllocation,
    onChange: (name, before, after) => {
      if (after !== undefined && gone.get(name) === after.uid) return
      gone.delete(name)
      const known = taken.get(name)
      if (known === undefined || !isOvertaken(known, before, after)) put(name, after)
    },
    clock,
    log: log.child({ resource: eipAllocations.plural }),
  })

  return {
    taken,
    reflector,
    learn(record) {
      if (gone.get(record.name) === record.uid) return
      // That somebody has it says less than what the watch has told meanwhile, and will not tell again.
      if (record.resourceVersion === '' && taken.get(record.name) !== undefined) return
      // The watch was faster, and may even be further: what it has not got then is gone.
      const told = reflector.store.get(record.name)?.resourceVersion ?? reflector.resourceVersion()
      const isVersioned = told !== undefined && record.resourceVersion !== ''
      if (isVersioned && !isOlderVersion(told, record.resourceVersion)) return
      put(record.name, record)
      expectConfirmation(record.name)
    },
    forget(name) {
      const known = taken.get(name)
      if (known === undefined) return
      if (known.uid !== '') gone.set(name, known.uid)
      put(name, undefined)
      expectConfirmation(name)
    },
    async stop() {
      for (const timer of unconfirmed.values()) timer.cancel()
      await reflector.stop()
    },
  }
}

// Work that finds nothing to do never waits for anything, and ten thousand such keys in a row would keep the event loop
// from everything else, the renewal of the Lease included.
import { setImmediate } from 'node:timers/promises'

/** A function to await once per key: every so many calls it lets others have a turn. */
export function openBreath(every: number): () => Promise<void> {
  let calls = 0
  return async () => {
    if (++calls % every === 0) await setImmediate()
  }
}

// Whether an OpenELB or a Porter is at work in the cluster: whether one of their Leases (openelb-api.md 2.7) is being
// renewed. Looked up when somebody asks, again and again until a renewal is seen or has failed to come for so long that
// it will not; clocks of others say nothing.
import { stringAt } from '../src/core/model/index.ts'
import { leases } from '../src/io/kube/index.ts'
import { pause } from '../src/io/process/clock.ts'
import type { Leading } from './duty.ts'

const leaseNames = ['openelb-controller', 'openelb-speaker', 'openelb-manager', 'porter-manager', 'porter-speaker']
/** They renew every 2 s; an API server that is slow is no reason to believe them gone. */
const silentMs = 12_000
const lookEveryMs = 1_000
/** For the many objects of one cleaning; one that has just been started must not be missed for longer. */
const believedMs = 5_000

export interface Rivals {
  /** Leases that are being renewed, as `namespace/name`; undefined: it could not be found out. */
  running(): Promise<readonly string[] | undefined>
  stop(): void
}

type Leases = ReadonlyMap<string, string>

export function openRivals({ client, clock, log }: Pick<Leading, 'client' | 'clock' | 'log'>): Rivals {
  const stopping = new AbortController()
  let known: { readonly running: readonly string[]; readonly atMs: number } | undefined
  let asking: Promise<readonly string[] | undefined> | undefined

  /** `namespace/name` to the time of its last renewal; those that were given up in good order are left out. */
  async function look(): Promise<Leases | undefined> {
    const found = new Map<string, string>()
    for (const name of leaseNames) {
      const answer = await client.list(leases, { fieldSelector: `metadata.name=${name}` })
      if (!answer.ok) {
        log.warn('the Leases of other providers could not be read', { error: answer.error })
        return undefined
      }
      for (const lease of answer.value.items) {
        const renewTime = stringAt(lease, 'spec', 'renewTime')
        const held = stringAt(lease, 'spec', 'holderIdentity') !== undefined
        if (held && renewTime !== undefined) found.set(`${lease.metadata.namespace ?? ''}/${name}`, renewTime)
      }
    }
    return found
  }

  async function ask(): Promise<readonly string[] | undefined> {
    const first = await look()
    if (first === undefined) return undefined
    let running: readonly string[] = []
    const endMs = clock.nowMs() + silentMs
    while (first.size > 0 && running.length === 0 && clock.nowMs() < endMs) {
      await pause(clock, lookEveryMs, stopping.signal)
      if (stopping.signal.aborted) return undefined
      const next = await look()
      if (next === undefined) return undefined
      running = [...next].filter(([key, renewTime]) => first.get(key) !== renewTime).map(([key]) => key)
    }
    known = { running, atMs: clock.nowMs() }
    return running
  }

  return {
    running() {
      if (known !== undefined && clock.nowMs() - known.atMs < believedMs) return Promise.resolve(known.running)
      asking ??= ask().finally(() => (asking = undefined))
      return asking
    },
    stop: () => stopping.abort(),
  }
}

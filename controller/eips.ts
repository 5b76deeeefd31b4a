// Status of Eips: what is in use, what is wrong. Every speaker watches these objects, so each is written at most every
// second, less often in a large cluster.
import { sameRanges } from '../src/core/address/index.ts'
import { readConditions } from '../src/core/model/index.ts'
import { type PoolCounts, countPool, eipStatus, sameStatus } from '../src/core/status/index.ts'
import { type WorkOutcome, eips, openWorkQueue } from '../src/io/kube/index.ts'
import type { PoolsChange } from '../src/io/pools/index.ts'
import { rfc3339 } from './conditions.ts'
import { type Duty, type Leading, queueTimes } from './duty.ts'
import type { OtherProviders } from './other-providers.ts'
import { outcomeOf } from './outcome.ts'
import { openPace, summaryGapMs } from './pace.ts'

/** An Eip changes with every address given out: in a rush it is written every two, then every four seconds. */
const mostDoublings = 2

export function keepEips(leading: Leading, others: OtherProviders): Duty {
  const { client, view, metrics, clock, random, log } = leading
  const pace = openPace(clock, () => summaryGapMs(view.nodes.size), mostDoublings)
  const queue = openWorkQueue({ work: writeStatus, workers: 2, clock, random, log, ...queueTimes(leading, 'eips') })
  /** As of the last status, so that the metrics never say anything else. */
  const counts = new Map<string, readonly PoolCounts[]>()

  async function writeStatus(name: string): Promise<WorkOutcome> {
    const eip = view.pools.eips.get(name)
    if (eip === undefined) {
      pace.forget(name)
      counts.delete(name)
      return 'done'
    }
    // Also counting is paced: it looks at every address of the pool.
    const waitMs = pace.waitMs(name)
    if (waitMs > 0) return { retryAfterMs: waitMs }
    pace.mark(name)
    const more = others.conditionOf(`${eips.plural}/${name}`, eip, readConditions(eip.status))
    const status = eipStatus(eip, view.records.taken, view.pools, rfc3339(clock.wallMs()), more)
    counts.set(name, countPool(eip, status, view.records.taken, view.pools))
    if (sameStatus(eip.status, status)) return 'done'
    const body = [
      { op: 'test', path: '/metadata/uid', value: eip.uid },
      { op: 'add', path: '/status', value: status },
    ]
    const written = await client.patch({ resource: eips, name }, { type: 'json', body, subresource: 'status' })
    return written.ok || written.error.code === 'NotFound' ? 'done' : outcomeOf(written.error)
  }

  function addAll(): void {
    for (const name of view.pools.eips.keys()) queue.add(name)
  }

  const unlisten = view.listen({
    record: (_name, before, after) => {
      for (const record of [before, after]) if (record !== undefined) queue.add(record.eip)
    },
    pools: (change) => {
      if (change.kind !== 'eip') return
      queue.add(change.name)
      if (changesOthers(change)) addAll()
    },
  })
  const endHearing = others.listen((task) => {
    const [plural, name = ''] = task.split('/')
    if (plural === eips.plural) queue.add(name)
  })
  addAll()
  return {
    depth: () => queue.depth(),
    measure() {
      metrics.poolAddresses.replaceAll(
        [...counts].flatMap(([name, families]) =>
          families.flatMap(({ family, ...states }) =>
            Object.entries(states).map(
              ([state, count]) => [{ eip: name, family: `IPv${family}`, state }, count] as const,
            ),
          ),
        ),
      )
    },
    async stop() {
      unlisten()
      endHearing()
      await queue.stop()
      metrics.poolAddresses.replaceAll([])
    },
  }
}

// Overlaps and a second default are told on the other Eip as well.
function changesOthers({ before, after }: Extract<PoolsChange, { kind: 'eip' }>): boolean {
  return before?.isDefault !== after?.isDefault || !sameRanges(before?.ranges ?? [], after?.ranges ?? [])
}

// Rack objects: made, written and deleted as core/announce plans them from all nodes, speakers and peers.
//
//   1. whatever may change the plan asks for a new one, at once, and then again after planGapMs at the earliest
//   2. each rack whose object is missing, differs or is left over is a key; keys are written at most every
//      rackGapMs, since every speaker of the rack watches its object
// Both gaps grow with the number of nodes beyond a hundred.
import { type RackInput, planRacks } from '../src/core/announce/index.ts'
import type { RackStatus } from '../src/core/model/index.ts'
import { type WorkOutcome, apiVersionOf, openWorkQueue, racks } from '../src/io/kube/index.ts'
import type { Timer } from '../src/io/process/clock.ts'
import { type Duty, type Leading, queueTimes } from './duty.ts'
import { measureRacks, rackGauges } from './measure.ts'
import { outcomeOf } from './outcome.ts'
import { openPace, summaryGapMs } from './pace.ts'
import { sameValue } from '../src/core/status/index.ts'

const planGapMs = 50
const rackGapMs = 250

export function keepRacks(leading: Leading): Duty {
  const { client, view, metrics, clock, random, log } = leading
  let wanted: ReadonlyMap<string, RackStatus> = new Map()
  let planned = Number.NEGATIVE_INFINITY
  let timer: Timer | undefined
  const pace = openPace(clock, () => summaryGapMs(view.nodes.size, rackGapMs))
  const queue = openWorkQueue({ work: writeRack, workers: 4, clock, random, log, ...queueTimes(leading, 'racks') })

  function plan(): void {
    timer = undefined
    planned = clock.nowMs()
    wanted = planRacks(inputNow())
    for (const [name, status] of wanted) {
      if (!sameValue(view.racks.get(name)?.status, status)) queue.add(name)
    }
    for (const name of view.racks.keys()) if (!wanted.has(name)) queue.add(name)
  }

  function inputNow(): RackInput {
    return {
      nodes: [...view.nodes.values()],
      speakers: view.progress(),
      peers: [...view.peers.values()].filter(({ ownedByCni }) => !ownedByCni),
    }
  }

  function planSoon(): void {
    const gapMs = summaryGapMs(view.nodes.size, planGapMs)
    timer ??= clock.after(Math.max(0, planned + gapMs - clock.nowMs()), plan)
  }

  async function writeRack(name: string): Promise<WorkOutcome> {
    const status = wanted.get(name)
    const stored = view.racks.get(name)
    const ref = { resource: racks, name }
    if (status === undefined) {
      if (stored === undefined) return 'done'
      const deleted = await client.delete(ref, { uid: stored.uid })
      return deleted.ok || deleted.error.code === 'NotFound' ? 'done' : outcomeOf(deleted.error)
    }
    if (sameValue(stored?.status, status)) return 'done'
    const waitMs = pace.waitMs(name)
    if (waitMs > 0) return { retryAfterMs: waitMs }
    pace.mark(name)
    if (stored === undefined) {
      const object = { apiVersion: apiVersionOf(racks), kind: racks.kind, metadata: { name } }
      const made = await client.create(racks, object)
      if (!made.ok && made.error.code !== 'AlreadyExists') {
        // A label's value may have capitals and underscores; the name of an object may not.
        if (made.error.code === 'Invalid') log.error('a rack cannot have an object', { rack: name, error: made.error })
        return made.error.code === 'Invalid' ? 'done' : outcomeOf(made.error)
      }
    }
    const body = [{ op: 'add', path: '/status', value: status }]
    const written = await client.patch(ref, { type: 'json', body, subresource: 'status' })
    return written.ok ? 'done' : outcomeOf(written.error)
  }

  const unlisten = view.listen({
    node: planSoon,
    speaker: planSoon,
    peer: planSoon,
    presence: (_node, before, after) => {
      if (before?.alive !== after?.alive) planSoon()
    },
    rack: (name) => {
      // Only what somebody else changed or deleted: our own writes make no work.
      if (!sameValue(view.racks.get(name)?.status, wanted.get(name))) planSoon()
    },
  })
  planSoon()
  return {
    depth: () => queue.depth(),
    measure: () => measureRacks(metrics, inputNow(), wanted),
    async stop() {
      unlisten()
      timer?.cancel()
      await queue.stop()
      for (const each of rackGauges(metrics)) each.replaceAll([])
    },
  }
}

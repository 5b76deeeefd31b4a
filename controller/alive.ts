// The condition Alive of Speaker objects, for people: whether the speaker renews its Lease. Applied under a name of our
// own, so that it stands beside what the speaker writes. A Speaker goes with its Node; one that was made without owner,
// because the speaker did not know its Node, is deleted here.
import { findCondition } from '../src/core/model/index.ts'
import { type WorkOutcome, apiVersionOf, openWorkQueue, speakers } from '../src/io/kube/index.ts'
import { saysSame, stamped } from './conditions.ts'
import { type Duty, type Leading, fieldManager, queueTimes } from './duty.ts'
import { outcomeOf } from './outcome.ts'
import { aliveMs } from './presence.ts'

export const aliveCondition = 'Alive'

export function keepAlive(leading: Leading): Duty {
  const { client, view, clock, random, log } = leading
  const queue = openWorkQueue({ work: writeAlive, workers: 4, clock, random, log, ...queueTimes(leading, 'alive') })

  async function writeAlive(name: string): Promise<WorkOutcome> {
    const speaker = view.speakers.get(name)
    if (speaker === undefined) return 'done'
    const alive = view.presence.of(name)?.alive ?? false
    if (!alive && !view.nodes.has(name)) {
      const deleted = await client.delete({ resource: speakers, name }, { uid: speaker.uid })
      return deleted.ok || deleted.error.code === 'NotFound' ? 'done' : outcomeOf(deleted.error)
    }
    const seconds = aliveMs / 1000
    const wanted = alive
      ? { status: 'True' as const, reason: 'SpeakerAlive', message: 'the speaker renews its Lease' }
      : {
          status: 'False' as const,
          reason: 'SpeakerSilent',
          message: `the speaker has not renewed its Lease speaker-${name} for ${seconds} s`,
        }
    const stored = findCondition(speaker.conditions, aliveCondition)
    const condition = { type: aliveCondition, ...wanted }
    if (saysSame(stored, condition)) return 'done'
    const body = {
      apiVersion: apiVersionOf(speakers),
      kind: speakers.kind,
      metadata: { name, uid: speaker.uid },
      status: { conditions: [stamped(condition, stored, clock.wallMs())] },
    }
    const ref = { resource: speakers, name }
    const written = await client.patch(ref, { type: 'apply', body, subresource: 'status', fieldManager, force: true })
    return written.ok ? 'done' : outcomeOf(written.error)
  }

  const unlisten = view.listen({
    presence: (node, before, after) => {
      if (before?.alive !== after?.alive) queue.add(node)
    },
    node: (name, _before, after) => {
      if (after === undefined) queue.add(name)
    },
    speaker: (name, before, after) => {
      const same = saysSame(
        findCondition(before?.conditions ?? [], aliveCondition),
        findCondition(after?.conditions ?? [], aliveCondition),
      )
      if (before === undefined || !same) queue.add(name)
    },
  })
  for (const name of view.speakers.keys()) queue.add(name)
  return {
    depth: () => queue.depth(),
    async stop() {
      unlisten()
      await queue.stop()
    },
  }
}

// Writes of EipAllocations beyond their creation: a Service's entry is set or taken out, a record is kept for a while
// or deleted. Each write rests on the version that the plan was made from; what has changed meanwhile is planned anew.
import { type JsonPatch, type PatchOperation, patchMap } from '../src/core/admission/json-patch.ts'
import { type Step, holderObject } from '../src/core/ipam/index.ts'
import { type Allocation, type Eip, eipLabel, readAllocation } from '../src/core/model/index.ts'
import { sameValue } from '../src/core/status/index.ts'
import { type Answer, type KubeObject, type WorkOutcome, eipAllocations } from '../src/io/kube/index.ts'
import { rfc3339 } from './conditions.ts'
import { cooledUpToMs } from './cooling.ts'
import type { Leading } from './duty.ts'
import { outcomeOf } from './outcome.ts'

/** `cooling`: its speakers may still announce it; they say in their Leases when not. */
export type Released = 'done' | 'cooling' | { readonly failed: WorkOutcome } | { readonly retryAfterMs: number }

/**
 * Adds the entry, or puts it in the place of the one that the same Service has there. The record is not Retained then,
 * and belongs to the Eip `home` where one is given.
 */
export async function bindHolder(
  leading: Leading,
  { record, holder, home }: Pick<Extract<Step, { kind: 'bind' }>, 'record' | 'holder' | 'home'>,
): Promise<WorkOutcome | undefined> {
  const { client, view } = leading
  const at = record.holders.findIndex(
    (known) => known.claim === holder.claim || (known.namespace === holder.namespace && known.name === holder.name),
  )
  const operations: PatchOperation[] = []
  const value = holderObject(holder)
  if (at < 0) operations.push({ op: 'add', path: '/spec/services/-', value })
  else if (!sameValue(value, holderObject(record.holders[at] ?? holder))) {
    operations.push({ op: 'replace', path: `/spec/services/${at}`, value })
  }
  if (home !== undefined) operations.push(...moveTo(record, home))
  if (operations.length > 0) {
    const written = await patchRecord(leading, record, operations)
    if (!written.ok) return outcomeOf(written.error)
  }
  if (record.retainedUntil !== undefined) {
    const path = '/status/retainedUntil'
    const body: JsonPatch = [
      { op: 'test', path, value: record.retainedUntil },
      { op: 'remove', path },
    ]
    const ref = { resource: eipAllocations, name: record.name }
    const cleared = await client.patch(ref, { type: 'json', body, subresource: 'status' })
    if (!cleared.ok) return outcomeOf(cleared.error)
    learn(leading, cleared.value)
  }
  view.records.forgetRelease(record.name)
  return undefined
}

function moveTo({ labels }: Allocation, { name, protocol }: Eip): JsonPatch {
  return [
    { op: 'replace', path: '/spec/eip', value: name },
    { op: 'add', path: '/spec/protocol', value: protocol },
    ...patchMap(['metadata', 'labels'], labels, { [eipLabel]: name }),
  ]
}

export interface Release {
  readonly record: Allocation
  /** `namespace/name` of the Service that lets go. */
  readonly key: string
  /** The Service is gone: its address is kept for it, if the Eip says so. */
  readonly isGone: boolean
  /** Our wall time of the release, where it is known better than "now". */
  readonly releasedMs: number | undefined
}

/** Takes the Service's entry out; the last one takes the record with it, once no speaker announces the address. */
export async function releaseHolder(leading: Leading, { record, key, isGone, releasedMs }: Release): Promise<Released> {
  const { client, view, clock } = leading
  const { name, uid, resourceVersion, holders } = record
  const at = holders.findIndex((holder) => `${holder.namespace}/${holder.name}` === key)
  if (holders.length > 1) {
    if (at < 0) return 'done'
    const written = await patchRecord(leading, record, [{ op: 'remove', path: `/spec/services/${at}` }])
    return written.ok ? 'done' : { failed: outcomeOf(written.error) }
  }
  const wallMs = clock.wallMs()
  view.records.noteRelease(name, releasedMs ?? wallMs)
  const kept = isGone ? await retain(leading, record, wallMs) : undefined
  if (kept !== undefined) return kept
  const cooledMs = cooledUpToMs(view.presence.entries(), (node) => view.nodes.has(node), wallMs)
  if ((view.records.releasedMs(name) ?? wallMs) > cooledMs) return 'cooling'
  const deleted = await client.delete({ resource: eipAllocations, name }, { uid, resourceVersion })
  if (!deleted.ok && deleted.error.code !== 'NotFound') return { failed: outcomeOf(deleted.error) }
  view.records.forget(name)
  return 'done'
}

// What a pool keeps for Services that are gone, it keeps as long as it is there and says so.
async function retain(leading: Leading, record: Allocation, wallMs: number): Promise<Released | undefined> {
  const retainMs = (leading.view.pools.eips.get(record.eip)?.retainSeconds ?? 0) * 1000
  if (retainMs === 0) return undefined
  if (record.retainedUntil === undefined) return retainRecord(leading, record, retainMs)
  const leftMs = Date.parse(record.retainedUntil) - wallMs
  return leftMs > 0 ? { retryAfterMs: leftMs } : undefined
}

/** State Retained: the time until which the address stays reserved is the one thing that is stored. */
export async function retainRecord(
  leading: Leading,
  { name, uid }: Allocation,
  forMs: number,
): Promise<{ readonly failed: WorkOutcome } | { readonly retryAfterMs: number }> {
  const { client, clock } = leading
  // Whole seconds are kept; it must not be less than what was promised.
  const retainedUntil = rfc3339(clock.wallMs() + forMs + 999)
  const body: JsonPatch = [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'add', path: '/status', value: { retainedUntil } },
  ]
  const written = await client.patch({ resource: eipAllocations, name }, { type: 'json', body, subresource: 'status' })
  if (!written.ok) return { failed: outcomeOf(written.error) }
  learn(leading, written.value)
  return { retryAfterMs: forMs }
}

async function patchRecord(
  leading: Leading,
  { name, resourceVersion }: Allocation,
  operations: JsonPatch,
): Promise<Answer<KubeObject>> {
  const test = { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion }
  const ref = { resource: eipAllocations, name }
  const written = await leading.client.patch(ref, { type: 'json', body: [test, ...operations] })
  if (written.ok) learn(leading, written.value)
  return written
}

function learn({ view }: Leading, object: KubeObject): void {
  const record = readAllocation(object)
  if (record !== undefined) view.records.learn(record)
}

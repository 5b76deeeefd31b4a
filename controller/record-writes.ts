// Writes of EipAllocations beyond their creation: a Service's entry is set or taken out, a record is kept for a while
// or deleted. Each write rests on the version that the plan was made from; what has changed meanwhile is planned anew.
import { holderObject } from '../src/core/ipam/index.ts'
import type { JsonPatch } from '../src/core/admission/json-patch.ts'
import { type Allocation, type Holder, readAllocation } from '../src/core/model/index.ts'
import { type Answer, type KubeObject, type WorkOutcome, eipAllocations } from '../src/io/kube/index.ts'
import { rfc3339 } from './conditions.ts'
import { cooledUpToMs } from './cooling.ts'
import type { Leading } from './duty.ts'
import { outcomeOf } from './outcome.ts'

/** `cooling`: its speakers may still announce it; they say in their Leases when not. */
export type Released = 'done' | 'cooling' | { readonly failed: WorkOutcome } | { readonly retryAfterMs: number }

/** Adds the entry, or puts it in the place of the one that the same Service has there. */
export async function bindHolder(
  leading: Leading,
  record: Allocation,
  holder: Holder,
): Promise<WorkOutcome | undefined> {
  const { client, view } = leading
  const at = record.holders.findIndex(
    (known) => known.claim === holder.claim || (known.namespace === holder.namespace && known.name === holder.name),
  )
  const value = holderObject(holder)
  const step = at < 0 ? { op: 'add' as const, path: '/spec/services/-', value } : replaceAt(at, value)
  const written = await patchRecord(leading, record, [step])
  if (!written.ok) return outcomeOf(written.error)
  if (record.retainedUntil !== undefined) {
    const path = '/status/retainedUntil'
    const body = [{ op: 'remove', path }]
    const ref = { resource: eipAllocations, name: record.name }
    const cleared = await client.patch(ref, { type: 'json', body, subresource: 'status' })
    if (cleared.ok) learn(leading, cleared.value)
  }
  view.records.forgetRelease(record.name)
  return undefined
}

function replaceAt(at: number, value: unknown) {
  return { op: 'replace' as const, path: `/spec/services/${at}`, value }
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

// State Retained: the time until which the address stays reserved is the one thing that is stored.
async function retain(leading: Leading, record: Allocation, wallMs: number): Promise<Released | undefined> {
  const { client, view } = leading
  const { name, retainedUntil, eip } = record
  if (retainedUntil !== undefined) {
    const leftMs = Date.parse(retainedUntil) - wallMs
    return leftMs > 0 ? { retryAfterMs: leftMs } : undefined
  }
  const retainMs = (view.pools.eips.get(eip)?.retainSeconds ?? 0) * 1000
  if (retainMs === 0) return undefined
  const body = [{ op: 'add', path: '/status', value: { retainedUntil: rfc3339(wallMs + retainMs + 999) } }]
  const ref = { resource: eipAllocations, name }
  const written = await client.patch(ref, { type: 'json', body, subresource: 'status' })
  if (!written.ok) return { failed: outcomeOf(written.error) }
  learn(leading, written.value)
  return { retryAfterMs: retainMs }
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

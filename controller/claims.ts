// Claiming an address for a Service that no webhook has given one: its EipAllocation is created, and whoever creates it
// has the address. The same lock that the webhook uses, so the two need not know of each other.
import { parseIp } from '../src/core/address/index.ts'
import { type Draft, allocationObject } from '../src/core/ipam/index.ts'
import {
  type Allocation,
  type Holder,
  type Service,
  addressAnnotation,
  allocationName,
  eipLabel,
  eitherSpelling,
  namespaceLabel,
  readAllocation,
} from '../src/core/model/index.ts'
import { type KubeError, eipAllocations } from '../src/io/kube/index.ts'
import type { Leading } from './duty.ts'

export type Claimed =
  | { readonly kind: 'claimed'; readonly records: readonly Allocation[] }
  /** What was tried is taken, and the index knows by whom now: plan again. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'failed'; readonly error: KubeError }

// Collisions are with webhooks that claim at the same time; so many in a row mean that the index is far behind.
const mostCollisions = 16

/** All addresses of one candidate, or none. Candidates are combinations that would do, best first, read lazily. */
export async function claimAddresses(
  leading: Leading,
  candidates: Iterable<readonly Draft[]>,
  holder: Holder,
): Promise<Claimed> {
  let collisions = 0
  for (const drafts of candidates) {
    const records: Allocation[] = []
    let lost: Claimed | undefined
    for (const draft of drafts) {
      const claimed = await claimOne(leading, draft, holder)
      if (claimed.kind === 'claimed') records.push(...claimed.records)
      else lost = claimed
      if (lost !== undefined) break
    }
    if (lost === undefined) return { kind: 'claimed', records }
    await giveBack(leading, records)
    if (lost.kind === 'failed' || ++collisions >= mostCollisions) return lost
  }
  return { kind: 'taken' }
}

async function claimOne(leading: Leading, draft: Draft, holder: Holder): Promise<Claimed> {
  const { client, view } = leading
  const made = await client.create(eipAllocations, allocationObject(draft, holder))
  let stored = made
  if (!made.ok) {
    if (made.error.code !== 'AlreadyExists') return { kind: 'failed', error: made.error }
    stored = await client.get({ resource: eipAllocations, name: allocationName(draft.address) })
    if (!stored.ok)
      return stored.error.code === 'NotFound' ? { kind: 'taken' } : { kind: 'failed', error: stored.error }
  }
  const record = stored.ok ? readAllocation(stored.value) : undefined
  if (record === undefined) return { kind: 'taken' }
  view.records.learn(record)
  // Our own, when the answer to an earlier create was lost.
  if (!record.holders.some(({ claim }) => claim === holder.claim)) return { kind: 'taken' }
  if (made.ok) {
    const over = await isOverQuota(leading, record, holder.namespace)
    if (over !== false) {
      await giveBack(leading, [record])
      return over === true ? { kind: 'taken' } : { kind: 'failed', error: over }
    }
  }
  return { kind: 'claimed', records: [record] }
}

/** Deletes records that nobody else has touched since. */
async function giveBack({ client, view }: Leading, records: readonly Allocation[]): Promise<void> {
  for (const { name, uid, resourceVersion } of records) {
    const deleted = await client.delete({ resource: eipAllocations, name }, { uid, resourceVersion })
    if (deleted.ok) view.records.forget(name)
  }
}

// maxPerNamespace holds under races: each claimer looks, after its create, at the list as it was at the revision of that
// create; of all who raced, the first ones find no more than allowed. A shared address may have the label of another
// namespace and is counted from the index.
async function isOverQuota(
  { client, view }: Leading,
  { eip, name, resourceVersion }: Allocation,
  namespace: string,
): Promise<boolean | KubeError> {
  const most = view.pools.eips.get(eip)?.maxPerNamespace
  if (most === undefined) return false
  const shared = [...view.records.taken.ofEip(eip)].filter(
    (other) => other.labels[namespaceLabel] !== namespace && other.holders.some((one) => one.namespace === namespace),
  )
  const names = new Set([name, ...shared.map((other) => other.name)])
  let next: string | undefined
  do {
    const page = await client.list(eipAllocations, {
      labelSelector: `${eipLabel}=${eip},${namespaceLabel}=${namespace}`,
      limit: 500,
      ...(next === undefined ? { resourceVersion } : { continue: next }),
    })
    if (!page.ok) return page.error
    for (const item of page.value.items) {
      const other = readAllocation(item)
      if (other === undefined) continue
      names.add(other.name)
      if (other.name !== name) view.records.learn(other)
    }
    next = page.value.continue
  } while (next !== undefined && next !== '' && names.size <= most)
  return names.size > most
}

/**
 * Learns the records that a Service's claim names, by a consistent read: the webhook made them just before the Service,
 * and the two watches are not in step. False: it could not be found out.
 */
export async function lookUpClaim({ client, view }: Leading, service: Service): Promise<boolean> {
  for (const text of (eitherSpelling(service.annotations, addressAnnotation) ?? '').split(',')) {
    const address = parseIp(text.trim())
    if (address === undefined) continue
    const found = await client.get({ resource: eipAllocations, name: allocationName(address) })
    const record = found.ok ? readAllocation(found.value) : undefined
    if (record !== undefined) view.records.learn(record)
    if (!found.ok && found.error.code !== 'NotFound') return false
  }
  return true
}

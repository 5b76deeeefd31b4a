// maxPerNamespace under races (design §4): every claimer writes first and then looks at the list as it was at the
// revision of its own write. Of those who raced, exactly the first N find at most N records; the others give back.
import { isGivenUpFor } from '../../core/ipam/index.ts'
import { type Allocation, type Eip, eipLabel, namespaceLabel, readAllocation } from '../../core/model/index.ts'
import type { Answer, KubeClient } from '../kube/interface.ts'
import { eipAllocations } from '../kube/resources.ts'
import type { Allocations } from './allocations.ts'

const pageSize = 500

/**
 * Whether `record`, just created for a Service of `namespace`, is within the quota of its Eip: by the order of creation
 * in the store, not of clocks. Over it, `allocations` has learnt the records that were there before.
 */
export async function isWithinQuota(
  client: KubeClient,
  allocations: Pick<Allocations, 'learn' | 'taken'>,
  {
    eip,
    namespace,
    record,
    timeoutMs,
  }: {
    readonly eip: Eip
    readonly namespace: string
    readonly record: Allocation
    readonly timeoutMs: number
  },
): Promise<Answer<boolean>> {
  const { maxPerNamespace } = eip
  if (maxPerNamespace === undefined) return { ok: true, value: true }
  // The claimer's own older one, which it gives back, does not count while it moves.
  const [claimer] = record.holders
  const counts = (other: Allocation): boolean =>
    other.name === record.name || claimer === undefined || !isGivenUpFor(other, record.address.family, claimer)
  const found: Allocation[] = joinedFromElsewhere(allocations, eip.name, namespace).filter(counts)
  let next: string | undefined
  do {
    // With `limit`, a resourceVersion means exactly this revision (Kubernetes API concepts, "Semantics for list").
    const page = await client.list(eipAllocations, {
      labelSelector: `${eipLabel}=${eip.name},${namespaceLabel}=${namespace}`,
      limit: pageSize,
      timeoutMs,
      ...(next === undefined ? { resourceVersion: record.resourceVersion } : { continue: next }),
    })
    if (!page.ok) return page
    found.push(
      ...page.value.items
        .map(readAllocation)
        .filter((item) => item !== undefined)
        .filter(counts),
    )
    next = page.value.continue
  } while (next !== undefined && next !== '' && found.length <= maxPerNamespace)
  if (found.length <= maxPerNamespace) return { ok: true, value: true }
  for (const other of found) if (other.name !== record.name) allocations.learn(other)
  return { ok: true, value: false }
}

// A shared address has the label of its first holder's namespace only.
function joinedFromElsewhere({ taken }: Pick<Allocations, 'taken'>, eip: string, namespace: string): Allocation[] {
  return [...taken.ofEip(eip)].filter(
    ({ labels, holders }) =>
      labels[namespaceLabel] !== namespace && holders.some((holder) => holder.namespace === namespace),
  )
}

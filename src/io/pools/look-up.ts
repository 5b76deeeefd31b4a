import { parseIp } from '../../core/address/index.ts'
import {
  type Service,
  addressAnnotation,
  allocationName,
  claimAnnotation,
  eitherSpelling,
  readAllocation,
} from '../../core/model/index.ts'
import type { KubeClient } from '../kube/interface.ts'
import { eipAllocations } from '../kube/resources.ts'
import type { Allocations } from './allocations.ts'

/**
 * Learns the records that a Service's claim names by a consistent read, where they are not known: another replica may
 * have made them just before, and two watches are not in step. False: it could not be found out.
 */
export async function lookUpClaim(
  client: KubeClient,
  allocations: Pick<Allocations, 'taken' | 'learn'>,
  { annotations }: Pick<Service, 'annotations'>,
  timeoutMs?: number,
): Promise<boolean> {
  const claim = annotations[claimAnnotation]
  if (claim === undefined || allocations.taken.ofClaim(claim).length > 0) return true
  for (const text of (eitherSpelling(annotations, addressAnnotation) ?? '').split(',')) {
    const address = parseIp(text.trim())
    if (address === undefined) continue
    const found = await client.get({ resource: eipAllocations, name: allocationName(address) }, { timeoutMs })
    const record = found.ok ? readAllocation(found.value) : undefined
    if (record !== undefined) allocations.learn(record)
    if (!found.ok && found.error.code !== 'NotFound') return false
  }
  return true
}

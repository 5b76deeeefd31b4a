// Changes of a live Service: judged only in what they change; objects being deleted always pass.
import { formatIp } from '../address/index.ts'
import {
  type Pools,
  type Taken,
  areEnough,
  breaksSharing,
  chooseAddresses,
  fit,
  isOurs,
  nameOf,
  readRequest,
  sortRecords,
  wantedIn,
} from '../ipam/index.ts'
import { type Allocation, type Reason, type Service, claimAnnotation, poolLabel } from '../model/index.ts'
import { type JsonPatch, patchMap } from './json-patch.ts'
import { type Judgement, allow } from './verdict.ts'

/**
 * Refused: what contradicts itself or a policy. What merely lacks something now is admitted and the old address stays,
 * unless `unavailable` says that it is refused too. A Service that becomes ours is judged as if it were created.
 */
export function judgeServiceUpdate(
  before: Service,
  after: Service,
  pools: Pools,
  taken: Taken,
  unavailable: 'wait' | 'refuse' = 'wait',
): Judgement {
  if (after.deleting) return allow
  const key = `${after.namespace}/${after.name}`
  const named = taken.ofService(key)
  if (!isOurs(after, pools, named.length > 0)) return allow
  // By what it was: a record that the change itself would lose is still its own.
  const { own } = sortRecords(named, { key, service: before, taken, findService: () => 'unknown' })
  const wasOurs = isOurs(before, pools, named.length > 0)
  const broken = refuseBrokenSharing(before, after, own)
  if (broken !== undefined) return { kind: 'refuse', reason: broken }
  const was = readRequest(before, own, pools.primaryFamily)
  const now = readRequest(after, own, pools.primaryFamily)
  if (!now.ok) return was.ok || !wasOurs ? { kind: 'refuse', reason: now.reason } : allow
  const { request } = now
  if (wasOurs && was.ok && JSON.stringify(was.request, asText) === JSON.stringify(request, asText)) return allow
  const { families } = fit(own, request, pools)
  if (families.length === wantedIn(request).length) return allow
  const choice = chooseAddresses(
    { service: after, request, pools, taken, findService: () => 'unknown', start: 0 },
    families,
  )
  const mayWait = unavailable === 'wait' || areEnough(families, request)
  if (choice.kind === 'refuse' || (choice.kind === 'wait' && !mayWait)) return { kind: 'refuse', reason: choice.reason }
  const lacking = choice.kind === 'wait' ? choice.reason : choice.kind === 'claim' ? choice.lacking : undefined
  return lacking === undefined ? allow : { kind: 'allow', warnings: [lacking] }
}

// An edit that would break a working shared address. The others shared with `before`, so what `after` changes of what
// both must have in common breaks it, whatever theirs is.
function refuseBrokenSharing(before: Service, after: Service, own: readonly Allocation[]): Reason | undefined {
  for (const record of own) {
    const what = breaksSharing(before, after, record)
    if (what === undefined) continue
    const message = `Service ${nameOf(after)} shares ${formatIp(record.address)}, and ${what}; ask for another address first, or undo the change`
    return { code: 'SharingBroken', message }
  }
  return undefined
}

/** `kubectl replace` with the original manifest drops what we wrote: it is put back while the Service stays ours. */
export function putBackClaim(before: Service, after: Service, pools: Pools): JsonPatch {
  if (!isOurs(after, pools, true)) return []
  const claim = before.annotations[claimAnnotation]
  const pool = before.labels[poolLabel]
  return [
    ...(claim === undefined || claimAnnotation in after.annotations
      ? []
      : patchMap(['metadata', 'annotations'], after.annotations, { [claimAnnotation]: claim })),
    ...(pool === undefined || poolLabel in after.labels
      ? []
      : patchMap(['metadata', 'labels'], after.labels, { [poolLabel]: pool })),
  ]
}

function asText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

// Changes of a live Service: judged only in what they change; objects being deleted always pass.
import { type Pools, type Taken, chooseAddresses, isOurs, readRequest } from '../ipam/index.ts'
import { type Service, claimAnnotation, poolLabel } from '../model/index.ts'
import { type JsonPatch, patchMap } from './json-patch.ts'
import { type Judgement, allow } from './verdict.ts'

/** Refused: what contradicts itself or a policy. What merely lacks something now is admitted; the old address stays. */
export function judgeServiceUpdate(before: Service, after: Service, pools: Pools, taken: Taken): Judgement {
  if (after.deleting) return allow
  const own = taken.ofService(`${after.namespace}/${after.name}`)
  if (!isOurs(after, pools, own.length > 0)) return allow
  const was = readRequest(before, own, pools.primaryFamily)
  const now = readRequest(after, own, pools.primaryFamily)
  if (!now.ok) return was.ok ? { kind: 'refuse', reason: now.reason } : allow
  if (was.ok && JSON.stringify(was.request, asText) === JSON.stringify(now.request, asText)) return allow
  const held = own.map(({ address }) => address)
  const satisfied =
    now.request.addresses.length > 0 &&
    now.request.addresses.every((ip) => held.some((other) => other.family === ip.family && other.bits === ip.bits))
  if (satisfied && now.request.pools.length === 0) return allow
  const choice = chooseAddresses({
    service: after,
    request: now.request,
    pools,
    taken,
    findService: () => 'unknown',
    start: 0,
  })
  if (choice.kind === 'refuse') return { kind: 'refuse', reason: choice.reason }
  return choice.kind === 'wait' ? { kind: 'allow', warnings: [choice.reason] } : allow
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

// Status of an Eip (openelb-api.md 2.2): OpenELB's fields, and `free` and conditions of ours.
import { type Family, compareIp, formatIp } from '../address/index.ts'
import { type Pools, defaultEip, poolClosed, spans } from '../ipam/pools.ts'
import { freeCount, poolSize } from '../ipam/space.ts'
import type { Taken } from '../ipam/taken.ts'
import { type Allocation, type Condition, type Eip, findCondition, readConditions } from '../model/index.ts'
import { sameValue } from './same-value.ts'

export interface EipStatus {
  readonly poolSize: number
  readonly usage: number
  readonly free: number
  readonly occupied: boolean
  /** Address → `ns/name`, several separated by `;`. At most 256 entries: all are EipAllocations. */
  readonly used: Readonly<Record<string, string>>
  readonly firstIP: string
  readonly lastIP: string
  /** Whether `address` is IPv4. */
  readonly v4: boolean
  readonly ready: boolean
  readonly conditions: readonly Condition[]
}

export const mostUsedListed = 256

/** What a pool has of one IP family; no number is more than 2^53 - 1. */
export interface PoolCounts {
  readonly family: Family
  readonly total: number
  readonly used: number
  readonly free: number
}

/**
 * What the status counts, by family: one for each that the Eip has addresses of. Only a pool of both is counted again,
 * since that looks at every address in use.
 */
export function countPool(
  eip: Eip,
  status: Pick<EipStatus, 'poolSize' | 'usage' | 'free'>,
  taken: Taken,
  pools: Pools,
): readonly PoolCounts[] {
  const families = [...new Set(eip.ranges.map(({ first }) => first.family))].toSorted((a, b) => a - b)
  return families.map((family): PoolCounts => {
    if (families.length === 1) return { family, total: status.poolSize, used: status.usage, free: status.free }
    const part = { ...eip, ranges: eip.ranges.filter(({ first }) => first.family === family) }
    const used = [...taken.ofEip(eip.name)].filter(({ address }) => address.family === family).length
    return { family, total: capped(poolSize(part)), used, free: capped(freeCount(part, taken, pools)) }
  })
}

/**
 * `now` is RFC 3339; a condition that has not turned keeps the time that is stored. `more`: conditions that do not rest
 * on the pool itself.
 */
export function eipStatus(
  eip: Eip,
  taken: Taken,
  pools: Pools,
  now: string,
  more: readonly Condition[] = [],
): EipStatus {
  const size = poolSize(eip)
  const records = [...taken.ofEip(eip.name)].toSorted((a, b) => compareIp(a.address, b.address))
  const usage = records.length
  const free = freeCount(eip, taken, pools)
  const [range] = eip.ranges
  const ready = readyCondition(eip, pools)
  const stored = readConditions(eip.status)
  const stamped = (condition: Condition): Condition => {
    const before = findCondition(stored, condition.type)
    const since = before?.status === condition.status ? before.lastTransitionTime : undefined
    return { ...condition, lastTransitionTime: since ?? now }
  }
  return {
    poolSize: capped(size),
    usage,
    free: capped(free),
    occupied: free === 0n,
    used: Object.fromEntries(
      records.slice(0, mostUsedListed).map((record) => [formatIp(record.address), holders(record)]),
    ),
    firstIP: range === undefined ? '' : formatIp(range.first),
    lastIP: range === undefined ? '' : formatIp(range.last),
    v4: range?.first.family === 4,
    ready: ready.status === 'True',
    conditions: [
      ready,
      usedListed(usage),
      announced(eip),
      ...stranded(eip, records),
      ...outranked(eip, pools),
      ...more,
    ].map(stamped),
  }
}

/** Whether the stored status says what is wanted, in whatever order its fields came. */
export function sameStatus(stored: unknown, wanted: EipStatus): boolean {
  return sameValue(stored, wanted)
}

// JSON numbers are exact up to 2^53 - 1 (openelb-api.md 1.1).
function capped(size: bigint): number {
  return size > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(size)
}

function holders(record: Allocation): string {
  return record.holders
    .map(({ namespace, name, generateName }) => `${namespace}/${name === '' ? generateName : name}`)
    .join(';')
}

function readyCondition(eip: Eip, pools: Pools): Condition {
  const closed = poolClosed(eip, pools)
  if (closed === undefined) {
    return { type: 'Ready', status: 'True', reason: 'Ready', message: 'addresses are handed out' }
  }
  return { type: 'Ready', status: 'False', reason: closed.code, message: closed.message }
}

function usedListed(usage: number): Condition {
  const whole = usage <= mostUsedListed
  return {
    type: 'UsedComplete',
    status: whole ? 'True' : 'False',
    reason: whole ? 'Complete' : 'Truncated',
    message: whole
      ? 'status.used lists every address in use'
      : `status.used lists ${mostUsedListed} of ${usage} addresses in use; see kubectl get eipa -l bellhop.dev/eip`,
  }
}

// Conditions that are there only while something is wrong: it slipped past a webhook that was down.
function stranded(eip: Eip, records: readonly Allocation[]): readonly Condition[] {
  const outside = records.filter(({ address }) => !spans(eip, address))
  if (outside.length === 0) return []
  const named = outside.slice(0, 5).map(({ address }) => formatIp(address))
  const more = outside.length > 5 ? ` and ${outside.length - 5} more` : ''
  const message = `${named.join(', ')}${more} in use and no longer in the Eip; they are kept and announced: widen spec.address or spec.extraAddresses`
  return [{ type: 'CoversUsed', status: 'False', reason: 'PoolGone', message }]
}

function outranked(eip: Eip, pools: Pools): readonly Condition[] {
  const counts = defaultEip(pools)
  if (!eip.isDefault || counts === undefined || counts.name === eip.name) return []
  const message = `Eip ${counts.name} is the default already and older, so it counts; take the annotation is-default-eip away from one of them`
  return [{ type: 'Default', status: 'False', reason: 'SecondDefaultPool', message }]
}

function announced(eip: Eip): Condition {
  const type = 'Announced'
  if (eip.ownedByCni) {
    return { type, status: 'False', reason: 'OwnedByCni', message: 'left to the CNI by its label: allocated from only' }
  }
  if (eip.protocol === 'bgp') return { type, status: 'True', reason: 'Announced', message: 'announced by BGP' }
  const message = `protocol ${eip.protocol} is allocated from, and not announced yet`
  return { type, status: 'False', reason: 'ProtocolNotAnnounced', message }
}

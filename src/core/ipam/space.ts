// How much of an Eip there is, and how much of it can still be handed out; counted by ranges, never by walking them.
import { type Ip, type IpRange, formatIp, rangeContains, rangeSize, rangesOverlap } from '../address/index.ts'
import type { Eip } from '../model/index.ts'
import { type Pools, isBuggy } from './pools.ts'
import type { Taken } from './taken.ts'

/** Ranges of the Eip without its excludes. */
export function spaceOf(eip: Eip): readonly IpRange[] {
  return subtractRanges(eip.ranges, eip.excludes)
}

/** Number of addresses of the Eip, without its excludes. */
export function poolSize(eip: Eip): bigint {
  return sizeOf(spaceOf(eip))
}

/** Number of addresses of the Eip that nobody holds and that may be handed out. */
export function freeCount(eip: Eip, taken: Taken, pools: Pools): bigint {
  const space = spaceOf(eip)
  const single = new Map<string, Ip>()
  const whole: IpRange[] = []
  for (const { range } of pools.reservations?.(space) ?? []) {
    if (range.first.bits === range.last.bits) single.set(formatIp(range.first), range.first)
    else whole.push(range)
  }
  const open = subtractRanges(space, whole)
  for (const { address } of taken.ofEip(eip.name)) single.set(formatIp(address), address)
  const isCounted = (ip: Ip): boolean =>
    open.some((range) => rangeContains(range, ip)) && !(eip.avoidBuggyIPs && isBuggy(ip))
  const gone = [...single.values()].filter(isCounted).length
  const buggy = eip.avoidBuggyIPs ? open.reduce((sum, range) => sum + buggyIn(range), 0n) : 0n
  return sizeOf(open) - buggy - BigInt(gone)
}

/** What of `ranges` is in none of `holes`, in order. */
export function subtractRanges(ranges: readonly IpRange[], holes: readonly IpRange[]): readonly IpRange[] {
  let rest = ranges
  for (const hole of holes) rest = rest.flatMap((range) => withoutHole(range, hole))
  return rest
}

function withoutHole(range: IpRange, hole: IpRange): readonly IpRange[] {
  if (!rangesOverlap(range, hole)) return [range]
  const { family } = range.first
  const left: IpRange = { first: range.first, last: { family, bits: hole.first.bits - 1n } }
  const right: IpRange = { first: { family, bits: hole.last.bits + 1n }, last: range.last }
  return [left, right].filter(({ first, last }) => first.bits <= last.bits)
}

function sizeOf(ranges: readonly IpRange[]): bigint {
  return ranges.reduce((sum, range) => sum + rangeSize(range), 0n)
}

function buggyIn({ first, last }: IpRange): bigint {
  return first.family === 4 ? buggyBelow(last.bits + 1n) - buggyBelow(first.bits) : 0n
}

// Of every 256 addresses the first and the last.
function buggyBelow(bits: bigint): bigint {
  return (bits >> 8n) * 2n + ((bits & 0xffn) > 0n ? 1n : 0n)
}

// A range of addresses of one family, first and last included: what an Eip calls `address`.
import { type Ip, compareIp, formatIp, parseIp, sameIp, widthOf } from './ip.ts'
import { type Prefix, parsePrefix } from './prefix.ts'

export interface IpRange {
  readonly first: Ip
  readonly last: Ip
}

/** Reads the forms that Eip.spec.address allows: `a`, `a/p` (host bits ignored), `a-b`. Undefined when malformed or reversed. */
export function parseRange(text: string): IpRange | undefined {
  const trimmed = text.trim()
  if (trimmed.includes('/')) {
    const prefix = parsePrefix(trimmed)
    return prefix && rangeOfPrefix(prefix)
  }
  const ends = trimmed.split('-').map((end) => parseIp(end.trim()))
  const [first, last = first] = ends
  if (ends.length > 2 || first === undefined || last === undefined) return undefined
  if (ends.length === 2 && ends[1] === undefined) return undefined
  if (first.family !== last.family || compareIp(first, last) > 0) return undefined
  return { first, last }
}

export function rangeOfPrefix({ ip, length }: Prefix): IpRange {
  const host = BigInt(widthOf(ip.family) - length)
  return { first: ip, last: { family: ip.family, bits: ip.bits | ((1n << host) - 1n) } }
}

export function rangeOfIp(ip: Ip): IpRange {
  return { first: ip, last: ip }
}

export function formatRange({ first, last }: IpRange): string {
  return compareIp(first, last) === 0 ? formatIp(first) : `${formatIp(first)}-${formatIp(last)}`
}

/** Number of addresses. */
export function rangeSize({ first, last }: IpRange): bigint {
  return last.bits - first.bits + 1n
}

export function rangeContains({ first, last }: IpRange, ip: Ip): boolean {
  return first.family === ip.family && first.bits <= ip.bits && ip.bits <= last.bits
}

export function rangesOverlap(a: IpRange, b: IpRange): boolean {
  return a.first.family === b.first.family && a.first.bits <= b.last.bits && b.first.bits <= a.last.bits
}

/** The same ranges in the same order. */
export function sameRanges(a: readonly IpRange[], b: readonly IpRange[]): boolean {
  return a.length === b.length && a.every((range, at) => sameRange(range, b[at]))
}

function sameRange(a: IpRange, b: IpRange | undefined): boolean {
  return b !== undefined && sameIp(a.first, b.first) && sameIp(a.last, b.last)
}

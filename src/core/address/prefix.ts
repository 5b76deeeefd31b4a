// A prefix (RFC 4632, RFC 4291 §2.3): a block of addresses that share their first `length` bits.
import { type Ip, formatIp, parseIp, widthOf } from './ip.ts'

export interface Prefix {
  /** First address of the block: all bits after `length` are zero. */
  readonly ip: Ip
  readonly length: number
}

/** The block of `length` bits in which `ip` lies; host bits are dropped. */
export function prefixOf(ip: Ip, length: number): Prefix {
  const host = BigInt(widthOf(ip.family) - length)
  return { ip: { family: ip.family, bits: (ip.bits >> host) << host }, length }
}

/** The /32 or /128 of one address. */
export function hostPrefix(ip: Ip): Prefix {
  return { ip, length: widthOf(ip.family) }
}

/** Reads `address/length`; host bits are allowed and dropped. Undefined when malformed. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const ip = parseIp(text.slice(0, slash))
  const lengthText = text.slice(slash + 1)
  if (ip === undefined || !/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) return undefined
  const length = Number(lengthText)
  return length <= widthOf(ip.family) ? prefixOf(ip, length) : undefined
}

/** Canonical text `address/length`; a map key. */
export function formatPrefix(prefix: Prefix): string {
  return [formatIp(prefix.ip), prefix.length].join('/')
}

/** A map key that takes little room; a canonical text for IPv6. */
export function prefixKey(prefix: Prefix): number | string {
  return prefix.ip.family === 4 ? Number(prefix.ip.bits) * 64 + prefix.length : formatPrefix(prefix)
}

export function prefixContains(prefix: Prefix, ip: Ip): boolean {
  if (prefix.ip.family !== ip.family) return false
  const host = BigInt(widthOf(ip.family) - prefix.length)
  return ip.bits >> host === prefix.ip.bits >> host
}

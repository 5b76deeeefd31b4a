// An IP address as a value: its family and its bits. Text exists only at the edges (parseIp, formatIp).
import { parseIp as parse, stringifyIp } from 'ip-bigint'

export type Family = 4 | 6

export interface Ip {
  readonly family: Family
  /** The address as an unsigned integer, 32 or 128 bits wide. */
  readonly bits: bigint
}

/** Width of an address in bits: 32 or 128. */
export function widthOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128
}

/** Returns undefined for anything that is not a complete IPv4 or IPv6 address; zone ids and mapped notation are refused. */
export function parseIp(text: string): Ip | undefined {
  if (text.includes('%')) return undefined
  if (!text.includes(':')) return parseIpv4(text)
  if (!/^[0-9a-fA-F:.]+$/.test(text)) return undefined
  try {
    const { number, version, ipv4mapped } = parse(text)
    return version === 6 && ipv4mapped !== true ? { family: 6, bits: number } : undefined
  } catch {
    return undefined
  }
}

// Octets with leading zeros are refused: they read as octal elsewhere (CVE-2021-29921).
function parseIpv4(text: string): Ip | undefined {
  const octets = text.split('.')
  if (octets.length !== 4) return undefined
  let bits = 0n
  for (const octet of octets) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(octet)) return undefined
    const value = Number(octet)
    if (value > 255) return undefined
    bits = (bits << 8n) | BigInt(value)
  }
  return { family: 4, bits }
}

/** Canonical text (RFC 5952 for IPv6): two addresses are equal exactly when their text is; use it as a map key. */
export function formatIp(ip: Ip): string {
  // Texts of addresses are kept by the ten thousand. Joined they are one piece; concatenated, V8 keeps all the pieces.
  if (ip.family === 4) return ipToBytes(ip).join('.')
  return stringifyIp({ number: ip.bits, version: ip.family }, { compress: true, hexify: false })
}

export function sameIp(a: Ip, b: Ip): boolean {
  return a.family === b.family && a.bits === b.bits
}

/** Order: IPv4 before IPv6, then by value. */
export function compareIp(a: Ip, b: Ip): number {
  if (a.family !== b.family) return a.family - b.family
  return a.bits < b.bits ? -1 : a.bits > b.bits ? 1 : 0
}

/** Big-endian bytes: 4 or 16. */
export function ipToBytes(ip: Ip): Uint8Array {
  const bytes = new Uint8Array(ip.family === 4 ? 4 : 16)
  let rest = ip.bits
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** The inverse of ipToBytes; `bytes` is 4 or 16 long. */
export function ipFromBytes(bytes: Uint8Array): Ip {
  let bits = 0n
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte)
  return { family: bytes.length === 4 ? 4 : 6, bits }
}

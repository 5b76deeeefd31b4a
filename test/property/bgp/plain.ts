import { widthOf } from '../../../src/core/address/index.ts'
import type { Ip } from '../../../src/core/address/index.ts'
import type { Message, Nlri } from '../../../src/core/bgp/wire/index.ts'

/** A message as naive-decoder.ts tells it: addresses and octets in hexadecimal, prefixes as `bits/length#identifier`. */
export function plain(message: Message): unknown {
  return flat(message)
}

function flat(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(flat)
  if (typeof value !== 'object' || value === null) return value
  if ('bits' in value && 'family' in value) return hexOf(value as Ip)
  if ('pathId' in value) return nlri(value as Nlri)
  if ('class' in value && 'subcode' in value) return `${String(value.class)} ${String(value.subcode)}`
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, flat(each)]))
}

function hexOf({ family, bits }: Ip): string {
  return bits.toString(16).padStart(widthOf(family) / 4, '0')
}

function nlri({ prefix: { ip, length }, pathId }: Nlri): string {
  const bits = ip.bits.toString(2).padStart(widthOf(ip.family), '0')
  return `${bits.slice(0, length)}/${length}#${pathId}`
}

// Network Layer Reachability Information: RFC 4271 §4.3 (length in bits, then as few octets as hold them), with a path
// identifier in front where ADD-PATH was negotiated (RFC 7911 §3).
import { type Family, type Prefix, ipFromBytes, prefixOf, widthOf } from '../../address/index.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

export interface Nlri {
  readonly prefix: Prefix
  /** 0 where ADD-PATH is not in use. */
  readonly pathId: number
}

/** Reads to the end of `reader`; undefined when a length is over the family's width or over what is left. */
export function readNlri(reader: Reader, family: Family, withPathId: boolean): readonly Nlri[] | undefined {
  const width = widthOf(family)
  const list: Nlri[] = []
  while (reader.remaining > 0) {
    const pathId = withPathId ? reader.u32() : 0
    const length = reader.u8()
    if (length > width) return undefined
    const octets = new Uint8Array(width / 8)
    octets.set(reader.take((length + 7) >> 3))
    if (reader.short) return undefined
    // RFC 4271 §4.3: the value of trailing bits is irrelevant.
    list.push({ prefix: prefixOf(ipFromBytes(octets), length), pathId })
  }
  return list
}

export function writeNlri(writer: Writer, { prefix, pathId }: Nlri, withPathId: boolean): void {
  if (withPathId) writer.u32(pathId)
  writePrefix(writer, prefix)
}

// The one function that runs for every prefix of a transfer: no arrays in between.
function writePrefix(writer: Writer, { ip, length }: Prefix): void {
  writer.u8(length)
  if (ip.family === 4) {
    const bits = Number(ip.bits)
    if (length === 32) return writer.u32(bits)
    for (let shift = 24; shift > 24 - length; shift -= 8) writer.u8((bits >>> shift) & 0xff)
    return
  }
  const octets = (length + 7) >> 3
  for (let word = 0; word * 4 < octets; word++) {
    const bits = Number((ip.bits >> BigInt(96 - word * 32)) & 0xffffffffn)
    const left = octets - word * 4
    if (left >= 4) writer.u32(bits)
    else for (let i = 0; i < left; i++) writer.u8((bits >>> (24 - i * 8)) & 0xff)
  }
}

/** Octets that writeNlri writes. */
export function nlriLength({ length }: Prefix, withPathId: boolean): number {
  return (withPathId ? 5 : 1) + ((length + 7) >> 3)
}

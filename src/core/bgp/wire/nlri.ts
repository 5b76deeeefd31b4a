// Network Layer Reachability Information: RFC 4271 §4.3 (length in bits, then as few octets as hold them), with a path
// identifier in front where ADD-PATH was negotiated (RFC 7911 §3).
import { type Family, type Prefix, ipFromBytes, ipToBytes, prefixOf, widthOf } from '../../address/index.ts'
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
  writer.u8(prefix.length)
  writer.raw(ipToBytes(prefix.ip).subarray(0, (prefix.length + 7) >> 3))
}

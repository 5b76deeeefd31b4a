// Host routes in the answer to RTM_GETROUTE, read from its bytes (linux/rtnetlink.h): the kernel lists the routes of
// everybody, and to make objects of all of them, as the library does, took three quarters of the time of a look.
import { endianness } from 'node:os'
import { type Family, ipFromBytes } from '../../core/address/index.ts'
import { type HostRoute, hostProtocol, hostTable, localTable } from '../../core/routes/index.ts'

// struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type (a byte each), flags (4).
const [dstLenAt, tableAt, protocolAt, typeAt, attributesAt] = [1, 4, 5, 7, 12]
// Attributes: length (2), type (2), value, padding to 4.
const [attributeDst, attributeOif, attributeTable] = [1, 4, 15]
const loopbackIndex = 1
const isLittle = endianness() === 'LE'

/** Whether the route of the dump that begins at `at` carries our protocol number: what most of a long list is dropped by. */
export function isOurs(data: Uint8Array, at = 0): boolean {
  return data[at + protocolAt] === hostProtocol
}

/** Undefined: not one of ours. `typeOf`: the type that ours have, by table. */
export function readHostRoute(
  data: Uint8Array,
  family: Family,
  typeOf: (table: HostRoute['table']) => number,
): HostRoute | undefined {
  if (!isOurs(data) || data[dstLenAt] !== (family === 4 ? 32 : 128)) return undefined
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  let table = data[tableAt] ?? 0
  let outgoing = 0
  let address: Uint8Array | undefined
  for (let at = attributesAt; at + 4 <= data.length;) {
    const length = view.getUint16(at, isLittle)
    if (length < 4 || at + length > data.length) return undefined
    const type = view.getUint16(at + 2, isLittle)
    if (type === attributeDst) address = data.subarray(at + 4, at + length)
    else if (type === attributeOif && length === 8) outgoing = view.getUint32(at + 4, isLittle)
    else if (type === attributeTable && length === 8) table = view.getUint32(at + 4, isLittle)
    at += (length + 3) & ~3
  }
  if (address === undefined || outgoing !== loopbackIndex) return undefined
  if (table !== hostTable && table !== localTable) return undefined
  return data[typeAt] === typeOf(table) ? { address: ipFromBytes(address), table } : undefined
}

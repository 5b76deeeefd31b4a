// Host routes in the answer to RTM_GETROUTE, read from its bytes (linux/rtnetlink.h): the kernel lists the routes of
// everybody, and to make objects of all of them, as the library does, took three quarters of the time of a look.
import { endianness } from 'node:os'
import { type Family, ipFromBytes } from '../../core/address/index.ts'
import { type HostRoute, hostProtocol, hostTable, localTable, routeKey } from '../../core/routes/index.ts'

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

/** The type that our routes have, by table. */
export type TypeOf = (family: Family, table: HostRoute['table']) => number

/** Undefined: not one of ours. */
export function readHostRoute(data: Uint8Array, family: Family, typeOf: TypeOf): HostRoute | undefined {
  const found = locate(data, 0, data.length, family, typeOf)
  if (found < 0) return undefined
  const at = Math.floor(found / tables)
  return { address: ipFromBytes(data.subarray(at, at + lengthOf(family))), table: tableOf(found) }
}

/** routeKey of the route between `start` and `end`, without making the route; undefined: not one of ours. */
export function readRouteKey(
  data: Uint8Array,
  [start, end]: readonly [number, number],
  family: Family,
  typeOf: TypeOf,
): string | undefined {
  const found = locate(data, start, end, family, typeOf)
  if (found < 0) return undefined
  const [at, table] = [Math.floor(found / tables), tableOf(found)]
  if (family === 4) return `${data[at]}.${data[at + 1]}.${data[at + 2]}.${data[at + 3]} ${table}`
  return routeKey({ address: ipFromBytes(data.subarray(at, at + 16)), table })
}

const tables = 256
const tableOf = (found: number): HostRoute['table'] => (found % tables === localTable ? localTable : hostTable)
const lengthOf = (family: Family): number => (family === 4 ? 4 : 16)

// Where the address stands, times 256, plus the table: a number, since ten thousand are looked at in one go.
function locate(data: Uint8Array, start: number, end: number, family: Family, typeOf: TypeOf): number {
  if (!isOurs(data, start) || data[start + dstLenAt] !== lengthOf(family) * 8) return -1
  let table = data[start + tableAt] ?? 0
  let outgoing = 0
  let address = -1
  for (let at = start + attributesAt; at + 4 <= end;) {
    const length = read16(data, at)
    if (length < 4 || at + length > end) return -1
    const type = read16(data, at + 2)
    if (type === attributeDst && length === 4 + lengthOf(family)) address = at + 4
    else if (type === attributeOif && length === 8) outgoing = read32(data, at + 4)
    else if (type === attributeTable && length === 8) table = read32(data, at + 4)
    at += (length + 3) & ~3
  }
  if (address < 0 || outgoing !== loopbackIndex) return -1
  if (table !== hostTable && table !== localTable) return -1
  return data[start + typeAt] === typeOf(family, table) ? address * tables + table : -1
}

function read16(data: Uint8Array, at: number): number {
  const [first = 0, second = 0] = [data[at], data[at + 1]]
  return isLittle ? first | (second << 8) : (first << 8) | second
}

function read32(data: Uint8Array, at: number): number {
  const [first, second] = [read16(data, at), read16(data, at + 2)]
  return (isLittle ? first | (second << 16) : (first << 16) | second) >>> 0
}

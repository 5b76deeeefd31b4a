import assert from 'node:assert/strict'
import { endianness } from 'node:os'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { formatIp } from '../../../../src/core/address/index.ts'
import { routeKey } from '../../../../src/core/routes/index.ts'
import { type TypeOf, readHostRoute, readRouteKey } from '../../../../src/io/net/route-dump.ts'

const isLittle = endianness() === 'LE'
const local = 2
const blackhole = 6

interface Message {
  readonly length?: number
  readonly table?: number
  readonly protocol?: number
  readonly type?: number
  readonly attributes?: readonly (readonly [type: number, value: Uint8Array])[]
}

const number = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, isLittle)
  return bytes
}
const address = Uint8Array.of(172, 22, 0, 10)
const loopback = [4, number(1)] as const

/** As the kernel lists a route; without fields, one of ours. */
function messageOf(fields: Message = {}): Uint8Array {
  const { length = 32, table = 196, protocol = 196, type = local } = fields
  const { attributes = [[15, number(table)], [1, address], loopback] } = fields
  const head = Uint8Array.of(2, length, 0, 0, table < 256 ? table : 0, protocol, 254, type, 0, 0, 0, 0)
  const parts = attributes.map(([kind, value]) => {
    const part = new Uint8Array((4 + value.length + 3) & ~3)
    const view = new DataView(part.buffer)
    view.setUint16(0, 4 + value.length, isLittle)
    view.setUint16(2, kind, isLittle)
    part.set(value, 4)
    return part
  })
  // Not at the beginning of its buffer, as in a long answer.
  return Buffer.concat([Buffer.alloc(16), head, ...parts]).subarray(16)
}

const read = (message: Uint8Array, family: 4 | 6 = 4): string | undefined => {
  const typeOf: TypeOf = (of, table) => (of === 6 && table === 196 ? blackhole : local)
  const route = readHostRoute(message, family, typeOf)
  const around = Buffer.concat([Buffer.alloc(7), message, Buffer.alloc(5)])
  const key = readRouteKey(around, [7, 7 + message.length], family, typeOf)
  assert.equal(key, route && routeKey(route), 'the key alone is that of the route')
  return route === undefined ? undefined : `${formatIp(route.address)} ${route.table}`
}

void test('a route of ours is read, in both tables and families', () => {
  assert.equal(read(messageOf()), '172.22.0.10 196')
  assert.equal(read(messageOf({ table: 255 })), '172.22.0.10 255')
  const six = new Uint8Array(16)
  six.set([0xfd, 0, 0, 1], 0)
  six[15] = 1
  const attributes = [[1, six], [12, number(7)], loopback] as const
  assert.equal(read(messageOf({ length: 128, type: blackhole, attributes }), 6), 'fd00:1::1 196')
  assert.equal(read(messageOf({ length: 128, attributes }), 6), undefined, 'a local one in our table is not ours')
})

void test('what differs in anything is not ours', () => {
  const others: readonly Message[] = [
    { protocol: 4 },
    { length: 24 },
    { table: 254 },
    { table: 77 },
    { table: 1000 },
    { type: 7 },
    { attributes: [[1, address]] },
    {
      attributes: [
        [1, address],
        [4, number(2)],
      ],
    },
    { attributes: [loopback] },
  ]
  for (const other of others) assert.equal(read(messageOf(other)), undefined, JSON.stringify(other))
})

void test('whatever the bytes are, reading them ends, and makes nothing up', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(60), (noise, from) => {
      read(noise)
      const broken = Uint8Array.from(messageOf())
      broken.set(noise.subarray(0, Math.max(0, broken.length - from)), Math.min(from, broken.length))
      const route = readHostRoute(broken, 4, () => local)
      if (route !== undefined) assert.ok(route.table === 196 || route.table === 255)
    }),
  )
})

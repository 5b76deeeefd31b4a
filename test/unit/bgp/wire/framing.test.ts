import assert from 'node:assert/strict'
import { test } from 'node:test'

import { encodeKeepalive, nextFrame } from '../../../../src/core/bgp/wire/index.ts'
import { bytes, hex, marker } from './hex.ts'

test('RFC 4271 §4.1: a KEEPALIVE is the header alone', () => {
  assert.equal(hex(encodeKeepalive()), hex(bytes(`${marker} 0013 04`)))
})

test('a stream is cut into messages, with what is missing counted', () => {
  const stream = new Uint8Array([...encodeKeepalive(), ...encodeKeepalive()])
  const first = nextFrame(stream, 0, 4096)
  assert.deepEqual(first, { kind: 'frame', type: 4, body: new Uint8Array(0), length: 19 })
  assert.equal(nextFrame(stream, 19, 4096).kind, 'frame')
  assert.deepEqual(nextFrame(stream.subarray(0, 30), 19, 4096), { kind: 'needs-more', octets: 8 })
  assert.deepEqual(nextFrame(bytes(`${marker} 0020 02 0000`), 0, 4096), { kind: 'needs-more', octets: 11 })
})

const errors: readonly (readonly [what: string, octets: string, max: number, subcode: number, data: string])[] = [
  ['6.1: marker not all ones, seen before the header is whole', 'ffff fe', 4096, 1, ''],
  ['6.1: length under 19', `${marker} 0012 04`, 4096, 2, '0012'],
  ['6.1: length over 4096', `${marker} 1001 02`, 4096, 2, '1001'],
  ['6.1: OPEN shorter than its fixed part', `${marker} 001c 01`, 4096, 2, '001c'],
  ['6.1: UPDATE shorter than its fixed part', `${marker} 0016 02`, 4096, 2, '0016'],
  ['6.1: NOTIFICATION shorter than its fixed part', `${marker} 0014 03`, 4096, 2, '0014'],
  ['6.1: KEEPALIVE of another length than 19', `${marker} 0014 04`, 4096, 2, '0014'],
  ['RFC 8654 §4: OPEN over 4096 even with extended messages', `${marker} 1001 01`, 65535, 2, '1001'],
  ['6.1: unknown type', `${marker} 0013 06`, 4096, 3, '06'],
  ['6.1: type 0', `${marker} 0013 00`, 4096, 3, '00'],
]

for (const [what, octets, max, subcode, data] of errors) {
  test(`RFC 4271 ${what}: Message Header Error, subcode ${subcode}`, () => {
    const framed = nextFrame(bytes(octets), 0, max)
    assert.ok(framed.kind === 'error')
    assert.deepEqual([framed.code, framed.subcode, hex(framed.data)], [1, subcode, hex(bytes(data))])
  })
}

test('RFC 8654: an UPDATE of 65535 octets where that was negotiated', () => {
  assert.equal(nextFrame(bytes(`${marker} ffff 02`), 0, 65535).kind, 'needs-more')
})

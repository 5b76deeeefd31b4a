import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parseIp } from '../../../../src/core/address/index.ts'
import {
  type Capability,
  type Open,
  asOfOpen,
  decodeOpen,
  encodeOpen,
  isWireError,
} from '../../../../src/core/bgp/wire/index.ts'
import { bytes, hex, marker } from './hex.ts'

const routerId = parseIp('192.0.2.1') ?? assert.fail()

function open(capabilities: readonly Capability[], rest: Partial<Open> = {}): Open {
  return { type: 'open', version: 4, as: 65001, holdTimeSeconds: 90, routerId, capabilities, ...rest }
}

// Each capability's value as its RFC lays it out.
const capabilities: readonly (readonly [what: string, capability: Capability, octets: string])[] = [
  ['RFC 4760 §8 Multiprotocol, IPv6 unicast', { name: 'multiprotocol', afi: 2, safi: 1 }, '01 04 0002 00 01'],
  ['RFC 2918 §2 Route Refresh', { name: 'routeRefresh' }, '02 00'],
  ['RFC 7313 §3.1 Enhanced Route Refresh', { name: 'enhancedRouteRefresh' }, '46 00'],
  ['RFC 8654 §3 Extended Message', { name: 'extendedMessage' }, '06 00'],
  ['RFC 6793 §3 four-octet AS', { name: 'fourOctetAs', as: 4200000001 }, '41 04 fa56ea01'],
  [
    'RFC 7911 §4 ADD-PATH',
    {
      name: 'addPath',
      families: [
        { afi: 1, safi: 1, send: true, receive: false },
        { afi: 2, safi: 1, send: true, receive: true },
      ],
    },
    '45 08 0001 01 02 0002 01 03',
  ],
  [
    'RFC 4724 §3 Graceful Restart, R bit, with the N bit of RFC 8538',
    {
      name: 'gracefulRestart',
      restarted: true,
      notification: true,
      restartTimeSeconds: 120,
      families: [{ afi: 1, safi: 1, forwardingPreserved: true }],
    },
    '40 06 c078 0001 01 80',
  ],
  [
    'RFC 8950 §4 Extended Next Hop',
    { name: 'extendedNextHop', encodings: [{ afi: 1, safi: 1, nextHopAfi: 2 }] },
    '05 06 0001 0001 0002',
  ],
  ['RFC 5492 §3 one that nobody knows', { name: 'other', code: 222, value: bytes('0102') }, 'de 02 0102'],
]

for (const [what, capability, octets] of capabilities) {
  test(`${what}: bytes and back`, () => {
    const length = bytes(octets).length
    const expected = bytes(`${marker} ${word(29 + 2 + length)} 01 04 fde9 005a c0000201
      ${octet(length + 2)} 02 ${octet(length)} ${octets}`)
    assert.equal(hex(encodeOpen(open([capability]))), hex(expected))
    assert.deepEqual(decodeOpen(expected.subarray(19)), open([capability]))
  })
}

test('RFC 4271 §4.2: an OPEN without optional parameters', () => {
  const octets = bytes(`${marker} 001d 01 04 fde9 005a c0000201 00`)
  assert.equal(hex(encodeOpen(open([]))), hex(octets))
  assert.deepEqual(decodeOpen(octets.subarray(19)), open([]))
})

test('RFC 5492 §4: several parameters, several capabilities in one', () => {
  const decoded = decodeOpen(bytes('04 fde9 005a c0000201 0e 02 02 0200 02 08 4600 4104 0000fde9'))
  assert.deepEqual(
    decoded,
    open([{ name: 'routeRefresh' }, { name: 'enhancedRouteRefresh' }, { name: 'fourOctetAs', as: 65001 }]),
  )
})

test('RFC 9072: parameters beyond 255 octets', () => {
  const long = open(Array.from({ length: 10 }, (_, i) => ({ name: 'other', code: 200 + i, value: new Uint8Array(60) })))
  const encoded = encodeOpen(long)
  assert.equal(hex(encoded.subarray(28, 36)), 'ff ff 02 6f 02 02 6c c8')
  assert.deepEqual(decodeOpen(encoded.subarray(19)), long)
})

test('RFC 9072 §2: the extended form is told by the type, whatever length is in front', () => {
  assert.deepEqual(decodeOpen(bytes('04 fde9 005a c0000201 04 ff 0005 02 0002 0200')), open([{ name: 'routeRefresh' }]))
})

test('a capability of a form that its RFC does not know is kept, not refused', () => {
  const decoded = decodeOpen(bytes('04 fde9 005a c0000201 05 02 03 410100'))
  assert.deepEqual(decoded, open([{ name: 'other', code: 65, value: bytes('00') }]))
})

const errors: readonly (readonly [what: string, octets: string, subcode: number, data: string])[] = [
  [
    'RFC 4271 §6.2 version 3: Unsupported Version Number with the version we speak',
    '03 fde9 005a c0000201 00',
    1,
    '0004',
  ],
  ['RFC 4271 §6.2 unknown optional parameter', '04 fde9 005a c0000201 02 01 00', 4, ''],
  ['parameters longer than the message', '04 fde9 005a c0000201 09 02 02 0200', 0, ''],
  ['parameters shorter than the message', '04 fde9 005a c0000201 00 02 02 0200', 0, ''],
  ['a parameter longer than the parameters', '04 fde9 005a c0000201 04 02 05 0200', 0, ''],
  ['a capability longer than its parameter', '04 fde9 005a c0000201 04 02 02 0204', 0, ''],
]

for (const [what, octets, subcode, data] of errors) {
  test(`${what}: OPEN Message Error, subcode ${subcode}`, () => {
    const error = decodeOpen(bytes(octets))
    assert.ok(isWireError(error))
    assert.deepEqual([error.code, error.subcode, hex(error.data)], [2, subcode, hex(bytes(data))])
  })
}

test('RFC 6793 §4.1: the AS of the capability counts, not AS_TRANS', () => {
  assert.equal(asOfOpen(open([{ name: 'fourOctetAs', as: 4200000001 }], { as: 23456 })), 4200000001)
  assert.equal(asOfOpen(open([])), 65001)
})

function octet(value: number): string {
  return value.toString(16).padStart(2, '0')
}

function word(value: number): string {
  return value.toString(16).padStart(4, '0')
}

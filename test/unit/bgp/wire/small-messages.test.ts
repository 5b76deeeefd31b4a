import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  decodeNotification,
  decodeRouteRefresh,
  describeNotification,
  encodeNotification,
  encodeRouteRefresh,
  hardReset,
  isWireError,
  notification,
  notificationName,
} from '../../../../src/core/bgp/wire/index.ts'
import { bytes, hex, marker } from './hex.ts'

test('RFC 4271 §4.5: a NOTIFICATION, bytes and back', () => {
  const message = notification(6, 4, bytes('0102'))
  const octets = bytes(`${marker} 0017 03 06 04 0102`)
  assert.equal(hex(encodeNotification(message)), hex(octets))
  assert.deepEqual(decodeNotification(octets.subarray(19)), message)
})

test('RFC 2918 §3 and RFC 7313 §3.2: a ROUTE-REFRESH, bytes and back', () => {
  const message = { type: 'routeRefresh', afi: 2, subtype: 1, safi: 1 } as const
  const octets = bytes(`${marker} 0017 05 0002 01 01`)
  assert.equal(hex(encodeRouteRefresh(message)), hex(octets))
  assert.deepEqual(decodeRouteRefresh(octets.subarray(19)), message)
})

test('RFC 7313 §5: a ROUTE-REFRESH of a wrong length, the whole message as data', () => {
  const error = decodeRouteRefresh(bytes('0001 00 01 05'))
  assert.ok(isWireError(error))
  assert.deepEqual([error.code, error.subcode, hex(error.data)], [7, 1, hex(bytes(`${marker} 0018 05 0001 00 01 05`))])
})

const names: readonly (readonly [code: number, subcode: number, name: string])[] = [
  [1, 2, 'Message Header Error/Bad Message Length'],
  [2, 2, 'OPEN Message Error/Bad Peer AS'],
  [3, 11, 'UPDATE Message Error/Malformed AS_PATH'],
  [4, 0, 'Hold Timer Expired'],
  [5, 3, 'Finite State Machine Error/Receive Unexpected Message in Established State'],
  [6, 2, 'Cease/Administrative Shutdown'],
  [6, 7, 'Cease/Connection Collision Resolution'],
  [6, 99, 'Cease/Subcode 99'],
  [99, 1, 'Error Code 99/Subcode 1'],
]
for (const [code, subcode, name] of names) {
  test(`code ${code}, subcode ${subcode} is ${name}`, () => assert.equal(notificationName(code, subcode), name))
}

test('RFC 9003: the words of a shutdown are shown, control characters are not', () => {
  const words = new TextEncoder().encode('back at\n5')
  const message = notification(6, 2, Uint8Array.of(words.length, ...words))
  assert.equal(describeNotification(message), 'Cease/Administrative Shutdown "back at 5"')
  assert.equal(describeNotification(notification(6, 2, Uint8Array.of(200, 65))), 'Cease/Administrative Shutdown')
})

test('RFC 8538 §3: a Hard Reset carries the NOTIFICATION it stands for', () => {
  const message = hardReset(notification(6, 3))
  assert.equal(hex(encodeNotification(message)), hex(bytes(`${marker} 0017 03 06 09 06 03`)))
  assert.equal(describeNotification(message), 'Cease/Hard Reset (Cease/Peer De-configured)')
})

test('RFC 8538 §3: Hard Resets nested thousands deep are named once', () => {
  const nested = Uint8Array.from({ length: 60_000 }, (_, i) => (i % 2 === 0 ? 6 : 9))
  assert.equal(describeNotification(notification(6, 9, nested)), 'Cease/Hard Reset (Cease/Hard Reset)')
})

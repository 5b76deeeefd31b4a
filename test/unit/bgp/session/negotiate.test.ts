import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parseIp } from '../../../../src/core/address/index.ts'
import { negotiate, openOf, type SessionSettings } from '../../../../src/core/bgp/session/index.ts'
import { type Open, isWireError } from '../../../../src/core/bgp/wire/index.ts'
import { peerOpen, settings } from './sessions.ts'

function agreed(changed: Partial<SessionSettings>, open: Partial<Open>) {
  const negotiated = negotiate({ ...settings, ...changed }, peerOpen(open))
  if (isWireError(negotiated)) return assert.fail(negotiated.detail)
  return negotiated
}

const multiprotocol = (afi: number) => ({ name: 'multiprotocol', afi, safi: 1 }) as const
const receives = (afi: number) =>
  ({ name: 'addPath', families: [{ afi, safi: 1, send: false, receive: true }] }) as const

test('RFC 4760 §8: families that both offer', () => {
  const capabilities = [multiprotocol(2), multiprotocol(25)]
  assert.deepEqual(agreed({ families: [4, 6] }, { capabilities }).families, [6])
})

test('RFC 4760 §8: a peer that offers none speaks IPv4', () => {
  assert.deepEqual(agreed({ families: [4, 6] }, { capabilities: [] }).families, [4])
})

test('RFC 7911 §4: several paths where we send and the peer receives', () => {
  const capabilities = [multiprotocol(1), multiprotocol(2), receives(2)]
  assert.deepEqual(agreed({ families: [4, 6], addPathSendMax: 8 }, { capabilities }).addPathSend, [6])
  assert.deepEqual(agreed({ families: [4, 6], addPathSendMax: 1 }, { capabilities }).addPathSend, [])
})

test('RFC 6793: two octets with a peer that does not offer four', () => {
  assert.equal(agreed({}, { capabilities: [] }).fourOctetAs, false)
  assert.equal(agreed({}, {}).fourOctetAs, true)
})

test('RFC 8654: 65535 octets where both offer it', () => {
  assert.equal(agreed({}, {}).maxMessageLength, 4096)
  assert.equal(agreed({}, { capabilities: [{ name: 'extendedMessage' }] }).maxMessageLength, 65535)
})

const encodings = [{ afi: 1, safi: 1, nextHopAfi: 2 }]
const overIpv6 = { neighbor: parseIp('fd77::2') ?? assert.fail() }
const families = [4, 6] as const
const both = [multiprotocol(1), multiprotocol(2)]

test('RFC 8950 §4: offered where the session runs over IPv6, used where the peer takes it', () => {
  const takes = { capabilities: [...both, { name: 'extendedNextHop' as const, encodings }] }
  assert.equal(agreed({ ...overIpv6, families }, takes).extendedNextHop, true)
  assert.equal(agreed({ ...overIpv6, families }, { capabilities: both }).extendedNextHop, false)
  assert.equal(agreed({ families }, takes).extendedNextHop, false, 'over IPv4 there is an IPv4 next hop')
  assert.equal(agreed({ ...overIpv6, families: [6] }, takes).extendedNextHop, false)
  const offer = (changed: Partial<SessionSettings>): boolean =>
    openOf({ ...settings, ...changed }, false).capabilities.some(({ name }) => name === 'extendedNextHop')
  assert.deepEqual([offer({ ...overIpv6, families }), offer({ families })], [true, false])
})

test('RFC 6793 §9: AS_TRANS in the OPEN of an AS of four octets', () => {
  const { as, capabilities } = openOf({ ...settings, localAs: 4200000001 }, true)
  assert.equal(as, 23456)
  assert.ok(capabilities.some((capability) => capability.name === 'fourOctetAs' && capability.as === 4200000001))
})

test('RFC 4724 §3: the R bit until the first session, the F bit always: the kernel goes on forwarding', () => {
  const gracefulRestart = { restartTimeMs: 30_000 }
  for (const restarted of [true, false]) {
    const { capabilities } = openOf({ ...settings, gracefulRestart }, restarted)
    assert.deepEqual(
      capabilities.find(({ name }) => name === 'gracefulRestart'),
      {
        name: 'gracefulRestart',
        restarted,
        notification: false,
        restartTimeSeconds: 30,
        families: [{ afi: 1, safi: 1, forwardingPreserved: true }],
      },
    )
  }
})

const routerId = settings.routerId
const zero = parseIp('0.0.0.0') ?? assert.fail()
const refusals: readonly (readonly [string, Partial<SessionSettings>, Partial<Open>, number, readonly number[]])[] = [
  ['RFC 4271 §6.2: Bad Peer AS', { peerAs: 65003 }, {}, 2, []],
  ['RFC 6793 §4.1: Bad Peer AS by the capability', {}, { capabilities: [{ name: 'fourOctetAs', as: 9 }] }, 2, []],
  ['RFC 6286 §2.2: Bad BGP Identifier, zero', {}, { routerId: zero }, 3, []],
  [
    'RFC 6286 §2.2: Bad BGP Identifier, our own within an AS',
    { peerAs: 65001 },
    { routerId, as: 65001, capabilities: [] },
    3,
    [],
  ],
  ['RFC 4271 §6.2: Unacceptable Hold Time of 1 s', {}, { holdTimeSeconds: 1 }, 6, []],
  ['RFC 4271 §6.2: Unacceptable Hold Time of 2 s', {}, { holdTimeSeconds: 2 }, 6, []],
  ['RFC 5492 §5: Unsupported Capability, with what we miss', { families: [6] }, {}, 7, [1, 4, 0, 2, 0, 1]],
]

for (const [what, changed, open, subcode, data] of refusals) {
  test(what, () => {
    const error = negotiate({ ...settings, ...changed }, peerOpen(open))
    assert.ok(isWireError(error))
    assert.deepEqual([error.code, error.subcode, [...error.data]], [2, subcode, data])
  })
}

test('RFC 6286 §2.1: our own identifier is fine in another AS', () => {
  assert.deepEqual(agreed({}, { routerId }).remoteRouterId, routerId)
})

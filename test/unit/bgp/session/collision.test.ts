import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parseIp } from '../../../../src/core/address/index.ts'
import { type SessionState, resetReason, step, survivorOf } from '../../../../src/core/bgp/session/index.ts'
import type { PeerSettings } from '../../../../src/core/bgp/index.ts'
import { keepalive } from '../../../../src/core/bgp/wire/index.ts'
import { localAddress, peerOpen, sessionIn, settings } from './sessions.ts'

const higher = parseIp('192.0.2.2') ?? assert.fail()
const lower = parseIp('192.0.2.0') ?? assert.fail()

function survivor(present: SessionState, remoteRouterId = higher, remoteAs = 65002): string {
  return survivorOf({ present, remoteRouterId, remoteAs })
}

for (const name of ['OPENSENT', 'OPENCONFIRM'] as const) {
  test(`RFC 4271 §6.8 in ${name}: the connection that the higher identifier dialled stays`, () => {
    assert.equal(survivor(sessionIn(name), higher), 'incoming')
    assert.equal(survivor(sessionIn(name), lower), 'present')
  })
}

test('RFC 6286 §2.3: equal identifiers, the higher AS decides', () => {
  assert.equal(survivor(sessionIn('OPENSENT'), settings.routerId, 65002), 'incoming')
  assert.equal(survivor(sessionIn('OPENSENT'), settings.routerId, 64999), 'present')
})

test('RFC 4271 §6.8: an established session stays', () => {
  assert.equal(survivor(sessionIn('ESTABLISHED'), higher), 'present')
})

test('RFC 4724 §4.2: unless the peer has restarted gracefully', () => {
  const gracefulRestart = { restartTimeMs: 30_000 }
  const capability = {
    name: 'gracefulRestart',
    restarted: true,
    notification: false,
    restartTimeSeconds: 120,
    families: [],
  } as const
  const open = peerOpen({ capabilities: [capability] })
  const confirm = step(sessionIn('OPENSENT', { gracefulRestart }), { name: 'BGPOpen', open }, 0).state
  const up = step(confirm, { name: 'KeepAliveMsg', message: keepalive }, 0).state
  assert.equal(survivor(up, lower), 'incoming')
})

test('a dial that has not come through gives way; of two that the peer dialled the newer stays', () => {
  assert.equal(survivor(sessionIn('CONNECT'), lower), 'incoming')
  const accepted = step(sessionIn('ACTIVE'), { name: 'TcpConnectionConfirmed', localAddress }, 0).state
  assert.equal(survivor(accepted, lower), 'incoming')
})

const peer: PeerSettings = {
  ...settings,
  key: 'leaf',
  neighbor: higher,
  remotePort: 179,
  adminDown: false,
}

test('what ends a session: what stands in the OPEN or is the connection itself', () => {
  for (const [changed, reason] of [
    [{ neighbor: lower }, 'neighbor address changed'],
    [{ localAs: 1, peerAs: 2 }, 'local AS, peer AS changed'],
    [{ password: 'secret' }, 'password changed'],
    [{ addPathSendMax: 2 }, 'ADD-PATH changed'],
    [{ families: [4, 6] }, 'address families changed'],
    [{ gracefulRestart: { restartTimeMs: 1000 } }, 'graceful restart changed'],
  ] as const) {
    assert.equal(resetReason(peer, { ...peer, ...changed }, true), reason)
  }
})

test('what does not', () => {
  const many = { ...peer, addPathSendMax: 4 }
  assert.equal(resetReason(many, { ...many, addPathSendMax: 8 }, true), undefined)
  const live = {
    passive: true,
    keepaliveMs: 1,
    connectRetryMs: 1,
    minAdvertisementMs: 5,
    adminDown: true,
    holdTimeMs: 9000,
  }
  assert.equal(resetReason(peer, { ...peer, ...live }, true), undefined)
  assert.equal(resetReason(peer, { ...peer, ...live }, false), 'hold time changed', 'the OPEN that is out has another')
})

// Settings that change while a session is up: which end it and are told, which take effect on it.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { PeerSettings } from '../../../../src/core/bgp/index.ts'
import { waitFor } from '../../../lab/wait.ts'
import { fakeRouter, ip, open, peer, prefix, self } from './stage.ts'

const nowhere = { port: -1, addresses: [] }

const resetting: readonly (readonly [Partial<PeerSettings>, string])[] = [
  [{ localAs: 64999 }, 'local AS changed'],
  [{ routerId: ip('192.0.2.9') }, 'router id changed'],
  [{ localAddress: ip('127.0.0.1') }, 'local address changed'],
  [{ password: 'sesame' }, 'password changed'],
  [{ families: [4, 6] }, 'address families changed'],
  [{ addPathSendMax: 4 }, 'ADD-PATH changed'],
  [{ gracefulRestart: { restartTimeMs: 30_000 } }, 'graceful restart changed'],
]

for (const [change, reason] of resetting) {
  test(`a session that is up is reset and the reason told: ${reason}`, async (t) => {
    const router = await fakeRouter(t)
    const { bgp, session, resets, reaches } = open(t)
    const settings = peer({ neighbor: ip('127.0.0.1'), remotePort: router.port })
    bgp.configure(nowhere, [settings])
    await reaches('ESTABLISHED')
    bgp.configure(nowhere, [{ ...settings, ...change }])
    assert.deepEqual(resets, [`peer: ${reason}`])
    assert.equal(session().lastError, `Cease/Other Configuration Change sent: ${reason}`)
    assert.equal(session().flaps, 1)
    await waitFor('the Cease at the router', () => router.received.includes(3))
  })
}

const quiet: readonly Partial<PeerSettings>[] = [
  { holdTimeMs: 30_000 },
  { keepaliveMs: 1000 },
  { connectRetryMs: 60_000 },
  { minAdvertisementMs: 5000 },
  { passive: true },
  { otherFamilyAddress: ip('2001:db8::1') },
]

test('a session that is up stays: hold, keepalive and retry times, MinRouteAdvertisementInterval, passive, next hop', async (t) => {
  const router = await fakeRouter(t)
  const { bgp, session, resets, reaches } = open(t)
  const settings = peer({ neighbor: ip('127.0.0.1'), remotePort: router.port })
  bgp.configure(nowhere, [settings])
  await reaches('ESTABLISHED')
  for (const change of quiet) {
    bgp.configure(nowhere, [{ ...settings, ...change }])
    assert.deepEqual([session().state, session().flaps], ['ESTABLISHED', 0], JSON.stringify(Object.keys(change)))
  }
  bgp.setPaths('peer', prefix('192.0.2.1/32'), [self])
  await bgp.drained()
  assert.equal(session().prefixesSent, 1)
  assert.deepEqual([resets, router.connections, router.received.includes(3)], [[], 1, false])
})

test('a change of one peer leaves the others alone', async (t) => {
  const [left, right] = [await fakeRouter(t, { address: '127.0.0.51' }), await fakeRouter(t, { address: '127.0.0.52' })]
  const { bgp, session, resets, reaches } = open(t)
  const one = peer({ key: 'left', neighbor: ip('127.0.0.51'), remotePort: left.port })
  const two = peer({ key: 'right', neighbor: ip('127.0.0.52'), remotePort: right.port })
  bgp.configure(nowhere, [one, two])
  await reaches('ESTABLISHED', 'left')
  await reaches('ESTABLISHED', 'right')
  bgp.configure(nowhere, [{ ...one, password: 'sesame' }, two])
  assert.deepEqual(resets, ['left: password changed'])
  assert.deepEqual([session('right').state, session('right').flaps, right.connections], ['ESTABLISHED', 0, 1])
})

test('routes received are counted and dropped', async (t) => {
  const router = await fakeRouter(t)
  const { bgp, session, reaches } = open(t)
  bgp.configure(nowhere, [peer({ neighbor: ip('127.0.0.1'), remotePort: router.port })])
  await reaches('ESTABLISHED')
  const marker = 'ff'.repeat(16)
  const attributes = '400101004002060201 0000fdea 400304c0000202'.replaceAll(' ', '')
  const body =
    `0000${(attributes.length / 2).toString(16).padStart(4, '0')}${attributes}20c6336401 20c6336402`.replaceAll(' ', '')
  const length = (19 + body.length / 2).toString(16).padStart(4, '0')
  router.socket().write(Buffer.from(`${marker}${length}02${body}`, 'hex'))
  await waitFor('two prefixes counted', () => session().prefixesReceived === 2)
  assert.deepEqual([session().messages.received.update, session().flaps, session().prefixesSent], [1, 0, 0])
})

// RFC 4271 §6.8 on real sockets: two connections with one router, whoever dialled which, and one session in the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { notificationName } from '../../../../src/core/bgp/wire/index.ts'
import { waitFor } from '../../../lab/wait.ts'
import { type FakeRouter, fakeRouter, freePort, ip, open, peer } from './stage.ts'

function collisions({ messages }: FakeRouter): number {
  return messages.filter((message) => message.type === 'notification' && message.code === 6 && message.subcode === 7)
    .length
}

for (const [who, routerId, winner] of [
  ['theirs', '192.0.2.200', 'the connection that the router dialled'],
  ['ours', '192.0.2.1', 'the connection that we dialled'],
] as const) {
  test(`RFC 4271 §6.8 OpenSent: the higher identifier is ${who}: ${winner} stays`, async (t) => {
    const address = who === 'ours' ? '127.0.0.41' : '127.0.0.42'
    // Mute where we dial, so that our connection waits in OPENSENT until it has dialled as well.
    const silent = await fakeRouter(t, { address, mute: true })
    const { bgp, session, reaches } = open(t)
    const port = await freePort()
    const settings = peer({ neighbor: ip(address), remotePort: silent.port, routerId: ip('192.0.2.100') })
    bgp.configure({ port, addresses: [ip('127.0.0.1')] }, [settings])
    await reaches('OPENSENT')
    const dialling = await fakeRouter(t, { address, routerId })
    await dialling.dial('127.0.0.1', port)
    if (who === 'ours') {
      await waitFor('Connection Collision Resolution on the second connection', () => collisions(dialling) === 1)
      assert.equal(collisions(silent), 0)
      assert.equal(session().state, 'OPENSENT')
    } else {
      await reaches('ESTABLISHED')
      await waitFor('Connection Collision Resolution on the first connection', () => collisions(silent) === 1)
      assert.equal(collisions(dialling), 0)
    }
    assert.equal(notificationName(6, 7), 'Cease/Connection Collision Resolution')
    assert.equal(session().flaps, 0)
  })
}

test('RFC 4271 §6.8 Established: the session stays, the second connection is ended', async (t) => {
  const address = '127.0.0.43'
  const router = await fakeRouter(t, { address, routerId: '192.0.2.200' })
  const { bgp, session, reaches } = open(t)
  const port = await freePort()
  bgp.configure({ port, addresses: [ip('127.0.0.1')] }, [peer({ neighbor: ip(address), remotePort: router.port })])
  await reaches('ESTABLISHED')
  const second = await fakeRouter(t, { address, routerId: '192.0.2.200' })
  await second.dial('127.0.0.1', port)
  await waitFor('Connection Collision Resolution on the second connection', () => collisions(second) === 1)
  assert.deepEqual([session().state, session().flaps, collisions(router)], ['ESTABLISHED', 0, 0])
})

test('RFC 4724 §4.2: a router that has restarted dials anew: the new connection is the session', async (t) => {
  const address = '127.0.0.44'
  const restart = { name: 'gracefulRestart', restarted: true, notification: false, restartTimeSeconds: 30 } as const
  const capabilities = [{ ...restart, families: [] }]
  const router = await fakeRouter(t, { address, capabilities })
  const { bgp, session, reaches } = open(t)
  const port = await freePort()
  const settings = peer({ neighbor: ip(address), remotePort: router.port, gracefulRestart: { restartTimeMs: 30_000 } })
  bgp.configure({ port, addresses: [ip('127.0.0.1')] }, [settings])
  await reaches('ESTABLISHED')
  const second = await fakeRouter(t, { address, capabilities })
  await second.dial('127.0.0.1', port)
  await waitFor('the new session', () => session().flaps === 1 && session().state === 'ESTABLISHED')
  assert.equal(session().lastError, 'the peer has opened a new connection')
  assert.equal(router.received.includes(3), false, 'no NOTIFICATION on what is left of the old connection')
})

test('RFC 4271 §6.8 Connect: our dial is under way, the router dials: its connection is the session', async (t) => {
  // Nobody answers there: 127.0.0.45 port 9 is closed, or the dial waits; either way the router's connection counts.
  const address = '127.0.0.45'
  const { bgp, reaches } = open(t)
  const port = await freePort()
  bgp.configure({ port, addresses: [ip('127.0.0.1')] }, [peer({ neighbor: ip(address), remotePort: await freePort() })])
  const router = await fakeRouter(t, { address })
  await router.dial('127.0.0.1', port)
  const { flaps } = await reaches('ESTABLISHED')
  assert.equal(flaps, 0)
})

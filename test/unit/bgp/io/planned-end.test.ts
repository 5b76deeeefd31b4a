// Sessions that are ended on purpose: what the other side is told, and in which order.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Path } from '../../../../src/core/bgp/index.ts'
import { type Message, describeNotification, endOfRibOf } from '../../../../src/core/bgp/wire/index.ts'
import { waitFor } from '../../../lab/wait.ts'
import { type Opened, fakeRouter, freePort, ip, open, peer, prefix } from './stage.ts'

// No loopback address: that would be no next hop to a reader.
const path: Path = { id: 1, nextHop: ip('10.77.0.1'), attributes: {} }
const gracefulShutdown = 0xffff_0000

/** `+ tagged`, `+`, `-`, `Cease/…`: what was told, one after the other. */
function story(messages: readonly Message[]): readonly string[] {
  return messages.flatMap((message) => {
    if (message.type === 'notification') return [describeNotification(message)]
    if (message.type !== 'update' || endOfRibOf(message) !== undefined) return []
    if (message.withdrawn.length > 0) return ['-']
    return [message.attributes.communities?.includes(gracefulShutdown) === true ? '+ tagged' : '+']
  })
}

async function announcing(t: Parameters<typeof open>[0]) {
  const router = await fakeRouter(t)
  const opened: Opened = open(t)
  const settings = peer({ neighbor: ip('127.0.0.1'), remotePort: router.port })
  opened.bgp.configure({ port: -1, addresses: [] }, [settings])
  opened.bgp.ready()
  await opened.reaches('ESTABLISHED')
  opened.bgp.setPaths('peer', prefix('192.0.2.1/32'), [path])
  await opened.bgp.drained()
  await waitFor('the route', () => story(router.messages).length === 1)
  return { router, settings, ...opened }
}

test('RFC 8326 §4.2: close("leave"): GRACEFUL_SHUTDOWN, then withdrawn, then Cease with words', async (t) => {
  const { router, bgp } = await announcing(t)
  await bgp.close('leave')
  await waitFor('the Cease', () => router.received.at(-1) === 3)
  assert.deepEqual(story(router.messages), ['+', '+ tagged', '-', 'Cease/Administrative Shutdown "the speaker leaves"'])
})

test('RFC 8326 §4.2: a peer that is taken down: GRACEFUL_SHUTDOWN, then Cease; taken back in time: nothing happens', async (t) => {
  const { router, bgp, settings, session, resets, reaches } = await announcing(t)
  bgp.configure({ port: -1, addresses: [] }, [{ ...settings, adminDown: true }])
  assert.equal(session().state, 'ESTABLISHED', 'not yet')
  bgp.configure({ port: -1, addresses: [] }, [settings])
  await waitFor('the route without the tag', () => story(router.messages).at(-1) === '+')
  bgp.configure({ port: -1, addresses: [] }, [{ ...settings, adminDown: true }])
  await reaches('IDLE')
  await waitFor('the Cease', () => router.received.at(-1) === 3)
  assert.equal(session().flaps, 1)
  assert.deepEqual(story(router.messages).slice(-2), [
    '+ tagged',
    'Cease/Administrative Shutdown "administratively down"',
  ])
  assert.deepEqual(resets, ['peer: administratively down', 'peer: administratively down'])
})

test('RFC 4486 §4: a peer that is configured no more: Peer De-configured, after GRACEFUL_SHUTDOWN', async (t) => {
  const { router, bgp } = await announcing(t)
  bgp.configure({ port: -1, addresses: [] }, [])
  await waitFor('the Cease', () => router.received.at(-1) === 3)
  assert.deepEqual(story(router.messages), ['+', '+ tagged', 'Cease/Peer De-configured'])
})

test('RFC 4486 §4: a connection from nobody we know is told Connection Rejected (Event 15 never reaches a session)', async (t) => {
  const router = await fakeRouter(t, { address: '127.0.0.31', mute: true })
  const { bgp, changes } = open(t)
  const port = await freePort()
  bgp.configure({ port, addresses: [ip('127.0.0.1')] }, [])
  await router.dial('127.0.0.1', port)
  await waitFor('a NOTIFICATION', () => router.received.at(-1) === 3)
  assert.deepEqual(story(router.messages), ['Cease/Connection Rejected'])
  assert.deepEqual(changes, [])
})

test('RFC 4486 §4: a connection to a peer that is administratively down is rejected too', async (t) => {
  const router = await fakeRouter(t, { address: '127.0.0.32', mute: true })
  const { bgp, session } = open(t)
  const port = await freePort()
  const settings = peer({ neighbor: ip('127.0.0.32'), remotePort: router.port, adminDown: true })
  bgp.configure({ port, addresses: [ip('127.0.0.1')] }, [settings])
  await router.dial('127.0.0.1', port)
  await waitFor('a NOTIFICATION', () => router.received.at(-1) === 3)
  assert.deepEqual(story(router.messages), ['Cease/Connection Rejected'])
  assert.equal(session().state, 'IDLE')
})

const words = Buffer.from('fibre work until 6')

function shutDown(router: Awaited<ReturnType<typeof announcing>>['router']): void {
  const body = [6, 2, words.length, ...words]
  const length = 19 + body.length
  router.socket().write(Uint8Array.from([...Array<number>(16).fill(255), length >>> 8, length & 255, 3, ...body]))
}

test('RFC 9003 §2: the words of the other side are shown', async (t) => {
  const { router, session } = await announcing(t)
  shutDown(router)
  await waitFor('the session down', () => session().flaps === 1)
  assert.equal(session().lastError, 'Cease/Administrative Shutdown "fibre work until 6" received')
})

test('why a session ended is not hidden by the attempts that fail after it; the next session takes it away', async (t) => {
  const { router, bgp, session, reaches } = await announcing(t)
  router.leavePort()
  shutDown(router)
  const end = 'Cease/Administrative Shutdown "fibre work until 6" received'
  await waitFor('an attempt', () => session().lastError === `connection refused; before that, ${end}`)
  const next = await fakeRouter(t)
  bgp.configure({ port: -1, addresses: [] }, [peer({ neighbor: ip('127.0.0.1'), remotePort: next.port })])
  await reaches('ESTABLISHED')
  next.leavePort()
  next.socket().destroy()
  await waitFor('another end', () => session().flaps === 2 && session().lastError?.includes('fibre') === false)
})

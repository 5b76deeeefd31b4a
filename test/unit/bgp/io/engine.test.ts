// The engine on real sockets, loopback only: two engines, or one and a router made of a socket.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { encodeRouteRefresh } from '../../../../src/core/bgp/wire/index.ts'
import { waitFor } from '../../../lab/wait.ts'
import { fakeRouter, freePort, ip, open, peer, prefix, self } from './stage.ts'

test('two engines dial each other, with a password: one session, no flap, routes counted', async (t) => {
  const port = await freePort()
  const [a, b] = [open(t), open(t)]
  const here = { remotePort: port, password: 'sesame' }
  a.bgp.configure({ port, addresses: [ip('127.0.0.21')] }, [
    peer({ ...here, neighbor: ip('127.0.0.22'), localAddress: ip('127.0.0.21') }),
  ])
  b.bgp.configure({ port, addresses: [ip('127.0.0.22')] }, [
    peer({
      ...here,
      neighbor: ip('127.0.0.21'),
      localAddress: ip('127.0.0.22'),
      localAs: 65002,
      peerAs: 65001,
      routerId: ip('192.0.2.2'),
    }),
  ])
  await a.reaches('ESTABLISHED')
  await b.reaches('ESTABLISHED')
  for (let i = 0; i < 2000; i++)
    a.bgp.setPaths('peer', { ip: { family: 4, bits: 0x0a000000n + BigInt(i) }, length: 32 }, [self])
  await a.bgp.drained()
  assert.deepEqual([a.session().prefixesWanted, a.session().prefixesSent], [2000, 2000])
  await waitFor('the UPDATE at the other end', () => b.session().messages.received.update > 0)
  assert.deepEqual([a.session().flaps, b.session().flaps], [0, 0])
  assert.deepEqual([a.session().lastError, b.session().lastError], [undefined, undefined])
  await a.bgp.close('leave')
  await waitFor('the Cease at the other end', () => b.session().lastError?.startsWith('Cease/'))
  assert.equal(b.session().lastError, 'Cease/Administrative Shutdown "the speaker leaves" received')
  assert.ok(![...a.lines, ...b.lines].some((line) => line.includes('sesame')), 'the password is in no log line')
})

test('configure: only the session that must is reset', async (t) => {
  const [left, right] = [await fakeRouter(t), await fakeRouter(t)]
  const { bgp, session, reaches, changes, resets } = open(t)
  const one = peer({ key: 'left', neighbor: ip('127.0.0.1'), remotePort: left.port })
  // Another address for another peer: the same host.
  const two = peer({ key: 'right', neighbor: ip('127.0.0.1'), remotePort: right.port })
  bgp.configure({ port: -1, addresses: [] }, [one, two])
  assert.deepEqual(
    bgp.sessions().map(({ key }) => key),
    ['left'],
    'two peers with one address: the second is left out',
  )
  await reaches('ESTABLISHED', 'left')
  const seen = changes.length
  bgp.configure({ port: -1, addresses: [] }, [{ ...one, connectRetryMs: 2000, passive: true, holdTimeMs: 30_000 }])
  assert.deepEqual([session('left').state, changes.length], ['ESTABLISHED', seen])
  bgp.configure({ port: -1, addresses: [] }, [{ ...one, families: [4, 6] }])
  assert.match(session('left').lastError ?? '', /^Cease\/Other Configuration Change sent: address families changed$/)
  await reaches('ESTABLISHED', 'left')
  assert.equal(session('left').flaps, 1)
  bgp.configure({ port: -1, addresses: [] }, [{ ...one, families: [4, 6], adminDown: true }])
  assert.equal(session('left').state, 'IDLE')
  assert.equal(session('left').lastError, 'Cease/Administrative Shutdown "administratively down" sent')
  bgp.configure({ port: -1, addresses: [] }, [{ ...one, families: [4, 6] }])
  await reaches('ESTABLISHED', 'left')
  bgp.configure({ port: -1, addresses: [] }, [])
  assert.deepEqual(bgp.sessions(), [])
  await waitFor('a NOTIFICATION at the router', () => left.received.at(-1) === 3)
  assert.deepEqual(resets, ['left: address families changed', 'left: administratively down'])
})

test('a password that TCP-MD5 cannot take: no session, dialled or taken, and the reason', async (t) => {
  const port = await freePort()
  const [a, b] = [open(t), open(t)]
  const one = { remotePort: port, neighbor: ip('127.0.0.24'), localAddress: ip('127.0.0.23') }
  a.bgp.configure({ port, addresses: [ip('127.0.0.23')] }, [peer({ ...one, password: 'x'.repeat(81) })])
  assert.ok(a.lines.some((line) => line.startsWith('no connections taken from a peer')))
  const other = { remotePort: port, neighbor: ip('127.0.0.23'), localAddress: ip('127.0.0.24') }
  b.bgp.configure({ port: -1, addresses: [] }, [
    peer({ ...other, localAs: 65002, peerAs: 65001, routerId: ip('192.0.2.2') }),
  ])
  await waitFor('its dial closed by us', () => b.session().lastError?.endsWith("before the peer's OPEN"))
  await waitFor('a reason', () => a.session().lastError !== undefined)
  assert.equal(a.session().lastError, 'the password is longer than the 80 octets of TCP-MD5')
  assert.equal(
    a.changes.some(({ state }) => state === 'OPENSENT'),
    false,
  )
})

test('a wrong AS: refused with its name, no session', async (t) => {
  const router = await fakeRouter(t, { as: 65099 })
  const { bgp, session } = open(t)
  bgp.configure({ port: -1, addresses: [] }, [peer({ neighbor: ip('127.0.0.1'), remotePort: router.port })])
  await waitFor('a second attempt', () => router.connections >= 2)
  assert.equal(session().lastError, 'OPEN Message Error/Bad Peer AS sent: the peer is AS 65099, not 65002')
  assert.deepEqual([session().flaps, router.received.slice(0, 2)], [0, [1, 3]])
})

test('nobody there: connection refused, told once for each change of state', async (t) => {
  const { bgp, session, changes } = open(t)
  bgp.configure({ port: -1, addresses: [] }, [peer({ neighbor: ip('127.0.0.1'), remotePort: await freePort() })])
  await waitFor('a third attempt', () => changes.filter(({ state }) => state === 'CONNECT').length >= 3)
  assert.equal(session().lastError, 'connection refused')
  for (const [i, { state }] of changes.entries()) assert.notEqual(state, changes[i - 1]?.state)
})

test('End-of-RIB waits for ready; everything is sent again after a reconnect', async (t) => {
  const router = await fakeRouter(t)
  const { bgp, reaches, session } = open(t)
  const updates = (): number => router.received.filter((type) => type === 2).length
  bgp.configure({ port: -1, addresses: [] }, [peer({ neighbor: ip('127.0.0.1'), remotePort: router.port })])
  await reaches('ESTABLISHED')
  bgp.setPaths('peer', prefix('192.0.2.1/32'), [self])
  await bgp.drained()
  await waitFor('one UPDATE', () => updates() === 1)
  bgp.ready()
  await waitFor('End-of-RIB', () => updates() === 2)
  router.socket().destroy()
  await waitFor('one flap', () => session().flaps === 1)
  await waitFor('the route and End-of-RIB again', () => updates() === 4)
})

test('changes within 10 ms share a message; the first does not wait', async (t) => {
  const router = await fakeRouter(t)
  const { bgp, reaches, session } = open(t)
  bgp.configure({ port: -1, addresses: [] }, [peer({ neighbor: ip('127.0.0.1'), remotePort: router.port })])
  await reaches('ESTABLISHED')
  for (let i = 0; i < 50; i++) bgp.setPaths('peer', prefix(`192.0.2.${i}/32`), [self])
  await bgp.drained()
  assert.equal(session().messages.sent.update, 1)
})

test('a router that does not read: memory stays bounded, and it gets everything once it does', async (t) => {
  const router = await fakeRouter(t)
  const { bgp, reaches, session } = open(t)
  bgp.configure({ port: -1, addresses: [] }, [peer({ neighbor: ip('127.0.0.1'), remotePort: router.port })])
  await reaches('ESTABLISHED')
  router.listen(false)
  const count = 30_000
  // Attributes of their own: a message each, some 14 MB in all, more than the kernel holds for a connection.
  const communities = Array.from({ length: 100 }, (_, i) => i)
  for (let i = 0; i < count; i++) {
    bgp.setPaths('peer', { ip: { family: 4, bits: 0x0a000000n + BigInt(i) }, length: 32 }, [
      { id: 1, nextHop: 'self', attributes: { med: i, communities } },
    ])
  }
  await waitFor('the socket to be full', async () => {
    const before = session().prefixesSent
    await new Promise((resolve) => setTimeout(resolve, 50))
    return before > 0 && session().prefixesSent === before
  })
  assert.ok(session().prefixesSent < count, 'what does not fit is not made yet')
  router.socket().write(encodeRouteRefresh({ type: 'routeRefresh', afi: 1, subtype: 0, safi: 1 }))
  router.listen(true)
  await bgp.drained()
  assert.equal(session().prefixesSent, count)
  assert.equal(session().flaps, 0)
})

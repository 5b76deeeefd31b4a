// When what is sent: the interval, markers, refreshes, a socket that takes no more. The clock stands still.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parsePrefix } from '../../../../src/core/address/index.ts'
import type { Path } from '../../../../src/core/bgp/index.ts'
import { outboundOf } from '../rib/router.ts'
import { senderStage } from './outlet.ts'

const prefix = (text: string) => parsePrefix(text) ?? assert.fail(text)
const one = prefix('192.0.2.1/32')
const two = prefix('192.0.2.2/32')
const self: readonly Path[] = [{ id: 1, nextHop: 'self', attributes: {} }]
const outbound = outboundOf({ families: [4], addPathSend: [] })
const request = { type: 'routeRefresh', afi: 1, subtype: 0, safi: 1 } as const

test('Adj-RIB-Out: the first change goes out at once, what comes within 10 ms after it goes together, withdrawals first', async () => {
  const { clock, sender, written } = senderStage({ outbound })
  assert.deepEqual(await written(), ['EoR 4'])
  sender.setPaths(one, self)
  assert.deepEqual(await written(), ['+192.0.2.1/32'])
  await clock.advance(4)
  sender.setPaths(two, self)
  sender.setPaths(one, [])
  await clock.advance(5)
  assert.deepEqual(await written(), [], 'not before 10 ms have passed since the UPDATE before')
  await clock.advance(1)
  assert.deepEqual(await written(), ['-192.0.2.1/32', '+192.0.2.2/32'])
  await clock.advance(10)
  sender.setPaths(one, self)
  assert.deepEqual(await written(), ['+192.0.2.1/32'], 'quiet for 10 ms: at once again')
})

test('Adj-RIB-Out: a change that is taken back within the interval is never seen', async () => {
  const { clock, sender, written } = senderStage({ outbound })
  sender.setPaths(one, self)
  assert.deepEqual(await written(), ['+192.0.2.1/32', 'EoR 4'])
  sender.setPaths(one, [])
  sender.setPaths(one, self)
  await clock.advance(10)
  assert.deepEqual(await written(), [])
})

test('RFC 4271 §9.2.1.1: UPDATEs are at least MinRouteAdvertisementInterval apart, the first waits for nothing', async () => {
  const { clock, sender, written } = senderStage({ outbound })
  sender.setInterval(30_000)
  sender.setPaths(one, self)
  assert.deepEqual(await written(), ['+192.0.2.1/32', 'EoR 4'])
  sender.setPaths(two, self)
  await clock.advance(29_999)
  assert.deepEqual(await written(), [])
  await clock.advance(1)
  assert.deepEqual(await written(), ['+192.0.2.2/32'])
})

test('RFC 4271 §10: the interval has jitter, up to a quarter off', async () => {
  const { clock, sender, written } = senderStage({ outbound, random: () => 0 })
  sender.setInterval(30_000)
  sender.setPaths(one, self)
  await written()
  sender.setPaths(two, self)
  await clock.advance(22_499)
  assert.deepEqual(await written(), [])
  await clock.advance(1)
  assert.deepEqual(await written(), ['+192.0.2.2/32'])
})

test('MinRouteAdvertisementInterval counts from now on when it is changed', async () => {
  const { clock, sender, written } = senderStage({ outbound })
  sender.setInterval(30_000)
  sender.setPaths(one, self)
  await written()
  sender.setPaths(two, self)
  await clock.advance(2000)
  sender.setInterval(0)
  assert.deepEqual(await written(), ['+192.0.2.2/32'], 'what waited goes at once')
})

test('MinRouteAdvertisementInterval does not hold up a new session or the End-of-RIB', async () => {
  const { sender, socket, written } = senderStage({ outbound, ready: false })
  sender.setInterval(30_000)
  sender.setPaths(one, self)
  assert.deepEqual(await written(), ['+192.0.2.1/32'])
  sender.ready()
  assert.deepEqual(await written(), ['EoR 4'])
  sender.end()
  sender.begin(socket, outbound, { enhancedRouteRefresh: true, gracefulRestart: true })
  assert.deepEqual(await written(), ['+192.0.2.1/32', 'EoR 4'])
})

test('RFC 7313 §4: a refresh stands between BoRR and EoRR; asked for many times it is answered once', async () => {
  const { clock, sender, written } = senderStage({ outbound })
  sender.setPaths(one, self)
  await written()
  await clock.advance(10)
  for (let i = 0; i < 1000; i++) sender.refresh(request)
  assert.deepEqual(await written(), ['BoRR 4', '+192.0.2.1/32', 'EoRR 4'])
})

test('RFC 7313 §4: with graceful restart no BoRR before the End-of-RIB of its family', async () => {
  const { clock, sender, written } = senderStage({ outbound, ready: false })
  sender.setPaths(one, self)
  assert.deepEqual(await written(), ['+192.0.2.1/32'])
  sender.refresh(request)
  await clock.advance(100)
  assert.deepEqual(await written(), [])
  sender.ready()
  await clock.advance(100)
  assert.deepEqual(await written(), ['EoR 4', 'BoRR 4', '+192.0.2.1/32', 'EoRR 4'])
})

test('RFC 7313 §4: without graceful restart a refresh does not wait for the End-of-RIB', async () => {
  const terms = { enhancedRouteRefresh: true, gracefulRestart: false }
  const { clock, sender, written } = senderStage({ outbound, ready: false, terms })
  sender.setPaths(one, self)
  await written()
  await clock.advance(10)
  sender.refresh(request)
  assert.deepEqual(await written(), ['BoRR 4', '+192.0.2.1/32', 'EoRR 4'])
})

test('RFC 2918 §4: to a peer without RFC 7313 the routes alone go again', async () => {
  const { clock, sender, written } = senderStage({
    outbound,
    terms: { enhancedRouteRefresh: false, gracefulRestart: true },
  })
  sender.setPaths(one, self)
  await written()
  await clock.advance(10)
  sender.refresh(request)
  assert.deepEqual(await written(), ['+192.0.2.1/32'])
})

test('RFC 2918 §4: a family that was not negotiated, and BoRR and EoRR of the peer, are ignored', async () => {
  const { clock, sender, written } = senderStage({ outbound })
  sender.setPaths(one, self)
  await written()
  await clock.advance(10)
  sender.refresh({ ...request, afi: 2 })
  sender.refresh({ ...request, subtype: 1 })
  sender.refresh({ ...request, subtype: 2 })
  sender.refresh({ ...request, subtype: 77 })
  await clock.advance(100)
  assert.deepEqual(await written(), [])
})

test('Adj-RIB-Out: a peer that asks and asks and does not read costs no memory', async () => {
  const { clock, sender, socket } = senderStage({ outbound, limit: 100 })
  for (let i = 0; i < 50; i++) sender.setPaths(prefix(`192.0.2.${i}/32`), self)
  await clock.advance(10)
  const { held } = socket
  assert.ok(held >= 100)
  for (let i = 0; i < 1000; i++) {
    sender.refresh(request)
    await clock.advance(20)
  }
  assert.equal(socket.held, held)
})

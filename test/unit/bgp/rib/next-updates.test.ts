import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Ip, type Prefix, parseIp, parsePrefix } from '../../../../src/core/address/index.ts'
import type { Path, RouteAttributes } from '../../../../src/core/bgp/index.ts'
import { AdjRibOut, type Outbound, endOfRib, nextUpdates } from '../../../../src/core/bgp/rib/index.ts'
import { decodeUpdate, endOfRibOf, isWireError } from '../../../../src/core/bgp/wire/index.ts'
import { Router, outboundOf } from './router.ts'

const prefix = (text: string): Prefix => parsePrefix(text) ?? assert.fail(text)

function path(id: number, nextHop: string, attributes: RouteAttributes = {}): Path {
  return { id, nextHop: nextHop === 'self' ? nextHop : (parseIp(nextHop) ?? assert.fail(nextHop)), attributes }
}

const own = path(1, 'self')
const third = path(3, '10.77.0.3')
const fourth = path(4, '10.77.0.4')

function drain(rib: AdjRibOut, outbound: Outbound, router: Router): number {
  let messages = 0
  for (const { bytes } of nextUpdates(rib, outbound)) {
    router.take(bytes)
    messages++
  }
  return messages
}

function begin(outbound = outboundOf()) {
  const rib = new AdjRibOut()
  const router = new Router(outbound)
  return { rib, router, drain: () => drain(rib, outbound, router) }
}

test('ADD-PATH: every path with its identifier; without: our own, else the first', () => {
  const paths = [third, own]
  const many = begin()
  many.rib.setPaths(prefix('192.0.2.1/32'), paths)
  many.drain()
  assert.deepEqual(many.router.read(), { '192.0.2.1/32': ['1 10.77.0.1', '3 10.77.0.3'] })
  const one = begin(outboundOf({ addPathSend: [] }))
  one.rib.setPaths(prefix('192.0.2.1/32'), paths)
  one.rib.setPaths(prefix('192.0.2.2/32'), [third, fourth])
  one.drain()
  assert.deepEqual(one.router.read(), { '192.0.2.1/32': ['0 10.77.0.1'], '192.0.2.2/32': ['0 10.77.0.3'] })
})

test('no more paths than addPathSendMax, the preferred ones', () => {
  const { rib, router, drain } = begin(outboundOf({}, { addPathSendMax: 2 }))
  rib.setPaths(prefix('192.0.2.1/32'), [fourth, own, third])
  drain()
  assert.deepEqual(router.read(), { '192.0.2.1/32': ['1 10.77.0.1', '4 10.77.0.4'] })
})

test('nothing changed, nothing sent; the same paths again are no change', () => {
  const { rib, drain } = begin()
  assert.equal(rib.setPaths(prefix('192.0.2.1/32'), [path(1, 'self', { med: 1 })]), true)
  assert.equal(drain(), 1)
  assert.equal(rib.setPaths(prefix('192.0.2.1/32'), [path(1, 'self', { med: 1 })]), false)
  assert.equal(rib.setPaths(prefix('192.0.2.9/32'), []), false)
  assert.equal(drain(), 0)
})

test('there and back before it is sent: nothing is sent', () => {
  const { rib, drain } = begin()
  rib.setPaths(prefix('192.0.2.1/32'), [own])
  rib.setPaths(prefix('192.0.2.1/32'), [])
  assert.equal(drain(), 0)
})

test('withdrawals first, but within a prefix the new next hop before the old one is withdrawn', () => {
  const { rib, router, drain } = begin()
  rib.setPaths(prefix('192.0.2.1/32'), [third])
  rib.setPaths(prefix('192.0.2.2/32'), [third])
  drain()
  router.log.length = 0
  rib.setPaths(prefix('192.0.2.1/32'), [fourth])
  rib.setPaths(prefix('192.0.2.2/32'), [])
  rib.setPaths(prefix('192.0.2.3/32'), [own])
  drain()
  assert.deepEqual(router.log, ['-192.0.2.2/32', '+192.0.2.1/32 10.77.0.4', '+192.0.2.3/32 10.77.0.1', '-192.0.2.1/32'])
})

test('without ADD-PATH a new next hop replaces the old one: nothing is withdrawn', () => {
  const { rib, router, drain } = begin(outboundOf({ addPathSend: [] }))
  rib.setPaths(prefix('192.0.2.1/32'), [third])
  drain()
  rib.setPaths(prefix('192.0.2.1/32'), [fourth])
  drain()
  assert.deepEqual(router.log, ['+192.0.2.1/32 10.77.0.3', '+192.0.2.1/32 10.77.0.4'])
})

test('prefixes with equal attributes share messages, as many as fit', () => {
  const { rib, router, drain } = begin(outboundOf({ addPathSend: [] }))
  for (let i = 0; i < 2000; i++) rib.setPaths({ ip: { family: 4, bits: 0x0a000000n + BigInt(i) }, length: 32 }, [own])
  // 4096 - 19 - 4 - 20 octets of attributes, 5 a prefix: 810.
  assert.equal(drain(), 3)
  assert.equal(router.table.size, 2000)
  rib.clear()
  assert.equal(drain(), 3)
  assert.equal(router.table.size, 0)
})

test('what is handed out says how many prefixes it announces and withdraws', () => {
  const outbound = outboundOf({ addPathSend: [] })
  const { rib } = begin(outbound)
  for (let i = 0; i < 1000; i++) rib.setPaths({ ip: { family: 4, bits: 0x0a000000n + BigInt(i) }, length: 32 }, [own])
  const sizes = (): (readonly [number, number])[] =>
    [...nextUpdates(rib, outbound)].map(({ announced, withdrawn }) => [announced, withdrawn] as const)
  assert.deepEqual(sizes(), [
    [810, 0],
    [190, 0],
  ])
  rib.clear()
  assert.deepEqual(sizes(), [
    [0, 814],
    [0, 186],
  ])
})

test('IPv6 prefixes go in MP_REACH_NLRI, as many as fit; IPv4 beside them', () => {
  const { rib, router, drain } = begin()
  for (let i = 0; i < 500; i++)
    rib.setPaths({ ip: { family: 6, bits: (0x20010db8n << 96n) + BigInt(i) }, length: 128 }, [own])
  rib.setPaths(prefix('192.0.2.1/32'), [own])
  assert.equal(drain(), 4)
  assert.deepEqual(router.read()['2001:db8::1f3/128'], ['1 fd77::1'])
  assert.equal(router.table.size, 501)
  rib.clear()
  drain()
  assert.equal(router.table.size, 0)
})

test('a family that was not negotiated is not sent; a next hop of the other family neither', () => {
  const { rib, router, drain } = begin(outboundOf({ families: [4] }))
  rib.setPaths(prefix('2001:db8::1/128'), [own])
  rib.setPaths(prefix('192.0.2.1/32'), [path(6, '2001:db8::6')])
  assert.equal(drain(), 0)
  assert.deepEqual(router.read(), {})
})

test('after a reconnect everything is sent again, and nothing is withdrawn', () => {
  const { rib, router, drain } = begin()
  rib.setPaths(prefix('192.0.2.1/32'), [own])
  rib.setPaths(prefix('192.0.2.2/32'), [own])
  drain()
  rib.setPaths(prefix('192.0.2.2/32'), [])
  rib.forgetSent()
  router.log.length = 0
  drain()
  assert.deepEqual(router.log, ['+192.0.2.1/32 10.77.0.1'])
})

test('RFC 2918 §4: a refresh sends a family again and withdraws nothing', () => {
  const { rib, router, drain } = begin()
  rib.setPaths(prefix('192.0.2.1/32'), [own, third])
  rib.setPaths(prefix('2001:db8::1/128'), [own])
  drain()
  router.log.length = 0
  rib.refresh(4)
  drain()
  assert.deepEqual(router.log, ['+192.0.2.1/32 10.77.0.1', '+192.0.2.1/32 10.77.0.3'])
})

test('a change in the middle of a transfer counts at once', () => {
  const outbound = outboundOf({ addPathSend: [] })
  const { rib, router } = begin(outbound)
  const all = Array.from({ length: 3000 }, (_, i) => ({
    ip: { family: 4 as const, bits: 0x0a000000n + BigInt(i) },
    length: 32,
  }))
  for (const each of all) rib.setPaths(each, [own])
  const updates = nextUpdates(rib, outbound)
  router.take(updates.next().value?.bytes ?? assert.fail('a first message'))
  // The first is sent already, the last is not.
  rib.setPaths(all.at(0) ?? assert.fail(), [])
  rib.setPaths(all.at(-1) ?? assert.fail(), [])
  for (const { bytes } of updates) router.take(bytes)
  assert.equal(router.table.size, 2998)
  assert.deepEqual(
    router.log.filter((line) => line.startsWith('-')),
    ['-10.0.0.0/32'],
  )
})

test('RFC 4271 §5.1: towards a peer of our own AS LOCAL_PREF and an empty AS_PATH', () => {
  const outbound = outboundOf({ external: false, addPathSend: [] })
  const { rib, router } = begin(outbound)
  rib.setPaths(prefix('192.0.2.1/32'), [path(1, 'self', { localPref: 200, asPathPrepend: 3 })])
  rib.setPaths(prefix('192.0.2.2/32'), [own])
  const [first, second] = [...nextUpdates(rib, outbound)].map(({ bytes }) => router.take(bytes).attributes)
  assert.deepEqual([first?.localPref, first?.asPath], [200, []])
  assert.equal(second?.localPref, 100)
})

test('RFC 6793 §4.2.2: AS_TRANS and AS4_PATH towards a peer of two octets', () => {
  const outbound = outboundOf({ fourOctetAs: false }, { localAs: 4200000001 })
  const { rib, router } = begin(outbound)
  rib.setPaths(prefix('192.0.2.1/32'), [path(1, 'self', { asPathPrepend: 1 })])
  const [sent] = [...nextUpdates(rib, outbound)].map(({ bytes }) => router.take(bytes).attributes)
  assert.deepEqual(sent?.asPath, [{ type: 2, asNumbers: [23456, 23456] }])
  assert.deepEqual(sent?.as4Path, [{ type: 2, asNumbers: [4200000001, 4200000001] }])
})

test('RFC 4724 §2: End-of-RIB of each family', () => {
  const { context } = outboundOf()
  for (const family of [4, 6] as const) {
    const update = decodeUpdate(endOfRib(family, context).subarray(19), context)
    assert.equal(isWireError(update) ? update.detail : endOfRibOf(update), family)
  }
})

test('RFC 8950 §3: IPv4 prefixes with an IPv6 next hop go in MP_REACH_NLRI, where the peer takes them', () => {
  const self = (): Ip => parseIp('fd77::1') ?? assert.fail()
  for (const extendedNextHop of [true, false]) {
    const outbound = outboundOf({ extendedNextHop, addPathSend: [] }, { self })
    const rib = new AdjRibOut()
    const router = new Router(outbound)
    rib.setPaths(prefix('192.0.2.1/32'), [{ id: 1, nextHop: 'self', attributes: {} }])
    for (const { bytes } of nextUpdates(rib, outbound)) {
      const { attributes, nlri } = router.take(bytes)
      assert.deepEqual([attributes.mpReach?.afi, attributes.nextHop, nlri], [1, undefined, []])
    }
    assert.deepEqual(router.read(), extendedNextHop ? { '192.0.2.1/32': ['0 fd77::1'] } : {})
    rib.setPaths(prefix('192.0.2.1/32'), [])
    for (const { bytes } of nextUpdates(rib, outbound)) router.take(bytes)
    assert.deepEqual(router.read(), {})
  }
})

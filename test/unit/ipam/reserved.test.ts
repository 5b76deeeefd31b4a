import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ip, formatRange, parseIp, parsePrefix, parseRange } from '../../../src/core/address/index.ts'
import { ReservedIndex } from '../../../src/core/ipam/reserved.ts'

function ip(text: string): Ip {
  const value = parseIp(text)
  assert.ok(value)
  return value
}

void test('an address is reserved as long as one source names it', () => {
  const index = new ReservedIndex()
  const what = (name: string): string => `an address of ${name}`
  index.put('Node/a', { what: what('a'), addresses: [ip('192.0.2.1'), ip('2001:db8::1')], prefixes: [] })
  index.put('Node/b', { what: what('b'), addresses: [ip('192.0.2.1')], prefixes: [] })
  assert.equal(index.whatIs(ip('192.0.2.1')), what('a'))
  index.put('Node/a', { what: what('a'), addresses: [ip('192.0.2.9')], prefixes: [] })
  assert.equal(index.whatIs(ip('192.0.2.1')), what('b'))
  assert.equal(index.whatIs(ip('2001:db8::1')), undefined)
  index.put('Node/b', undefined)
  assert.equal(index.whatIs(ip('192.0.2.1')), undefined)
  assert.equal(index.whatIs(ip('192.0.2.9')), what('a'))
})

void test('ranges come and go', () => {
  const index = new ReservedIndex()
  const range = parsePrefix('10.96.0.0/16')
  assert.ok(range)
  index.put('ServiceCIDR/kubernetes', { what: 'the Service range', addresses: [], prefixes: [range] })
  assert.equal(index.whatIs(ip('10.96.255.255')), 'the Service range')
  assert.equal(index.whatIs(ip('10.97.0.0')), undefined)
  index.put('ServiceCIDR/kubernetes', { what: 'the Service range', addresses: [], prefixes: [] })
  assert.equal(index.whatIs(ip('10.96.0.1')), undefined)
})

void test('addresses of a node are told apart, and the ranges of its pods are only named', () => {
  const index = new ReservedIndex()
  const pods = parsePrefix('10.244.1.0/24')
  const range = parsePrefix('10.96.0.0/16')
  const all = parseRange('10.0.0.0/8')
  assert.ok(pods && range && all)
  index.put('Node/a', { what: 'Node a', addresses: [ip('10.0.0.1')], prefixes: [], ofNode: true, pods: [pods] })
  index.put('ServiceCIDR/kubernetes', { what: 'the Service range', addresses: [], prefixes: [range] })
  assert.deepEqual(
    [...index.within([all])].map(({ what, ofNode }) => [what, ofNode]),
    [
      ['Node a', true],
      ['the Service range', false],
    ],
  )
  assert.deepEqual(
    [...index.podsWithin([all])].map((found) => formatRange(found.range)),
    ['10.244.1.0-10.244.1.255'],
  )
  assert.equal(index.whatIs(ip('10.244.1.7')), undefined)
  assert.equal(index.rangeOf(ip('10.244.1.7')), undefined)
})

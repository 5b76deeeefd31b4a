import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommunity, parseLargeCommunity, viewEip } from '../../../src/core/announce/index.ts'
import { eip } from './fixtures.ts'

void test('communities: RFC 1997 notation, the number, well-known names', () => {
  assert.equal(parseCommunity('65535:65281'), 0xffff_ff01)
  assert.equal(parseCommunity('no-export'), 0xffff_ff01)
  assert.equal(parseCommunity('NO_ADVERTISE'), 0xffff_ff02)
  assert.equal(parseCommunity('blackhole'), 0xffff_029a)
  assert.equal(parseCommunity('graceful-shutdown'), 0xffff_0000)
  assert.equal(parseCommunity('0:0'), 0)
  assert.equal(parseCommunity('4294967295'), 0xffff_ffff)
  for (const bad of ['', 'x', '1:2:3', '65536:1', '1:65536', '-1:1', '4294967296', ' 1:1']) {
    assert.equal(parseCommunity(bad), undefined, bad)
  }
})

void test('large communities: three 32-bit numbers (RFC 8092)', () => {
  assert.deepEqual(parseLargeCommunity('4294967295:0:7'), [4294967295, 0, 7])
  for (const bad of ['1:2', '1:2:3:4', '4294967296:0:0', 'a:b:c'])
    assert.equal(parseLargeCommunity(bad), undefined, bad)
})

void test('an Eip without spec.bgp has no attributes; draining adds the tag and the least preference', () => {
  const view = viewEip(eip('pool', '172.22.0.0/24'))
  assert.deepEqual(view.attributes, {})
  assert.deepEqual(view.drainingAttributes, { localPref: 0, communities: [0xffff_0000] })
})

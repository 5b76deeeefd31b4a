import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import {
  formatIp,
  formatRange,
  parseIp,
  parsePrefix,
  parseRange,
  prefixKey,
  rangeSize,
} from '../../../src/core/address/index.ts'
import { allocationName } from '../../../src/core/model/index.ts'

suite('an address as text', () => {
  test('is read in any form of its family and written in one (RFC 5952)', () => {
    const texts = ['192.0.2.1', '2001:DB8:0:0:0:0:0:1', '2001:db8::0001', '::', '1::', '0:0:1::1', 'fe80::1']
    const written = texts.map((text) => {
      const ip = parseIp(text)
      return ip && formatIp(ip)
    })
    assert.deepEqual(written, ['192.0.2.1', '2001:db8::1', '2001:db8::1', '::', '1::', '0:0:1::1', 'fe80::1'])
  })

  test('anything else is none', () => {
    const texts = ['', ' ', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.-4', '1.2.3.4 ', '0x1.2.3.4', 'host']
    const texts6 = [
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2::3',
      'fe80::1%eth0',
      '::ffff:1.2.3.4',
      'g::',
      ':::',
      '12345::',
    ]
    for (const text of [...texts, ...texts6]) assert.equal(parseIp(text), undefined, text)
  })

  test('becomes the name of an object', () => {
    const names = ['192.0.2.10', '2001:db8::1'].map((text) => {
      const ip = parseIp(text)
      return ip && allocationName(ip)
    })
    assert.deepEqual(names, ['192.0.2.10', '2001-0db8-0000-0000-0000-0000-0000-0001'])
  })
})

suite('a range as text', () => {
  test('one address, a block with host bits, first to last', () => {
    const read = ['10.0.0.5', '10.0.0.5/30', ' 10.0.0.5 - 10.0.0.9 ', 'fd00::5/126', 'fd00::1-fd00::3'].map((text) => {
      const range = parseRange(text)
      return range && `${formatRange(range)} ${rangeSize(range)}`
    })
    assert.deepEqual(read, [
      '10.0.0.5 1',
      '10.0.0.4-10.0.0.7 4',
      '10.0.0.5-10.0.0.9 5',
      'fd00::4-fd00::7 4',
      'fd00::1-fd00::3 3',
    ])
  })

  test('reversed, mixed, open or doubled ones are none', () => {
    const texts = ['', '10.0.0.9-10.0.0.5', '10.0.0.1-fd00::1', '10.0.0.1-', '-10.0.0.1', '10.0.0.1-10.0.0.2-10.0.0.3']
    for (const text of [...texts, '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/08', 'fd00::/129', 'xxxx']) {
      assert.equal(parseRange(text), undefined, text)
    }
    assert.equal(parsePrefix('10.0.0.0'), undefined)
  })
})

test('keys of prefixes are equal for equal prefixes only', () => {
  const texts = ['0.0.0.0/0', '0.0.0.0/32', '0.0.0.1/32', '192.0.2.0/24', '192.0.2.0/25', '255.255.255.255/32']
  const texts6 = ['::/0', '::/32', '::1/128', '2001:db8::/32', '2001:db8::/33']
  const keys = [...texts, ...texts6].map((text) => prefixKey(parsePrefix(text) ?? assert.fail(text)))
  assert.equal(new Set(keys).size, texts.length + texts6.length)
  assert.equal(prefixKey(parsePrefix('192.0.2.77/24') ?? assert.fail()), keys[3])
})

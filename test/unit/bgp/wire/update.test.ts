import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parseIp, parsePrefix } from '../../../../src/core/address/index.ts'
import {
  type Attributes,
  type Nlri,
  type UpdateContext,
  decodeUpdate,
  encodeUpdate,
  endOfRibOf,
  isWireError,
} from '../../../../src/core/bgp/wire/index.ts'
import { bytes, hex, marker } from './hex.ts'

const ip = (text: string) => parseIp(text) ?? assert.fail(text)
const nlri = (text: string, pathId = 0): Nlri => ({ prefix: parsePrefix(text) ?? assert.fail(text), pathId })

const wide: UpdateContext = { fourOctetAs: true, addPath: [], external: false }
const narrow: UpdateContext = { ...wide, fourOctetAs: false }
const withPaths: UpdateContext = { ...wide, addPath: [4, 6] }

interface Sample {
  readonly what: string
  readonly context?: UpdateContext
  readonly withdrawn?: readonly Nlri[]
  readonly attributes?: Attributes
  readonly nlri?: readonly Nlri[]
  readonly octets: string
}

const sequence = (...asNumbers: number[]) => [{ type: 2, asNumbers }]

const samples: readonly Sample[] = [
  {
    what: 'RFC 4271 §4.3: withdrawn routes',
    withdrawn: [nlri('10.0.0.0/8'), nlri('0.0.0.0/0')],
    octets: '0003 08 0a 00 0000',
  },
  {
    what: 'RFC 4271 §5.1: ORIGIN, AS_PATH, NEXT_HOP, MULTI_EXIT_DISC, LOCAL_PREF',
    attributes: { origin: 0, asPath: sequence(65001), nextHop: ip('192.0.2.1'), med: 5, localPref: 100 },
    nlri: [nlri('198.51.100.7/32'), nlri('198.51.96.0/19')],
    octets: `0000 0022 40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 c0000201  80 04 04 00000005  40 05 04 00000064
             20 c6336407  13 c63360`,
  },
  {
    what: 'RFC 6793 §4.2.2: AS_TRANS in two octets, the real AS in AS4_PATH',
    context: narrow,
    attributes: { origin: 0, asPath: sequence(23456), nextHop: ip('192.0.2.1'), as4Path: sequence(4200000001) },
    nlri: [nlri('10.0.0.1/32')],
    octets: '0000 001b 40 01 01 00  40 02 04 02 01 5ba0  40 03 04 c0000201  c0 11 06 02 01 fa56ea01  20 0a000001',
  },
  {
    what: 'RFC 4271 §5.1.6 and 5.1.7: ATOMIC_AGGREGATE, AGGREGATOR',
    attributes: {
      origin: 2,
      asPath: [],
      nextHop: ip('192.0.2.1'),
      atomicAggregate: true,
      aggregator: { as: 65001, ip: ip('192.0.2.9') },
    },
    nlri: [nlri('10.0.0.1/32')],
    octets: '0000 001c 40 01 01 02  40 02 00  40 03 04 c0000201  40 06 00  c0 07 08 0000fde9 c0000209  20 0a000001',
  },
  {
    what: 'RFC 1997 COMMUNITIES and RFC 8092 LARGE_COMMUNITY',
    attributes: {
      origin: 0,
      asPath: [],
      nextHop: ip('192.0.2.1'),
      communities: [0xffff0000],
      largeCommunities: [[1, 2, 3]],
    },
    nlri: [nlri('10.0.0.1/32')],
    octets: `0000 0024 40 01 01 00  40 02 00  40 03 04 c0000201  c0 08 04 ffff0000  c0 20 0c 00000001 00000002 00000003
             20 0a000001`,
  },
  {
    what: 'RFC 7911 §3: path identifiers',
    context: withPaths,
    withdrawn: [nlri('10.0.0.2/32', 9)],
    attributes: { origin: 0, asPath: [], nextHop: ip('192.0.2.1') },
    nlri: [nlri('10.0.0.1/32', 7)],
    octets: '0009 00000009 20 0a000002 000e 40 01 01 00  40 02 00  40 03 04 c0000201  00000007 20 0a000001',
  },
  {
    what: 'RFC 4760 §3 and RFC 2545 §3: MP_REACH_NLRI with a global and a link-local next hop',
    attributes: {
      origin: 0,
      asPath: [],
      mpReach: { afi: 2, safi: 1, nextHops: [ip('2001:db8::1'), ip('fe80::1')], nlri: [nlri('2001:db8::/33')] },
    },
    octets: `0000 0035 80 0e 2b 0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00
             21 20010db800  40 01 01 00  40 02 00`,
  },
  {
    what: 'RFC 4760 §4: MP_UNREACH_NLRI',
    attributes: { mpUnreach: { afi: 2, safi: 1, withdrawn: [nlri('2001:db8::1/128')] } },
    octets: '0000 0017 80 0f 14 0002 01 80 20010db8000000000000000000000001',
  },
  {
    what: 'a family that we do not speak, and an attribute that we do not know, are kept as they are',
    attributes: {
      mpUnreach: { afi: 25, safi: 70, withdrawn: [], opaque: bytes('aabb') },
      unknown: [{ flags: 0xc0, type: 99, value: bytes('01') }],
    },
    octets: '0000 000c 80 0f 05 0019 46 aabb  c0 63 01 01',
  },
]

for (const { what, context = wide, withdrawn = [], attributes = {}, nlri = [], octets } of samples) {
  test(`${what}: bytes and back`, () => {
    const body = bytes(octets)
    const update = { type: 'update', withdrawn, attributes, nlri } as const
    const header = `${marker} ${(19 + body.length).toString(16).padStart(4, '0')} 02`
    assert.equal(hex(encodeUpdate(update, context)), hex(bytes(`${header} ${octets}`)))
    assert.deepEqual(decodeUpdate(body, context), { ...update, faults: [] })
  })
}

test('a value over 255 octets has an extended length', () => {
  const communities = Array.from({ length: 100 }, (_, i) => i)
  const update = {
    type: 'update',
    withdrawn: [],
    attributes: { origin: 0, asPath: [], nextHop: ip('192.0.2.1'), communities },
    nlri: [nlri('10.0.0.1/32')],
  } as const
  const octets = encodeUpdate(update, wide)
  assert.ok(hex(octets).includes('d0 08 01 90'), 'flags with Extended Length, then two octets of length')
  assert.deepEqual(decodeUpdate(octets.subarray(19), wide), { ...update, faults: [] })
})

test('RFC 4724 §2: End-of-RIB markers', () => {
  for (const [octets, family] of [
    ['0000 0000', 4],
    ['0000 0006 80 0f 03 0002 01', 6],
    ['0000 0007 90 0f 0003 0002 01', 6],
    ['0002 08 0a 0000', undefined],
    ['0000 0008 80 0f 05 0002 01 08 20', undefined],
  ] as const) {
    const update = decodeUpdate(bytes(octets), wide)
    assert.ok(!isWireError(update))
    assert.equal(endOfRibOf(update), family, octets)
  }
})

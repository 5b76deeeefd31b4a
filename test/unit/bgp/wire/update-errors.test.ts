// RFC 7606, clause by clause: what damage in an UPDATE leads to.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { formatPrefix } from '../../../../src/core/address/index.ts'
import {
  type ErrorClass,
  type UpdateContext,
  type Update,
  decodeUpdate,
  isWireError,
} from '../../../../src/core/bgp/wire/index.ts'
import { bytes, hex } from './hex.ts'

const internal: UpdateContext = { fourOctetAs: true, addPath: [], external: false }
const external: UpdateContext = { ...internal, external: true }

const origin = '40 01 01 00'
const asPath = '40 02 06 02 01 0000fde9'
const nextHop = '40 03 04 c0000201'
const good = `${origin} ${asPath} ${nextHop}`
const prefix = '20 0a000001'

function body(attributes: string, nlri = prefix, withdrawn = ''): Uint8Array {
  return bytes(`${word(bytes(withdrawn).length)} ${withdrawn} ${word(bytes(attributes).length)} ${attributes} ${nlri}`)
}

interface Row {
  readonly clause: string
  readonly attributes: string
  readonly nlri?: string
  readonly context?: UpdateContext
  readonly class: ErrorClass
  readonly subcode: number
  /** Of the NOTIFICATION. */
  readonly data?: string
}

const rows: readonly Row[] = [
  {
    clause: '3 c: flags of ORIGIN say optional',
    attributes: `c0 01 01 00 ${asPath} ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 4,
    data: 'c0 01 01 00',
  },
  {
    clause: '3 c: flags of MULTI_EXIT_DISC say transitive',
    attributes: `${good} c0 04 04 00000001`,
    class: 'treat-as-withdraw',
    subcode: 4,
    data: 'c0 04 04 00000001',
  },
  {
    clause: '3 d: ORIGIN is missing',
    attributes: `${asPath} ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 3,
    data: '01',
  },
  {
    clause: '3 d: AS_PATH is missing',
    attributes: `${origin} ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 3,
    data: '02',
  },
  {
    clause: '3 d: NEXT_HOP is missing',
    attributes: `${origin} ${asPath}`,
    class: 'treat-as-withdraw',
    subcode: 3,
    data: '03',
  },
  { clause: '3 g: ORIGIN twice', attributes: `${good} 40 01 01 02`, class: 'attribute-discard', subcode: 1 },
  {
    clause: '3 g: MP_UNREACH_NLRI twice',
    attributes: `${good} 80 0f 03 0002 01 80 0f 03 0002 01`,
    class: 'session-reset',
    subcode: 1,
  },
  {
    clause: '4: an attribute runs over the end',
    attributes: `${good} 80 04 09 00000001`,
    class: 'treat-as-withdraw',
    subcode: 1,
  },
  { clause: '4: an attribute without its length', attributes: `${good} 80 04`, class: 'treat-as-withdraw', subcode: 1 },
  {
    clause: '5.2: damage, and no route in the message',
    attributes: `${origin} ${asPath} 80 04 03 000001`,
    nlri: '',
    class: 'session-reset',
    subcode: 5,
    data: '80 04 03 000001',
  },
  { clause: '5.3: a prefix of 33 bits', attributes: good, nlri: '21 0a00000100', class: 'session-reset', subcode: 10 },
  {
    clause: '5.3: a prefix beyond the message',
    attributes: good,
    nlri: '20 0a0000',
    class: 'session-reset',
    subcode: 10,
  },
  {
    clause: '5.3: a prefix of 129 bits in MP_REACH_NLRI',
    attributes: `${good} 80 0e 17 0002 01 10 20010db8000000000000000000000001 00 81 00`,
    class: 'session-reset',
    subcode: 9,
    data: '80 0e 17 0002 01 10 20010db8000000000000000000000001 00 81 00',
  },
  {
    clause: '7.1: ORIGIN of two octets',
    attributes: `40 01 02 0000 ${asPath} ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 5,
    data: '40 01 02 0000',
  },
  {
    clause: '7.1: ORIGIN 3',
    attributes: `40 01 01 03 ${asPath} ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 6,
    data: '40 01 01 03',
  },
  {
    clause: '7.2: AS_PATH with a segment of an unknown type',
    attributes: `${origin} 40 02 06 05 01 0000fde9 ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 11,
    data: '40 02 06 05 01 0000fde9',
  },
  {
    clause: '7.2: AS_PATH with an empty segment',
    attributes: `${origin} 40 02 02 02 00 ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 11,
    data: '40 02 02 02 00',
  },
  {
    clause: '7.2: AS_PATH with a segment beyond its end',
    attributes: `${origin} 40 02 06 02 02 0000fde9 ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 11,
    data: '40 02 06 02 02 0000fde9',
  },
  {
    clause: '7.2: AS_PATH with one octet left over',
    attributes: `${origin} 40 02 07 02 01 0000fde9 02 ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 11,
    data: '40 02 07 02 01 0000fde9 02',
  },
  {
    clause: '7.3: NEXT_HOP of three octets',
    attributes: `${origin} ${asPath} 40 03 03 c00002`,
    class: 'treat-as-withdraw',
    subcode: 5,
    data: '40 03 03 c00002',
  },
  {
    clause: '7.3: NEXT_HOP is no host address',
    attributes: `${origin} ${asPath} 40 03 04 e0000001`,
    class: 'treat-as-withdraw',
    subcode: 8,
    data: '40 03 04 e0000001',
  },
  {
    clause: '7.4: MULTI_EXIT_DISC of three octets',
    attributes: `${good} 80 04 03 000001`,
    class: 'treat-as-withdraw',
    subcode: 5,
    data: '80 04 03 000001',
  },
  {
    clause: '7.5: LOCAL_PREF of three octets from an internal peer',
    attributes: `${good} 40 05 03 000001`,
    class: 'treat-as-withdraw',
    subcode: 5,
    data: '40 05 03 000001',
  },
  {
    clause: '7.6: ATOMIC_AGGREGATE of one octet',
    attributes: `${good} 40 06 01 00`,
    class: 'attribute-discard',
    subcode: 5,
    data: '40 06 01 00',
  },
  {
    clause: '7.7: AGGREGATOR of six octets among speakers of four-octet AS',
    attributes: `${good} c0 07 06 fde9c0000209`,
    class: 'attribute-discard',
    subcode: 5,
    data: 'c0 07 06 fde9c0000209',
  },
  {
    clause: '7.8: COMMUNITIES of five octets',
    attributes: `${good} c0 08 05 0000000100`,
    class: 'treat-as-withdraw',
    subcode: 5,
    data: 'c0 08 05 0000000100',
  },
  {
    clause: '7.8: COMMUNITIES of none',
    attributes: `${good} c0 08 00`,
    class: 'treat-as-withdraw',
    subcode: 5,
    data: 'c0 08 00',
  },
  {
    clause: 'RFC 8092 6: LARGE_COMMUNITY of eight octets',
    attributes: `${good} c0 20 08 0000000100000002`,
    class: 'treat-as-withdraw',
    subcode: 5,
    data: 'c0 20 08 0000000100000002',
  },
  {
    clause: '7.11: MP_REACH_NLRI with a next hop of five octets',
    attributes: `${good} 80 0e 0a 0002 01 05 20010db800 00`,
    class: 'session-reset',
    subcode: 9,
    data: '80 0e 0a 0002 01 05 20010db800 00',
  },
  {
    clause: '7.12: MP_UNREACH_NLRI of two octets',
    attributes: `${good} 80 0f 02 0002`,
    class: 'session-reset',
    subcode: 5,
    data: '80 0f 02 0002',
  },
  {
    clause: 'RFC 4271 6.3: an unknown well-known attribute',
    attributes: `${good} 40 63 01 00`,
    class: 'session-reset',
    subcode: 2,
    data: '40 63 01 00',
  },
]

for (const { clause, attributes, nlri, context = internal, class: errorClass, subcode, data = '' } of rows) {
  test(`RFC 7606 ${clause}: ${errorClass}`, () => {
    const outcome = decodeUpdate(body(attributes, nlri), context)
    const fault = isWireError(outcome) ? outcome : outcome.faults[0]
    assert.ok(fault !== undefined, 'there is damage')
    assert.deepEqual([fault.class, fault.code, fault.subcode], [errorClass, 3, subcode], fault.detail)
    assert.equal(hex(fault.data), hex(bytes(data)))
    assert.equal(isWireError(outcome), errorClass === 'session-reset')
    if (!isWireError(outcome))
      assert.deepEqual(routes(outcome), errorClass === 'treat-as-withdraw' ? withdrawnOnly : announcedOnly)
  })
}

const withdrawnOnly = { announced: [], withdrawn: ['10.0.0.1/32'] }
const announcedOnly = { announced: ['10.0.0.1/32'], withdrawn: [] }

test('RFC 7606 3 g: of an attribute that stands twice the first counts', () => {
  const outcome = decodeUpdate(body(`${good} 40 01 01 02`), internal)
  assert.ok(!isWireError(outcome))
  assert.equal(outcome.attributes.origin, 0)
})

test('RFC 7606 7.5: LOCAL_PREF from an external peer is discarded, malformed or not', () => {
  for (const attribute of ['40 05 03 000001', '40 05 04 00000001']) {
    const outcome = decodeUpdate(body(`${good} ${attribute}`), external)
    assert.ok(!isWireError(outcome))
    assert.deepEqual([outcome.faults, outcome.attributes.localPref], [[], undefined])
  }
})

test('RFC 7606 4: field lengths that do not fit the message end the session', () => {
  for (const octets of ['0009 0000', '0000 0009', '0002 0000']) {
    const outcome = decodeUpdate(bytes(octets), internal)
    assert.ok(isWireError(outcome))
    assert.deepEqual([outcome.class, outcome.subcode], ['session-reset', 1])
  }
})

test('RFC 7606 2: treat-as-withdraw withdraws IPv6 routes too', () => {
  const reach = '80 0e 1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db800000001'
  const outcome = decodeUpdate(body(`${reach} ${origin} ${asPath} 80 04 01 00`, ''), internal)
  assert.ok(!isWireError(outcome))
  assert.deepEqual(
    outcome.attributes.mpUnreach?.withdrawn.map(({ prefix }) => formatPrefix(prefix)),
    ['2001:db8:0:1::/64'],
  )
  assert.equal(outcome.attributes.mpReach, undefined)
})

function routes({ nlri, withdrawn }: Update): { readonly announced: string[]; readonly withdrawn: string[] } {
  return {
    announced: nlri.map((each) => formatPrefix(each.prefix)),
    withdrawn: withdrawn.map((each) => formatPrefix(each.prefix)),
  }
}

function word(value: number): string {
  return value.toString(16).padStart(4, '0')
}

// RFC 7606, clause by clause: what damage in an UPDATE leads to. The damage itself is in update-error-rows.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { formatPrefix, parsePrefix } from '../../../../src/core/address/index.ts'
import type { Path } from '../../../../src/core/bgp/index.ts'
import { AdjRibOut, nextUpdates } from '../../../../src/core/bgp/rib/index.ts'
import { type Update, decodeUpdate, errorCodes, isWireError } from '../../../../src/core/bgp/wire/index.ts'
import { outboundOf } from '../rib/router.ts'
import { attributeRows } from './attribute-error-rows.ts'
import { bytes, hex } from './hex.ts'
import {
  asPath,
  external,
  good,
  internal,
  narrow,
  nextHop,
  origin,
  prefix,
  reach,
  rows as clauseRows,
} from './update-error-rows.ts'

function body(attributes: string, nlri = prefix, withdrawn = ''): Uint8Array {
  return bytes(`${word(bytes(withdrawn).length)} ${withdrawn} ${word(bytes(attributes).length)} ${attributes} ${nlri}`)
}

const rows = [...clauseRows, ...attributeRows]

for (const row of rows) {
  const { clause, attributes = good, nlri, withdrawn, whole, context = internal } = row
  const { class: errorClass, subcode, data = '' } = row
  test(`${clause}: ${errorClass}`, () => {
    const octets = whole === undefined ? body(attributes, nlri, withdrawn) : bytes(whole)
    const outcome = decodeUpdate(octets, context)
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

test('RFC 7606 §3 g: of an attribute that stands twice the first counts', () => {
  const outcome = decodeUpdate(body(`${good} 40 01 01 02`), internal)
  assert.ok(!isWireError(outcome))
  assert.equal(outcome.attributes.origin, 0)
})

test('RFC 7606 §7.5: LOCAL_PREF from an external peer is discarded, malformed or not', () => {
  for (const attribute of ['40 05 03 000001', '40 05 04 00000001']) {
    const outcome = decodeUpdate(body(`${good} ${attribute}`), external)
    assert.ok(!isWireError(outcome))
    assert.deepEqual([outcome.faults, outcome.attributes.localPref], [[], undefined])
  }
})

test('RFC 7606 §4: field lengths that do not fit the message end the session', () => {
  for (const octets of ['0009 0000', '0000 0009', '0002 0000']) {
    const outcome = decodeUpdate(bytes(octets), internal)
    assert.ok(isWireError(outcome))
    assert.deepEqual([outcome.class, outcome.subcode], ['session-reset', 1])
  }
})

test('RFC 7606 §2: treat-as-withdraw withdraws IPv6 routes too', () => {
  const outcome = decodeUpdate(body(`${reach} ${origin} ${asPath} 80 04 01 00`, ''), internal)
  assert.ok(!isWireError(outcome))
  assert.deepEqual(
    outcome.attributes.mpUnreach?.withdrawn.map(({ prefix }) => formatPrefix(prefix)),
    ['2001:db8:0:1::/64'],
  )
  assert.equal(outcome.attributes.mpReach, undefined)
})

test('RFC 7606 §3 a: what resets the session is told in a NOTIFICATION of Error Code UPDATE Message Error', () => {
  for (const { class: errorClass, attributes = good, nlri, withdrawn, whole, context = internal } of rows) {
    const outcome = decodeUpdate(whole === undefined ? body(attributes, nlri, withdrawn) : bytes(whole), context)
    assert.equal(isWireError(outcome), errorClass === 'session-reset')
    if (isWireError(outcome)) assert.equal(outcome.code, errorCodes.updateMessage)
  }
})

test('RFC 7606 §3 h: of damage of several classes the strongest counts', () => {
  const discard = '40 06 01 00'
  const withdraw = '80 04 03 000001'
  const reset = '80 0f 02 0002'
  const read = (attributes: string) => decodeUpdate(body(`${good} ${attributes}`), internal)
  const first = read(`${discard} ${withdraw}`)
  assert.ok(!isWireError(first))
  assert.deepEqual(routes(first), withdrawnOnly)
  assert.deepEqual(
    first.faults.map((fault) => fault.class),
    ['attribute-discard', 'treat-as-withdraw'],
  )
  const second = read(`${discard} ${withdraw} ${reset}`)
  assert.ok(isWireError(second))
  assert.equal(second.subcode, 5)
})

test('RFC 7606 §5.1: we send one of withdrawn routes, NLRI, MP_REACH_NLRI, MP_UNREACH_NLRI, the MP ones first', () => {
  const rib = new AdjRibOut()
  const outbound = outboundOf()
  const want = (text: string, paths: readonly Path[]): void =>
    void rib.setPaths(parsePrefix(text) ?? assert.fail(text), paths)
  for (const text of ['192.0.2.1/32', '2001:db8::1/128'])
    want(text, [{ id: 1, nextHop: 'self', attributes: { med: 1 } }])
  const messages = [...nextUpdates(rib, outbound)]
  want('192.0.2.1/32', [])
  want('2001:db8::1/128', [{ id: 2, nextHop: 'self', attributes: {} }])
  messages.push(...nextUpdates(rib, outbound))
  assert.ok(messages.length >= 4)
  for (const { bytes: message } of messages) {
    const update = decodeUpdate(message.subarray(19), outbound.context)
    assert.ok(!isWireError(update))
    const { mpReach, mpUnreach } = update.attributes
    const parts = [update.withdrawn.length > 0, update.nlri.length > 0, mpReach !== undefined, mpUnreach !== undefined]
    assert.equal(parts.filter(Boolean).length, 1)
    const firstAttribute = message[19 + 2 + 2 + 1]
    if (mpReach !== undefined) assert.equal(firstAttribute, 14)
    if (mpUnreach !== undefined) assert.equal(firstAttribute, 15)
  }
})

test('RFC 7606 §5.1: they are read in any place and any combination', () => {
  const octets = body(`${good} ${reach} 80 0f 0c 0002 01 40 20010db800000002`, prefix, '20 0a000002')
  const outcome = decodeUpdate(octets, internal)
  assert.ok(!isWireError(outcome))
  assert.deepEqual(outcome.faults, [])
  assert.deepEqual(routes(outcome), { announced: ['10.0.0.1/32'], withdrawn: ['10.0.0.2/32'] })
  assert.equal(outcome.attributes.mpReach?.nlri.length, 1)
  assert.equal(outcome.attributes.mpUnreach?.withdrawn.length, 1)
})

test('RFC 7606 §5.2: an End-of-RIB of either form is no damage', () => {
  for (const octets of ['0000 0000', '0000 0006 80 0f 03 0002 01']) {
    const outcome = decodeUpdate(bytes(octets), internal)
    assert.ok(!isWireError(outcome))
    assert.deepEqual(outcome.faults, [])
  }
})

test('RFC 7606 §5.4: prefixes of a family that is not ours are not looked into', () => {
  const outcome = decodeUpdate(body(`${good} 80 0e 09 0019 46 00 00 ffffffff`), internal)
  assert.ok(!isWireError(outcome))
  assert.deepEqual([outcome.faults, outcome.attributes.mpReach?.opaque?.length], [[], 6])
})

test('RFC 7606 §7.9 and §7.10: ORIGINATOR_ID and CLUSTER_LIST from an external peer are discarded, malformed or not', () => {
  for (const attribute of ['80 09 03 c00002', '80 09 04 c0000201', '80 0a 03 c00002', '80 0a 04 c0000201']) {
    const outcome = decodeUpdate(body(`${good} ${attribute}`), external)
    assert.ok(!isWireError(outcome))
    assert.deepEqual(
      [outcome.faults, outcome.attributes.originatorId, outcome.attributes.clusterList],
      [[], undefined, undefined],
    )
  }
})

test('RFC 7606 §7.13 and §7.16: Traffic Engineering and ATTR_SET are attributes that we do not know: never malformed', () => {
  for (const type of ['18', '80']) {
    const outcome = decodeUpdate(body(`${good} c0 ${type} 03 000001`), internal)
    assert.ok(!isWireError(outcome))
    assert.deepEqual([outcome.faults, outcome.attributes.unknown?.length], [[], 1])
  }
})

test('RFC 7606 §2: treat-as-withdraw withdraws every route of the message, of both families', () => {
  const octets = body(`80 0f 05 0001 01 08 0b ${reach} ${good} 80 04 01 00`, prefix, '20 0a000002')
  const outcome = decodeUpdate(octets, internal)
  assert.ok(!isWireError(outcome))
  assert.deepEqual(routes(outcome), { announced: [], withdrawn: ['10.0.0.2/32', '10.0.0.1/32', '11.0.0.0/8'] })
  assert.deepEqual(
    outcome.attributes.mpUnreach?.withdrawn.map((each) => formatPrefix(each.prefix)),
    ['2001:db8:0:1::/64'],
  )
})

test('RFC 6793 §6: confederation segments of AS4_PATH are discarded, the others stay', () => {
  const outcome = decodeUpdate(
    body(`${origin} 40 02 04 02 01 5ba0 ${nextHop} c0 11 0c 03 01 0000fde9 02 01 fa56ea01`),
    narrow,
  )
  assert.ok(!isWireError(outcome))
  assert.deepEqual(outcome.attributes.as4Path, [{ type: 2, asNumbers: [4200000001] }])
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

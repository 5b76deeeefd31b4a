// The codec: whatever it writes it reads back; a naive twin writes the same bytes; and whatever bytes come, the outcome
// is a message, "needs more", or a NOTIFICATION with its class.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { type Ip, ipToBytes, prefixOf } from '../../src/core/address/index.ts'
import {
  type AsPathSegment,
  type Attributes,
  type Capability,
  type Message,
  type Nlri,
  type UpdateContext,
  decodeMessage,
  encodeMessage,
  errorCodes,
  isWireError,
  nextFrame,
} from '../../src/core/bgp/wire/index.ts'

const long = process.env['BELLHOP_TEST_LONG'] !== undefined

const u8 = fc.nat({ max: 0xff })
const u16 = fc.nat({ max: 0xffff })
const u32 = fc.nat({ max: 0xffffffff })
const ip4: fc.Arbitrary<Ip> = u32.map((bits) => ({ family: 4, bits: BigInt(bits) }))
const host4: fc.Arbitrary<Ip> = fc
  .integer({ min: 0x01000000, max: 0x7effffff })
  .map((bits) => ({ family: 4, bits: BigInt(bits) }))
const ip6: fc.Arbitrary<Ip> = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((bits) => ({ family: 6, bits }))
const octets = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => new Uint8Array(bytes))

const contexts: fc.Arbitrary<UpdateContext> = fc.record({
  fourOctetAs: fc.boolean(),
  addPath: fc.constantFrom([], [4], [6], [4, 6]) as fc.Arbitrary<UpdateContext['addPath']>,
  external: fc.boolean(),
})

function nlriOf(context: UpdateContext, family: 4 | 6): fc.Arbitrary<Nlri> {
  const pathId = context.addPath.includes(family) ? u32 : fc.constant(0)
  const prefix = fc
    .tuple<[Ip, number]>(family === 4 ? ip4 : ip6, fc.nat({ max: family === 4 ? 32 : 128 }))
    .map(([ip, length]) => prefixOf(ip, length))
  return fc.record({ prefix, pathId })
}

function segments(as: fc.Arbitrary<number>, mostType = 4): fc.Arbitrary<readonly AsPathSegment[]> {
  return fc.array(
    fc.record({ type: fc.integer({ min: 1, max: mostType }), asNumbers: fc.array(as, { minLength: 1, maxLength: 5 }) }),
    { maxLength: 3 },
  )
}

function attributesOf(context: UpdateContext): fc.Arbitrary<Attributes> {
  const as = context.fourOctetAs ? u32 : u16
  const wide = context.fourOctetAs
    ? {}
    : { as4Path: segments(u32, 2).filter((list) => list.length > 0), as4Aggregator: fc.record({ as: u32, ip: ip4 }) }
  const optional = {
    med: u32,
    ...(context.external ? {} : { localPref: u32 }),
    atomicAggregate: fc.constant(true as const),
    aggregator: fc.record({ as, ip: ip4 }),
    communities: fc.array(u32, { minLength: 1, maxLength: 80 }),
    largeCommunities: fc.array(fc.tuple(u32, u32, u32), { minLength: 1, maxLength: 30 }),
    mpReach: fc.record({
      afi: fc.constant(2),
      safi: fc.constant(1),
      nextHops: fc.array(ip6, { minLength: 1, maxLength: 2 }),
      nlri: fc.array(nlriOf(context, 6), { maxLength: 5 }),
    }),
    mpUnreach: fc.record({
      afi: fc.constant(2),
      safi: fc.constant(1),
      withdrawn: fc.array(nlriOf(context, 6), { maxLength: 5 }),
    }),
    ...wide,
  }
  return fc.record(
    { origin: fc.nat({ max: 2 }), asPath: segments(as), nextHop: host4, ...optional },
    { requiredKeys: ['origin', 'asPath', 'nextHop'] },
  ) as fc.Arbitrary<Attributes>
}

const capability: fc.Arbitrary<Capability> = fc.oneof(
  fc.record({ name: fc.constant('multiprotocol' as const), afi: u16, safi: u8 }),
  fc.constantFrom(
    { name: 'routeRefresh' },
    { name: 'enhancedRouteRefresh' },
    { name: 'extendedMessage' },
  ) as fc.Arbitrary<Capability>,
  fc.record({ name: fc.constant('fourOctetAs' as const), as: u32 }),
  fc.record({
    name: fc.constant('addPath' as const),
    families: fc.array(
      fc
        .record({ afi: u16, safi: u8, send: fc.boolean(), receive: fc.boolean() })
        .filter(({ send, receive }) => send || receive),
      { maxLength: 3 },
    ),
  }),
  fc.record({
    name: fc.constant('gracefulRestart' as const),
    restarted: fc.boolean(),
    notification: fc.boolean(),
    restartTimeSeconds: fc.nat({ max: 4095 }),
    families: fc.array(fc.record({ afi: u16, safi: u8, forwardingPreserved: fc.boolean() }), { maxLength: 3 }),
  }),
  fc.record({ name: fc.constant('other' as const), code: fc.integer({ min: 128, max: 255 }), value: octets(40) }),
)

const messageIn: fc.Arbitrary<readonly [Message, UpdateContext]> = contexts.chain((context) =>
  fc.tuple(
    fc.oneof(
      fc.record({
        type: fc.constant('update' as const),
        withdrawn: fc.array(nlriOf(context, 4), { maxLength: 8 }),
        attributes: attributesOf(context),
        nlri: fc.array(nlriOf(context, 4), { minLength: 1, maxLength: 8 }),
        faults: fc.constant([]),
      }),
      fc.record({
        type: fc.constant('open' as const),
        version: fc.constant(4),
        as: u16,
        holdTimeSeconds: u16,
        routerId: ip4,
        capabilities: fc.array(capability, { maxLength: 20 }),
      }),
      fc.record({ type: fc.constant('notification' as const), code: u8, subcode: u8, data: octets(60) }),
      fc.record({ type: fc.constant('routeRefresh' as const), afi: u16, subtype: u8, safi: u8 }),
      fc.constant({ type: 'keepalive' } as const),
    ) as fc.Arbitrary<Message>,
    fc.constant(context),
  ),
)

test('every message: written, framed, read back', () => {
  fc.assert(
    fc.property(messageIn, ([message, context]) => {
      const bytes = encodeMessage(message, context)
      const frame = nextFrame(bytes, 0, 65535)
      assert.ok(frame.kind === 'frame' && frame.length === bytes.length)
      // Cloned: fast-check's records have no prototype.
      assert.deepEqual(decodeMessage(frame, context), structuredClone(message))
    }),
    { numRuns: long ? 20_000 : 1500 },
  )
})

test('an UPDATE is byte for byte what a naive twin writes', () => {
  fc.assert(
    fc.property(messageIn, ([message, context]) => {
      fc.pre(message.type === 'update')
      const { withdrawn, attributes, nlri } = message
      const plain = { origin: attributes.origin ?? 0, nextHop: attributes.nextHop, med: attributes.med }
      const written = encodeMessage({ ...message, attributes: withoutUndefined(plain) }, context)
      const withId = context.addPath.includes(4)
      const twin = [
        ...withLength(withdrawn.flatMap((each) => naiveNlri(each, withId))),
        ...withLength([
          ...[0x40, 1, 1, plain.origin],
          ...(plain.nextHop === undefined ? [] : [0x40, 3, 4, ...ipToBytes(plain.nextHop)]),
          ...(plain.med === undefined ? [] : [0x80, 4, 4, ...naiveNumber(plain.med, 4)]),
        ]),
        ...nlri.flatMap((each) => naiveNlri(each, withId)),
      ]
      assert.deepEqual([...written.subarray(19)], twin)
      assert.deepEqual([...written.subarray(16, 19)], [...naiveNumber(19 + twin.length, 2), 2])
    }),
    { numRuns: long ? 10_000 : 1000 },
  )
})

function withoutUndefined(attributes: Record<string, unknown>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
}

function naiveNumber(value: number, width: number): number[] {
  const text = value.toString(16).padStart(width * 2, '0')
  return (text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
}

function naiveNlri({ prefix, pathId }: Nlri, withId: boolean): number[] {
  const bits = [...ipToBytes(prefix.ip)]
    .map((octet) => octet.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, prefix.length)
  const padded = bits.padEnd(Math.ceil(prefix.length / 8) * 8, '0')
  const value = (padded.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2))
  return [...(withId ? naiveNumber(pathId, 4) : []), prefix.length, ...value]
}

function withLength(bytes: number[]): number[] {
  return [...naiveNumber(bytes.length, 2), ...bytes]
}

test('fuzz: mutated messages end as message, "needs more" or NOTIFICATION with class', () => {
  const seeds = fc
    .sample(messageIn, { numRuns: 500, seed: 42 })
    .map(([message, context]) => ({ bytes: encodeMessage(message, context), context }))
  const count = long ? 1_000_000 : 20_000
  const random = randomNumbers(4271)
  const outcomes = { message: 0, needsMore: 0, error: 0 }
  const began = performance.now()
  for (let i = 0; i < count; i++) {
    const { bytes, context } = seeds[random(seeds.length)] ?? assert.fail()
    const mutated = mutate(bytes, random)
    const frame = nextFrame(mutated, 0, 4096)
    if (frame.kind === 'needs-more') {
      assert.ok(frame.octets > 0)
      outcomes.needsMore++
      continue
    }
    const outcome = frame.kind === 'frame' ? decodeMessage(frame, context) : frame
    if (!isWireError(outcome)) {
      outcomes.message++
      continue
    }
    assert.equal(outcome.class, 'session-reset', 'lesser damage is told in the message')
    assert.ok(Object.values<number>(errorCodes).includes(outcome.code))
    assert.ok(outcome.data.length <= mutated.length && outcome.detail !== '')
    outcomes.error++
  }
  assert.ok(Math.min(...Object.values(outcomes)) > count / 100, `every outcome is reached: ${JSON.stringify(outcomes)}`)
  const microseconds = ((performance.now() - began) * 1000) / count
  assert.ok(microseconds < 500, `no message takes long: ${microseconds.toFixed(1)} µs on average`)
})

// Flips, cuts, repeats; the header is left alone more often than not, so that what is inside is reached.
function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const mutated = [...bytes]
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(4) === 0 ? random(mutated.length) : Math.min(mutated.length - 1, 19 + random(mutated.length))
    const kind = random(4)
    if (kind === 0) mutated[at] = random(256)
    else if (kind === 1) mutated[at] = ((mutated[at] ?? 0) ^ (1 << random(8))) & 0xff
    else if (kind === 2) mutated.splice(at, 1 + random(4))
    else mutated.splice(at, 0, ...mutated.slice(at, at + random(6)))
    if (mutated.length === 0) break
  }
  const result = Uint8Array.from(mutated)
  if (random(3) > 0 && result.length >= 19) {
    result[16] = result.length >>> 8
    result[17] = result.length
  }
  return result
}

function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

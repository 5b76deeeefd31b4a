// Messages of every kind with everything in them that the codec knows.
import fc from 'fast-check'

import { type Ip, prefixOf } from '../../../src/core/address/index.ts'
import type {
  AsPathSegment,
  Attributes,
  Capability,
  Message,
  Nlri,
  UpdateContext,
} from '../../../src/core/bgp/wire/index.ts'

const u8 = fc.nat({ max: 0xff })
const u16 = fc.nat({ max: 0xffff })
const u32 = fc.nat({ max: 0xffffffff })
const ip4: fc.Arbitrary<Ip> = u32.map((bits) => ({ family: 4, bits: BigInt(bits) }))
const host4: fc.Arbitrary<Ip> = fc
  .integer({ min: 0x01000000, max: 0x7effffff })
  .map((bits) => ({ family: 4, bits: BigInt(bits) }))
const ip6: fc.Arbitrary<Ip> = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((bits) => ({ family: 6, bits }))
const exactly = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b) => new Uint8Array(b))
const octets = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => new Uint8Array(bytes))

export const contexts: fc.Arbitrary<UpdateContext> = fc.record({
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
    ...(context.external ? {} : { originatorId: ip4, clusterList: fc.array(ip4, { minLength: 1, maxLength: 5 }) }),
    extendedCommunities: fc.array(exactly(8), { minLength: 1, maxLength: 5 }),
    ipv6ExtendedCommunities: fc.array(exactly(20), { minLength: 1, maxLength: 5 }),
    largeCommunities: fc.array(fc.tuple(u32, u32, u32), { minLength: 1, maxLength: 30 }),
    // RFC 8950: IPv4 prefixes with an IPv6 next hop too.
    mpReach: fc.oneof(
      ...([4, 6] as const).map((family) =>
        fc.record({
          afi: fc.constant(family === 4 ? 1 : 2),
          safi: fc.constant(1),
          nextHops: fc.array(ip6, { minLength: 1, maxLength: 2 }),
          nlri: fc.array(nlriOf(context, family), { maxLength: 5 }),
        }),
      ),
    ),
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
  fc.record({
    name: fc.constant('extendedNextHop' as const),
    encodings: fc.array(fc.record({ afi: u16, safi: u16, nextHopAfi: u16 }), { maxLength: 3 }),
  }),
  fc.record({ name: fc.constant('other' as const), code: fc.integer({ min: 128, max: 255 }), value: octets(40) }),
)

/** A message that we could have written, with the context in which it is read. */
export const messageIn: fc.Arbitrary<readonly [Message, UpdateContext]> = contexts.chain((context) =>
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

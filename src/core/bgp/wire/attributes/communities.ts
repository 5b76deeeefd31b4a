// COMMUNITIES, RFC 1997, errors RFC 7606 §7.8; EXTENDED COMMUNITIES, RFC 4360, errors §7.14; the same for IPv6 addresses,
// RFC 5701, errors §7.15; LARGE_COMMUNITY, RFC 8092 §3 and §6.
import { type AttributeCodec, optionalTransitive } from './attribute.ts'
import { listOf } from './list.ts'

const common = { flags: optionalTransitive, whenMalformed: 'treat-as-withdraw' } as const

export const communities: AttributeCodec<'communities'> = {
  type: 8,
  ...common,
  ...listOf(
    4,
    (value) => value.u32(),
    (writer, community) => writer.u32(community),
  ),
}

export const extendedCommunities: AttributeCodec<'extendedCommunities'> = { type: 16, ...common, ...opaque(8) }

export const ipv6ExtendedCommunities: AttributeCodec<'ipv6ExtendedCommunities'> = { type: 25, ...common, ...opaque(20) }

export const largeCommunities: AttributeCodec<'largeCommunities'> = {
  type: 32,
  ...common,
  ...listOf<readonly [number, number, number]>(
    12,
    (value) => [value.u32(), value.u32(), value.u32()],
    (writer, parts) => {
      for (const part of parts) writer.u32(part)
    },
  ),
}

function opaque(octets: number) {
  return listOf(
    octets,
    (value) => value.take(octets).slice(),
    (writer, item) => writer.raw(item),
  )
}

// COMMUNITIES, RFC 1997, errors RFC 7606 §7.8; EXTENDED COMMUNITIES, RFC 4360, errors §7.14; the same for IPv6 addresses,
// RFC 5701, errors §7.15; LARGE_COMMUNITY, RFC 8092 §3 and §6.
import type { Reader } from '../reader.ts'
import { type AttributeCodec, optionalTransitive } from './attribute.ts'

export const communities: AttributeCodec<'communities'> = {
  type: 8,
  flags: optionalTransitive,
  whenMalformed: 'treat-as-withdraw',
  lengthIsValid: (length) => length > 0 && length % 4 === 0,
  read(value) {
    const list: number[] = []
    while (value.remaining > 0) list.push(value.u32())
    return list
  },
  write(writer, list) {
    for (const community of list) writer.u32(community)
  },
}

export const largeCommunities: AttributeCodec<'largeCommunities'> = {
  type: 32,
  flags: optionalTransitive,
  whenMalformed: 'treat-as-withdraw',
  lengthIsValid: (length) => length > 0 && length % 12 === 0,
  read(value) {
    const list: [number, number, number][] = []
    while (value.remaining > 0) list.push([value.u32(), value.u32(), value.u32()])
    return list
  },
  write(writer, list) {
    for (const parts of list) for (const part of parts) writer.u32(part)
  },
}

export const extendedCommunities: AttributeCodec<'extendedCommunities'> = {
  type: 16,
  flags: optionalTransitive,
  whenMalformed: 'treat-as-withdraw',
  lengthIsValid: (length) => length > 0 && length % 8 === 0,
  read: (value) => readOpaque(value, 8),
  write(writer, list) {
    for (const octets of list) writer.raw(octets)
  },
}

export const ipv6ExtendedCommunities: AttributeCodec<'ipv6ExtendedCommunities'> = {
  type: 25,
  flags: optionalTransitive,
  whenMalformed: 'treat-as-withdraw',
  lengthIsValid: (length) => length > 0 && length % 20 === 0,
  read: (value) => readOpaque(value, 20),
  write(writer, list) {
    for (const octets of list) writer.raw(octets)
  },
}

function readOpaque(value: Reader, octets: number): readonly Uint8Array[] {
  const list: Uint8Array[] = []
  while (value.remaining > 0) list.push(value.take(octets).slice())
  return list
}

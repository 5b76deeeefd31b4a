// COMMUNITIES, RFC 1997, errors RFC 7606 §7.8; LARGE_COMMUNITY, RFC 8092 §3 and §6.
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

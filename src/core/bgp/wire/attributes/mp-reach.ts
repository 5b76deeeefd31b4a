// MP_REACH_NLRI, RFC 4760 §3; IPv6 next hops RFC 2545 §3; IPv4 over an IPv6 next hop RFC 8950 §3. Errors: RFC 7606 §7.11.
import { type Family, type Ip, ipFromBytes, ipToBytes } from '../../../address/index.ts'
import { updateSubcodes } from '../error.ts'
import { familyOf } from '../family.ts'
import { readNlri, writeNlri } from '../nlri.ts'
import type { Reader } from '../reader.ts'
import { type AttributeCodec, optionalNonTransitive } from './attribute.ts'

export const mpReach: AttributeCodec<'mpReach'> = {
  type: 14,
  flags: optionalNonTransitive,
  whenMalformed: 'session-reset',
  subcode: updateSubcodes.optionalAttribute,
  lengthIsValid: (length) => length >= 5,
  read(value, { addPath }) {
    const afi = value.u16()
    const safi = value.u8()
    const family = familyOf(afi, safi)
    if (family === undefined) return { afi, safi, nextHops: [], nlri: [], opaque: value.take(value.remaining).slice() }
    const nextHops = readNextHops(value.within(value.u8()), family)
    value.u8()
    const nlri = readNlri(value, family, addPath.includes(family))
    return nextHops && nlri && { afi, safi, nextHops, nlri }
  },
  write(writer, { afi, safi, nextHops, nlri, opaque }, { addPath }) {
    writer.u16(afi)
    writer.u8(safi)
    if (opaque !== undefined) return writer.raw(opaque)
    const endNextHops = writer.lengthOf(1)
    for (const ip of nextHops) writer.raw(ipToBytes(ip))
    endNextHops()
    writer.u8(0)
    const family = familyOf(afi, safi)
    for (const each of nlri) writeNlri(writer, each, family !== undefined && addPath.includes(family))
  },
}

// 4 octets (IPv4 only), 16, or 32: a global address and a link-local one.
function readNextHops(octets: Reader, family: Family): readonly Ip[] | undefined {
  const length = octets.remaining
  if (length === 4 && family === 4) return [ipFromBytes(octets.take(4))]
  if (length === 16) return [ipFromBytes(octets.take(16))]
  if (length === 32) return [ipFromBytes(octets.take(16)), ipFromBytes(octets.take(16))]
  return undefined
}

// NEXT_HOP, RFC 4271 §5.1.3; errors RFC 7606 §7.3.
import { ipFromBytes, ipToBytes } from '../../../address/index.ts'
import { updateSubcodes } from '../error.ts'
import { type AttributeCodec, wellKnown } from './attribute.ts'

export const nextHop: AttributeCodec<'nextHop'> = {
  type: 3,
  flags: wellKnown,
  whenMalformed: 'treat-as-withdraw',
  subcode: updateSubcodes.invalidNextHop,
  lengthIsValid: (length) => length === 4,
  read(value) {
    const octets = value.take(4)
    const first = octets[0] ?? 0
    // RFC 4271 §6.3: a syntactically valid host address; not "this network", loopback or anything from class D up.
    return first === 0 || first === 127 || first >= 224 ? undefined : ipFromBytes(octets)
  },
  write: (writer, ip) => writer.raw(ipToBytes(ip)),
}

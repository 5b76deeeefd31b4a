// MP_UNREACH_NLRI, RFC 4760 §4; with nothing in it the End-of-RIB of its family (RFC 4724 §2). Errors: RFC 7606 §7.12.
import { updateSubcodes } from '../error.ts'
import { familyOf } from '../family.ts'
import { readNlri, writeNlri } from '../nlri.ts'
import { type AttributeCodec, optionalNonTransitive } from './attribute.ts'

export const mpUnreach: AttributeCodec<'mpUnreach'> = {
  type: 15,
  flags: optionalNonTransitive,
  whenMalformed: 'session-reset',
  subcode: updateSubcodes.optionalAttribute,
  lengthIsValid: (length) => length >= 3,
  read(value, { addPath }) {
    const afi = value.u16()
    const safi = value.u8()
    const family = familyOf(afi, safi)
    if (family === undefined) return { afi, safi, withdrawn: [], opaque: value.take(value.remaining).slice() }
    const withdrawn = readNlri(value, family, addPath.includes(family))
    return withdrawn && { afi, safi, withdrawn }
  },
  write(writer, { afi, safi, withdrawn, opaque }, { addPath }) {
    writer.u16(afi)
    writer.u8(safi)
    if (opaque !== undefined) return writer.raw(opaque)
    const family = familyOf(afi, safi)
    for (const each of withdrawn) writeNlri(writer, each, family !== undefined && addPath.includes(family))
  },
}

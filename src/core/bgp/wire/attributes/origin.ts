// ORIGIN, RFC 4271 §5.1.1; errors RFC 7606 §7.1.
import { updateSubcodes } from '../error.ts'
import { type AttributeCodec, wellKnown } from './attribute.ts'

export const origin: AttributeCodec<'origin'> = {
  type: 1,
  flags: wellKnown,
  whenMalformed: 'treat-as-withdraw',
  subcode: updateSubcodes.invalidOrigin,
  lengthIsValid: (length) => length === 1,
  read(value) {
    const code = value.u8()
    return code <= 2 ? code : undefined
  },
  write: (writer, code) => writer.u8(code),
}

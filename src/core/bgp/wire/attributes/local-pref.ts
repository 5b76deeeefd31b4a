// LOCAL_PREF, RFC 4271 §5.1.5; errors RFC 7606 §7.5. From an external peer it is discarded: see read.ts.
import { type AttributeCodec, wellKnown } from './attribute.ts'

export const localPref: AttributeCodec<'localPref'> = {
  type: 5,
  flags: wellKnown,
  whenMalformed: 'treat-as-withdraw',
  lengthIsValid: (length) => length === 4,
  read: (value) => value.u32(),
  write: (writer, preference) => writer.u32(preference),
}

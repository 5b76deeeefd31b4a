// MULTI_EXIT_DISC, RFC 4271 §5.1.4; errors RFC 7606 §7.4.
import { type AttributeCodec, optionalNonTransitive } from './attribute.ts'

export const multiExitDisc: AttributeCodec<'med'> = {
  type: 4,
  flags: optionalNonTransitive,
  whenMalformed: 'treat-as-withdraw',
  lengthIsValid: (length) => length === 4,
  read: (value) => value.u32(),
  write: (writer, med) => writer.u32(med),
}

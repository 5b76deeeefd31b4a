// ATOMIC_AGGREGATE and AGGREGATOR, RFC 4271 §5.1.6 and §5.1.7; AS4_AGGREGATOR, RFC 6793 §3. Errors: RFC 7606 §7.6, §7.7.
import { ipFromBytes, ipToBytes } from '../../../address/index.ts'
import { asTrans } from '../open.ts'
import { type AttributeCodec, optionalTransitive, wellKnown } from './attribute.ts'

export const atomicAggregate: AttributeCodec<'atomicAggregate'> = {
  type: 6,
  flags: wellKnown,
  whenMalformed: 'attribute-discard',
  lengthIsValid: (length) => length === 0,
  read: () => true,
  write: () => {},
}

export const aggregator: AttributeCodec<'aggregator'> = {
  type: 7,
  flags: optionalTransitive,
  whenMalformed: 'attribute-discard',
  lengthIsValid: (length, { fourOctetAs }) => length === (fourOctetAs ? 8 : 6),
  read: (value, { fourOctetAs }) => ({
    as: fourOctetAs ? value.u32() : value.u16(),
    ip: ipFromBytes(value.take(4)),
  }),
  write(writer, { as, ip }, { fourOctetAs }) {
    if (fourOctetAs) writer.u32(as)
    else writer.u16(as > 0xffff ? asTrans : as)
    writer.raw(ipToBytes(ip))
  },
}

export const as4Aggregator: AttributeCodec<'as4Aggregator'> = {
  type: 18,
  flags: optionalTransitive,
  whenMalformed: 'attribute-discard',
  lengthIsValid: (length) => length === 8,
  read: (value) => ({ as: value.u32(), ip: ipFromBytes(value.take(4)) }),
  write(writer, { as, ip }) {
    writer.u32(as)
    writer.raw(ipToBytes(ip))
  },
}

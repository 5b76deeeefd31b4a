// ORIGINATOR_ID and CLUSTER_LIST, RFC 4456 §8; errors RFC 7606 §7.9 and §7.10. From an external peer they are discarded:
// see read.ts. We send neither.
import { ipFromBytes, ipToBytes } from '../../../address/index.ts'
import { type AttributeCodec, optionalNonTransitive } from './attribute.ts'
import { listOf } from './list.ts'

export const originatorId: AttributeCodec<'originatorId'> = {
  type: 9,
  flags: optionalNonTransitive,
  whenMalformed: 'treat-as-withdraw',
  lengthIsValid: (length) => length === 4,
  read: (value) => ipFromBytes(value.take(4)),
  write: (writer, id) => writer.raw(ipToBytes(id)),
}

export const clusterList: AttributeCodec<'clusterList'> = {
  type: 10,
  flags: optionalNonTransitive,
  whenMalformed: 'treat-as-withdraw',
  ...listOf(
    4,
    (value) => ipFromBytes(value.take(4)),
    (writer, id) => writer.raw(ipToBytes(id)),
  ),
}

// Four-octet AS numbers, RFC 6793 §3.
import type { CapabilityCodec } from './capability.ts'

export const fourOctetAs: CapabilityCodec<'fourOctetAs'> = {
  code: 65,
  read: (value) => ({ name: 'fourOctetAs', as: value.u32() }),
  write: (writer, { as }) => writer.u32(as),
}

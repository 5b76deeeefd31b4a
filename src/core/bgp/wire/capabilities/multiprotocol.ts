// Multiprotocol Extensions, RFC 4760 §8.
import type { CapabilityCodec } from './capability.ts'

export const multiprotocol: CapabilityCodec<'multiprotocol'> = {
  code: 1,
  read(value) {
    const afi = value.u16()
    value.u8()
    return { name: 'multiprotocol', afi, safi: value.u8() }
  },
  write(writer, { afi, safi }) {
    writer.u16(afi)
    writer.u8(0)
    writer.u8(safi)
  },
}

// Extended Next Hop Encoding, RFC 8950 §4.
import type { CapabilityCodec, NextHopEncoding } from './capability.ts'

export const extendedNextHop: CapabilityCodec<'extendedNextHop'> = {
  code: 5,
  read(value) {
    const encodings: NextHopEncoding[] = []
    while (value.remaining > 0) encodings.push({ afi: value.u16(), safi: value.u16(), nextHopAfi: value.u16() })
    return { name: 'extendedNextHop', encodings }
  },
  write(writer, { encodings }) {
    for (const { afi, safi, nextHopAfi } of encodings) {
      writer.u16(afi)
      writer.u16(safi)
      writer.u16(nextHopAfi)
    }
  },
}

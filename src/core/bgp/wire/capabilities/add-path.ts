// ADD-PATH, RFC 7911 §4: for each family 1 (can receive), 2 (can send) or 3 (both); other values are ignored.
import type { AddPathFamily, CapabilityCodec } from './capability.ts'

export const addPath: CapabilityCodec<'addPath'> = {
  code: 69,
  read(value) {
    const families: AddPathFamily[] = []
    while (value.remaining > 0) {
      const afi = value.u16()
      const safi = value.u8()
      const mode = value.u8()
      if (mode >= 1 && mode <= 3) families.push({ afi, safi, receive: (mode & 1) !== 0, send: (mode & 2) !== 0 })
    }
    return { name: 'addPath', families }
  },
  write(writer, { families }) {
    for (const { afi, safi, send, receive } of families) {
      writer.u16(afi)
      writer.u8(safi)
      writer.u8((receive ? 1 : 0) + (send ? 2 : 0))
    }
  },
}

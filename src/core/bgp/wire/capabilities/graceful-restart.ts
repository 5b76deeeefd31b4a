// Graceful Restart, RFC 4724 §3: four bits of flags, twelve of restart time, then the families. N bit: RFC 8538 §2.
import type { CapabilityCodec, GracefulRestartFamily } from './capability.ts'

const restartedBit = 0x8000
const notificationBit = 0x4000
const forwardingBit = 0x80

export const gracefulRestart: CapabilityCodec<'gracefulRestart'> = {
  code: 64,
  read(value) {
    const word = value.u16()
    const families: GracefulRestartFamily[] = []
    while (value.remaining > 0) {
      const afi = value.u16()
      const safi = value.u8()
      families.push({ afi, safi, forwardingPreserved: (value.u8() & forwardingBit) !== 0 })
    }
    return {
      name: 'gracefulRestart',
      restarted: (word & restartedBit) !== 0,
      notification: (word & notificationBit) !== 0,
      restartTimeSeconds: word & 0x0fff,
      families,
    }
  },
  write(writer, { restarted, notification, restartTimeSeconds, families }) {
    const flags = (restarted ? restartedBit : 0) | (notification ? notificationBit : 0)
    writer.u16(flags | (restartTimeSeconds & 0x0fff))
    for (const { afi, safi, forwardingPreserved } of families) {
      writer.u16(afi)
      writer.u8(safi)
      writer.u8(forwardingPreserved ? forwardingBit : 0)
    }
  },
}

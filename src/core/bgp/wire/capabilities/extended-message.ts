// BGP Extended Message, RFC 8654 §3: no value.
import type { CapabilityCodec } from './capability.ts'

export const extendedMessage: CapabilityCodec<'extendedMessage'> = {
  code: 6,
  read: () => ({ name: 'extendedMessage' }),
  write: () => {},
}

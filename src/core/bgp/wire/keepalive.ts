// KEEPALIVE, RFC 4271 §4.4: the header alone.
import { frameMessage, messageTypes } from './framing.ts'

export interface Keepalive {
  readonly type: 'keepalive'
}

export const keepalive: Keepalive = { type: 'keepalive' }

export function encodeKeepalive(): Uint8Array {
  return frameMessage(messageTypes.keepalive, new Uint8Array(0))
}

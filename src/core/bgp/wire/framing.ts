// Cutting a stream into messages by their header: RFC 4271 §4.1 and §6.1; RFC 8654 for messages beyond 4,096 octets.
import { headerError, type WireError } from './error.ts'

export const headerLength = 19
export const standardMaxLength = 4096
/** RFC 8654, where both sides offered it; never for OPEN and KEEPALIVE. */
export const extendedMaxLength = 65535

export const messageTypes = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 } as const

export interface Frame {
  readonly kind: 'frame'
  readonly type: number
  /** What follows the header; a view into the stream's bytes. */
  readonly body: Uint8Array
  /** Octets of the whole message. */
  readonly length: number
}

export type Framed = Frame | WireError | { readonly kind: 'needs-more'; readonly octets: number }

// RFC 4271 §6.1: the least length of each type; index is the type.
const minimumLengths = [0, 29, 23, 21, 19, 23]

/** The message that begins at `start`, once its bytes are all there; `octets` is how many of it are missing at least. */
export function nextFrame(bytes: Uint8Array, start: number, maxLength: number): Framed {
  const available = bytes.length - start
  for (let i = start; i < start + Math.min(16, available); i++) {
    if (bytes[i] !== 0xff) return headerError(1, 'the marker is not all ones')
  }
  if (available < headerLength) return { kind: 'needs-more', octets: headerLength - available }
  const length = (bytes[start + 16] ?? 0) * 256 + (bytes[start + 17] ?? 0)
  const type = bytes[start + 18] ?? 0
  const minimum = minimumLengths[type]
  if (minimum === undefined || minimum === 0) {
    return headerError(3, `message type ${type}`, bytes.slice(start + 18, start + 19))
  }
  const isShort = type === messageTypes.open || type === messageTypes.keepalive
  const maximum = type === messageTypes.keepalive ? headerLength : isShort ? standardMaxLength : maxLength
  // RFC 7313 §5: a ROUTE-REFRESH of a wrong length has an error of its own, told by its decoder.
  const least = type === messageTypes.routeRefresh ? headerLength : minimum
  if (length < least || length > maximum) {
    return headerError(2, `length ${length} of message type ${type}`, bytes.slice(start + 16, start + 18))
  }
  if (available < length) return { kind: 'needs-more', octets: length - available }
  return { kind: 'frame', type, body: bytes.subarray(start + headerLength, start + length), length }
}

/** A whole message: header and body. */
export function frameMessage(type: number, body: Uint8Array): Uint8Array {
  const length = headerLength + body.length
  const bytes = new Uint8Array(length)
  bytes.fill(0xff, 0, 16)
  bytes[16] = length >>> 8
  bytes[17] = length
  bytes[18] = type
  bytes.set(body, headerLength)
  return bytes
}

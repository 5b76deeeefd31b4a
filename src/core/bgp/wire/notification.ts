// NOTIFICATION, RFC 4271 §4.5; the shutdown communication of RFC 9003 in its data; Hard Reset, RFC 8538 §3.
import { ceaseSubcodes, errorCodes, notificationName } from './codes.ts'
import { frameMessage, messageTypes } from './framing.ts'
import { Writer } from './writer.ts'

export interface Notification {
  readonly type: 'notification'
  readonly code: number
  readonly subcode: number
  readonly data: Uint8Array
}

export function notification(code: number, subcode = 0, data: Uint8Array = new Uint8Array(0)): Notification {
  return { type: 'notification', code, subcode, data }
}

/**
 * A Cease for a shutdown or a reset by hand with a sentence for the operator of the other side: RFC 9003 §2. At most 255
 * octets of it are sent, no character cut in two.
 */
export function ceaseWithWords(subcode: number, words: string): Notification {
  const octets = new Uint8Array(mostWords)
  const { written } = new TextEncoder().encodeInto(words, octets)
  return notification(errorCodes.cease, subcode, Uint8Array.of(written, ...octets.subarray(0, written)))
}

const mostWords = 255

/** `body` has at least two octets: framing sees to that. */
export function decodeNotification(body: Uint8Array): Notification {
  return { type: 'notification', code: body[0] ?? 0, subcode: body[1] ?? 0, data: body.slice(2) }
}

export function encodeNotification({ code, subcode, data }: Notification): Uint8Array {
  const writer = new Writer(2 + data.length)
  writer.u8(code)
  writer.u8(subcode)
  writer.raw(data)
  return frameMessage(messageTypes.notification, writer.finish())
}

/** RFC 8538 §3.1: the same, so that the peer drops our routes although both sides keep them over NOTIFICATIONs. */
export function hardReset({ code, subcode, data }: Notification): Notification {
  return notification(errorCodes.cease, ceaseSubcodes.hardReset, Uint8Array.of(code, subcode, ...data))
}

/** The registered name, with the one inside a Hard Reset and the peer's own words, if any. */
export function describeNotification({ code, subcode, data }: Notification): string {
  const name = notificationName(code, subcode)
  if (code === errorCodes.cease && subcode === ceaseSubcodes.hardReset && data.length >= 2) {
    const [innerCode = 0, innerSubcode = 0] = data
    return `${name} (${withWords(innerCode, innerSubcode, data.subarray(2))})`
  }
  return withWords(code, subcode, data)
}

// A Hard Reset inside of a Hard Reset is no more than its name: a peer could nest thousands of them.
function withWords(code: number, subcode: number, data: Uint8Array): string {
  const name = notificationName(code, subcode)
  const words = code === errorCodes.cease && takesWords(subcode) ? shutdownCommunication(data) : ''
  return words === '' ? name : `${name} "${words}"`
}

/** Subcodes of Cease that may carry a shutdown communication: RFC 9003 §2. */
export function takesWords(subcode: number): boolean {
  return subcode === ceaseSubcodes.administrativeShutdown || subcode === ceaseSubcodes.administrativeReset
}

// RFC 9003 §2: one octet of length, then UTF-8. Control characters are of no use in a log or a status.
function shutdownCommunication(data: Uint8Array): string {
  const length = data[0] ?? 0
  if (length === 0 || data.length < 1 + length) return ''
  return new TextDecoder()
    .decode(data.subarray(1, 1 + length))
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
}

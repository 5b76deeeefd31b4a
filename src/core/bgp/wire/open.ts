// OPEN: RFC 4271 §4.2, its errors §6.2; capabilities as optional parameter 2 (RFC 5492 §4); RFC 9072 where the parameters
// do not fit 255 octets.
import { type Ip, ipFromBytes, ipToBytes } from '../../address/index.ts'
import { type Capability, readCapabilities, writeCapability } from './capabilities/index.ts'
import { type WireError, isWireError, openError, openSubcodes } from './error.ts'
import { frameMessage, messageTypes } from './framing.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

/** RFC 6793 §9: stands in two octets for an AS that needs four. */
export const asTrans = 23456

export interface Open {
  readonly type: 'open'
  readonly version: number
  /** My Autonomous System, two octets: AS_TRANS when the real one needs four. */
  readonly as: number
  readonly holdTimeSeconds: number
  readonly routerId: Ip
  readonly capabilities: readonly Capability[]
}

const capabilitiesParameter = 2
/** RFC 9072 §2: in place of the length and of the first parameter's type. */
const extendedLength = 255

export function decodeOpen(body: Uint8Array): Open | WireError {
  const reader = new Reader(body)
  const version = reader.u8()
  // RFC 4271 §6.2: the data is the highest version we speak. Looked at first: the rest may have another form.
  if (version !== 4) return openError(openSubcodes.unsupportedVersion, `version ${version}`, Uint8Array.of(0, 4))
  const as = reader.u16()
  const holdTimeSeconds = reader.u16()
  const routerId = ipFromBytes(reader.take(4))
  const capabilities = readParameters(reader)
  if (isWireError(capabilities)) return capabilities
  return { type: 'open', version, as, holdTimeSeconds, routerId, capabilities }
}

function readParameters(reader: Reader): readonly Capability[] | WireError {
  const malformed = openError(openSubcodes.unspecific, 'optional parameters do not add up')
  let total = reader.u8()
  // RFC 9072 §2: told by the type; the length in front of it is to be ignored unless it is 0.
  const isExtended = total !== 0 && reader.bytes[reader.at] === extendedLength
  if (isExtended) {
    reader.u8()
    total = reader.u16()
  }
  if (reader.short || total !== reader.remaining) return malformed
  const capabilities: Capability[] = []
  while (reader.remaining > 0) {
    const type = reader.u8()
    const value = reader.within(isExtended ? reader.u16() : reader.u8())
    if (reader.short) return malformed
    if (type !== capabilitiesParameter) {
      return openError(openSubcodes.unsupportedParameter, `optional parameter ${type}`)
    }
    const list = readCapabilities(value)
    if (list === undefined) return malformed
    capabilities.push(...list)
  }
  return capabilities
}

export function encodeOpen(open: Open): Uint8Array {
  const writer = new Writer()
  writer.u8(open.version)
  writer.u16(open.as)
  writer.u16(open.holdTimeSeconds)
  writer.raw(ipToBytes(open.routerId))
  writer.raw(encodeParameters(open.capabilities))
  return frameMessage(messageTypes.open, writer.finish())
}

// All capabilities in one parameter, as RFC 5492 §4 would have it.
function encodeParameters(capabilities: readonly Capability[]): Uint8Array {
  const list = new Writer()
  for (const capability of capabilities) writeCapability(list, capability)
  const writer = new Writer(list.length + 8)
  if (list.length === 0) {
    writer.u8(0)
  } else if (list.length + 2 < extendedLength) {
    writer.u8(list.length + 2)
    writer.u8(capabilitiesParameter)
    writer.u8(list.length)
  } else {
    writer.u8(extendedLength)
    writer.u8(extendedLength)
    writer.u16(list.length + 3)
    writer.u8(capabilitiesParameter)
    writer.u16(list.length)
  }
  writer.raw(list.finish())
  return writer.finish()
}

/** The AS that the peer says it is: RFC 6793 §4.1. */
export function asOfOpen({ as, capabilities }: Open): number {
  for (const capability of capabilities) if (capability.name === 'fourOctetAs') return capability.as
  return as
}

// The capabilities of an OPEN (RFC 5492 §4): a list of code, length, value; one file for each that we know.
//
// 1. readCapabilities reads a parameter's value; a capability that is unknown or malformed is kept as 'other'.
// 2. writeCapability writes one with its header.
// Never: an error because a capability is unknown (RFC 5492 §3).
import type { Reader } from '../reader.ts'
import { Writer } from '../writer.ts'
import { addPath } from './add-path.ts'
import type { Capability, CapabilityCodec } from './capability.ts'
import { extendedMessage } from './extended-message.ts'
import { extendedNextHop } from './extended-next-hop.ts'
import { fourOctetAs } from './four-octet-as.ts'
import { gracefulRestart } from './graceful-restart.ts'
import { multiprotocol } from './multiprotocol.ts'
import { enhancedRouteRefresh, routeRefresh } from './route-refresh.ts'

export type * from './capability.ts'

type KnownName = Exclude<Capability['name'], 'other'>

const codecs: { readonly [N in KnownName]: CapabilityCodec<N> } = {
  multiprotocol,
  routeRefresh,
  enhancedRouteRefresh,
  extendedMessage,
  fourOctetAs,
  addPath,
  extendedNextHop,
  gracefulRestart,
}

const byCode = new Map(Object.values(codecs).map((codec) => [codec.code, codec]))

/** Undefined when the list itself is cut short. */
export function readCapabilities(reader: Reader): readonly Capability[] | undefined {
  const capabilities: Capability[] = []
  while (reader.remaining > 0) {
    const code = reader.u8()
    const value = reader.within(reader.u8())
    if (reader.short) return undefined
    const start = value.at
    const known = byCode.get(code)?.read(value)
    const isWhole = known !== undefined && !value.short && value.remaining === 0
    capabilities.push(isWhole ? known : { name: 'other', code, value: value.bytes.slice(start, value.end) })
  }
  return capabilities
}

export function writeCapability(writer: Writer, capability: Capability): void {
  const value = new Writer(32)
  if (capability.name === 'other') {
    value.raw(capability.value)
    writer.u8(capability.code)
  } else {
    const codec = codecs[capability.name] as CapabilityCodec<KnownName>
    codec.write(value, capability)
    writer.u8(codec.code)
  }
  writer.u8(value.length)
  writer.raw(value.finish())
}

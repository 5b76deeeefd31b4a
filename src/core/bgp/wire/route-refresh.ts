// ROUTE-REFRESH: RFC 2918 §3; the subtypes that mark a refresh's begin and end: RFC 7313 §3.2.
import { type WireError, routeRefreshError } from './error.ts'
import type { AfiSafi } from './family.ts'
import { frameMessage, messageTypes } from './framing.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

export const refreshSubtypes = { request: 0, begin: 1, end: 2 } as const

export interface RouteRefresh extends AfiSafi {
  readonly type: 'routeRefresh'
  readonly subtype: number
}

export function decodeRouteRefresh(body: Uint8Array): RouteRefresh | WireError {
  // RFC 7313 §5: the data is the whole message.
  if (body.length !== 4) {
    return routeRefreshError(1, `ROUTE-REFRESH of ${body.length} octets`, frameMessage(messageTypes.routeRefresh, body))
  }
  const reader = new Reader(body)
  return { type: 'routeRefresh', afi: reader.u16(), subtype: reader.u8(), safi: reader.u8() }
}

export function encodeRouteRefresh({ afi, subtype, safi }: RouteRefresh): Uint8Array {
  const writer = new Writer(4)
  writer.u16(afi)
  writer.u8(subtype)
  writer.u8(safi)
  return frameMessage(messageTypes.routeRefresh, writer.finish())
}

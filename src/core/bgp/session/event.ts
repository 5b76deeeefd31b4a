// The events of RFC 4271 §8.1, by the names it gives; the number of each is in `eventNumbers`.
import type { Ip } from '../../address/index.ts'
import type { Keepalive, Message, Notification, Open, RouteRefresh, Update, WireError } from '../wire/index.ts'
import { isWireError } from '../wire/index.ts'

export type SessionEvent =
  | { readonly name: 'ManualStart' }
  /** `subcode` of the Cease that says why; `words` for the operator of the other side (RFC 9003). */
  | { readonly name: 'ManualStop'; readonly subcode: number; readonly words?: string }
  | { readonly name: 'AutomaticStart' }
  | { readonly name: 'ManualStart_with_PassiveTcpEstablishment' }
  | { readonly name: 'AutomaticStart_with_PassiveTcpEstablishment' }
  /** A start by waiting that does not make the failures before it forgotten. */
  | { readonly name: 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment' }
  /** The same by ourselves; a start follows. `detail` in words. */
  | { readonly name: 'AutomaticStop'; readonly subcode: number; readonly detail: string }
  | { readonly name: 'ConnectRetryTimer_Expires' }
  | { readonly name: 'HoldTimer_Expires' }
  | { readonly name: 'KeepaliveTimer_Expires' }
  | { readonly name: 'IdleHoldTimer_Expires' }
  /** The connection that we dialled is up. */
  | { readonly name: 'Tcp_CR_Acked'; readonly localAddress: Ip }
  /** A connection that the peer dialled is up. */
  | { readonly name: 'TcpConnectionConfirmed'; readonly localAddress: Ip }
  /** Refused, timed out, reset or ended; `why` in words. */
  | { readonly name: 'TcpConnectionFails'; readonly why: string }
  | { readonly name: 'BGPOpen'; readonly open: Open }
  | { readonly name: 'BGPHeaderErr'; readonly error: WireError }
  | { readonly name: 'BGPOpenMsgErr'; readonly error: WireError }
  | { readonly name: 'OpenCollisionDump' }
  | { readonly name: 'NotifMsgVerErr'; readonly notification: Notification }
  | { readonly name: 'NotifMsg'; readonly notification: Notification }
  | { readonly name: 'KeepAliveMsg'; readonly message: Keepalive }
  | { readonly name: 'UpdateMsg'; readonly update: Update }
  | { readonly name: 'UpdateMsgErr'; readonly error: WireError }
  /** RFC 2918: not in RFC 4271's table. */
  | { readonly name: 'RouteRefreshMsg'; readonly refresh: RouteRefresh }
  | { readonly name: 'RouteRefreshMsgErr'; readonly error: WireError }

export type SessionEventName = SessionEvent['name']

/** Numbers of RFC 4271 §8.1. 0: of a later RFC. */
export const eventNumbers: { readonly [N in SessionEventName]: number } = {
  ManualStart: 1,
  ManualStop: 2,
  AutomaticStart: 3,
  ManualStart_with_PassiveTcpEstablishment: 4,
  AutomaticStart_with_PassiveTcpEstablishment: 5,
  AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: 7,
  AutomaticStop: 8,
  ConnectRetryTimer_Expires: 9,
  HoldTimer_Expires: 10,
  KeepaliveTimer_Expires: 11,
  IdleHoldTimer_Expires: 13,
  Tcp_CR_Acked: 16,
  TcpConnectionConfirmed: 17,
  TcpConnectionFails: 18,
  BGPOpen: 19,
  BGPHeaderErr: 21,
  BGPOpenMsgErr: 22,
  OpenCollisionDump: 23,
  NotifMsgVerErr: 24,
  NotifMsg: 25,
  KeepAliveMsg: 26,
  UpdateMsg: 27,
  UpdateMsgErr: 28,
  RouteRefreshMsg: 0,
  RouteRefreshMsgErr: 0,
}

/** The event that a message from the peer, or bytes that are none, amount to. */
export function eventOfMessage(message: Message | WireError): SessionEvent {
  if (isWireError(message)) return eventOfError(message)
  switch (message.type) {
    case 'open':
      return { name: 'BGPOpen', open: message }
    case 'update':
      return { name: 'UpdateMsg', update: message }
    case 'notification':
      // OPEN Message Error, Unsupported Version Number.
      return message.code === 2 && message.subcode === 1
        ? { name: 'NotifMsgVerErr', notification: message }
        : { name: 'NotifMsg', notification: message }
    case 'routeRefresh':
      return { name: 'RouteRefreshMsg', refresh: message }
    case 'keepalive':
    default:
      return { name: 'KeepAliveMsg', message }
  }
}

function eventOfError(error: WireError): SessionEvent {
  if (error.code === 2) return { name: 'BGPOpenMsgErr', error }
  if (error.code === 3) return { name: 'UpdateMsgErr', error }
  if (error.code === 7) return { name: 'RouteRefreshMsgErr', error }
  return { name: 'BGPHeaderErr', error }
}

// OPENCONFIRM, RFC 4271 §8.2.2: both OPENs are good, the peer's KEEPALIVE is awaited.
import type { Millis } from '../model.ts'
import { ceaseSubcodes, errorCodes, notification } from '../wire/index.ts'
import type { SessionEvent } from './event.ts'
import { keepHold, sendKeepalive } from './liveness.ts'
import type { OpenConfirm, Step } from './state.ts'
import { endByPeer, endByStop, endUnexpected, endWith, endWithError, stay, toIdle } from './transitions.ts'

export function stepOpenConfirm(state: OpenConfirm, event: SessionEvent, now: Millis): Step {
  switch (event.name) {
    case 'ManualStart':
    case 'AutomaticStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
    case 'Tcp_CR_Acked':
    case 'TcpConnectionConfirmed':
      return stay(state)
    case 'ManualStop':
    case 'AutomaticStop':
      return endByStop(state, now, event)
    case 'HoldTimer_Expires':
      return endWith(state, now, notification(errorCodes.holdTimerExpired))
    case 'KeepaliveTimer_Expires':
      return sendKeepalive(state, now)
    case 'TcpConnectionFails':
      return toIdle(state, now, { reason: event.why })
    case 'NotifMsgVerErr':
    case 'NotifMsg':
      return endByPeer(state, now, event.notification)
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
      return endWithError(state, now, event.error)
    case 'OpenCollisionDump':
      return endWith(state, now, notification(errorCodes.cease, ceaseSubcodes.connectionCollision))
    case 'KeepAliveMsg':
      return {
        state: { ...state, name: 'ESTABLISHED', restarted: false },
        actions: [...keepHold(state, now), { do: 'up', negotiated: state.negotiated }],
      }
    case 'ConnectRetryTimer_Expires':
    case 'IdleHoldTimer_Expires':
    case 'BGPOpen':
    case 'UpdateMsg':
    case 'UpdateMsgErr':
    case 'RouteRefreshMsg':
    case 'RouteRefreshMsgErr':
    default:
      return endUnexpected(state, now, event)
  }
}

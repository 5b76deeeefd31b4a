// ESTABLISHED, RFC 4271 §8.2.2: UPDATEs flow.
import type { Millis } from '../model.ts'
import { ceaseSubcodes, errorCodes, notification } from '../wire/index.ts'
import type { SessionEvent } from './event.ts'
import { keepHold, sendKeepalive } from './liveness.ts'
import type { Established, Step } from './state.ts'
import { endByPeer, endByStop, endUnexpected, endWith, endWithError, stay, toIdle } from './transitions.ts'

export function stepEstablished(state: Established, event: SessionEvent, now: Millis): Step {
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
    case 'OpenCollisionDump':
      return endWith(state, now, notification(errorCodes.cease, ceaseSubcodes.connectionCollision))
    case 'KeepAliveMsg':
      return { state, actions: keepHold(state, now) }
    case 'UpdateMsg':
      return { state, actions: [...keepHold(state, now), { do: 'deliver', update: event.update }] }
    case 'RouteRefreshMsg':
      return { state, actions: [{ do: 'refresh', refresh: event.refresh }] }
    case 'BGPHeaderErr':
    case 'UpdateMsgErr':
    case 'RouteRefreshMsgErr':
      return endWithError(state, now, event.error)
    case 'ConnectRetryTimer_Expires':
    case 'IdleHoldTimer_Expires':
    case 'BGPOpen':
    case 'BGPOpenMsgErr':
    default:
      return endUnexpected(state, now, event)
  }
}

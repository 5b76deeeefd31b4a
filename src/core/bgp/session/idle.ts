// IDLE, RFC 4271 §8.2.2: no connection, and none is taken before a start.
import type { Millis } from '../model.ts'
import type { SessionEvent } from './event.ts'
import type { Idle, Step } from './state.ts'
import { start, stay, toActive } from './transitions.ts'

export function stepIdle(state: Idle, event: SessionEvent, now: Millis): Step {
  switch (event.name) {
    case 'ManualStart':
      return start({ ...state, connectRetryCounter: 0, mayStart: true }, now)
    case 'ManualStart_with_PassiveTcpEstablishment':
      return toActive({ ...state, connectRetryCounter: 0, mayStart: true }, now)
    case 'AutomaticStart':
      return state.mayStart ? start({ ...state, connectRetryCounter: 0 }, now) : stay(state)
    case 'AutomaticStart_with_PassiveTcpEstablishment':
      return state.mayStart ? toActive({ ...state, connectRetryCounter: 0 }, now) : stay(state)
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
      // The peer dials while we hold back: taken at once, but the next failure still counts on top of the earlier ones.
      return state.mayStart ? toActive(state, now) : stay(state)
    case 'IdleHoldTimer_Expires':
      return state.mayStart ? start(state, now) : stay(state)
    case 'ManualStop':
      return { state: { ...state, mayStart: false }, actions: [{ do: 'disarmTimer', timer: 'idleHold' }] }
    case 'TcpConnectionConfirmed':
      return { state, actions: [{ do: 'close' }] }
    case 'AutomaticStop':
    case 'ConnectRetryTimer_Expires':
    case 'HoldTimer_Expires':
    case 'KeepaliveTimer_Expires':
    case 'Tcp_CR_Acked':
    case 'TcpConnectionFails':
    case 'BGPOpen':
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
    case 'OpenCollisionDump':
    case 'NotifMsgVerErr':
    case 'NotifMsg':
    case 'KeepAliveMsg':
    case 'UpdateMsg':
    case 'UpdateMsgErr':
    case 'RouteRefreshMsg':
    case 'RouteRefreshMsgErr':
    default:
      return stay(state)
  }
}

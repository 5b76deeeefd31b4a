// CONNECT, RFC 4271 §8.2.2: a dial is under way.
import type { Millis } from '../model.ts'
import type { SessionEvent } from './event.ts'
import type { Connect, Step } from './state.ts'
import { endByPeer, stay, toConnect, toIdle, toOpenSent } from './transitions.ts'

export function stepConnect(state: Connect, event: SessionEvent, now: Millis): Step {
  switch (event.name) {
    case 'ManualStart':
    case 'AutomaticStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
      return stay(state)
    case 'ManualStop':
      return toIdle(state, now, { reason: 'stopped', mayStart: false })
    case 'AutomaticStop':
      return toIdle(state, now, { reason: event.detail })
    case 'ConnectRetryTimer_Expires': {
      const again = toConnect(state, now)
      return { state: again.state, actions: [{ do: 'close' }, ...again.actions] }
    }
    case 'Tcp_CR_Acked':
      return toOpenSent(state, now, event.localAddress, 'us')
    case 'TcpConnectionConfirmed':
      return toOpenSent(state, now, event.localAddress, 'peer')
    case 'TcpConnectionFails':
      return toIdle(state, now, { reason: event.why })
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
      // SendNOTIFICATIONwithoutOPEN is off: no NOTIFICATION before our OPEN.
      return toIdle(state, now, { reason: event.error.detail })
    case 'NotifMsgVerErr':
    case 'NotifMsg':
      return endByPeer(state, now, event.notification)
    case 'HoldTimer_Expires':
    case 'KeepaliveTimer_Expires':
    case 'IdleHoldTimer_Expires':
    case 'BGPOpen':
    case 'OpenCollisionDump':
    case 'KeepAliveMsg':
    case 'UpdateMsg':
    case 'UpdateMsgErr':
    case 'RouteRefreshMsg':
    case 'RouteRefreshMsgErr':
    default:
      return toIdle(state, now, { reason: `${event.name} in CONNECT` })
  }
}

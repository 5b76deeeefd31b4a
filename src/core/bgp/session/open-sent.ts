// OPENSENT, RFC 4271 §8.2.2: our OPEN is out, the peer's is awaited.
import type { Millis } from '../model.ts'
import { type Open, ceaseSubcodes, errorCodes, isWireError, keepalive, notification } from '../wire/index.ts'
import type { SessionEvent } from './event.ts'
import { negotiate } from './negotiate.ts'
import { type OpenSent, type Step, jittered } from './state.ts'
import { endByPeer, endByStop, endUnexpected, endWith, endWithError, stay, toActive } from './transitions.ts'

export function stepOpenSent(state: OpenSent, event: SessionEvent, now: Millis): Step {
  switch (event.name) {
    case 'ManualStart':
    case 'AutomaticStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
    // A second connection is a second state until collision.ts has chosen.
    case 'Tcp_CR_Acked':
    case 'TcpConnectionConfirmed':
      return stay(state)
    case 'ManualStop':
    case 'AutomaticStop':
      return endByStop(state, now, event)
    case 'HoldTimer_Expires':
      return endWith(state, now, notification(errorCodes.holdTimerExpired))
    case 'TcpConnectionFails':
      return backToActive(state, now, event.why)
    case 'BGPOpen':
      return judgeOpen(state, event.open, now)
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
      return endWithError(state, now, event.error)
    case 'OpenCollisionDump':
      return endWith(state, now, notification(errorCodes.cease, ceaseSubcodes.connectionCollision))
    case 'NotifMsgVerErr':
    // RFC 4271 has an FSM error sent in answer to event 25 here; a NOTIFICATION is never answered by one (§6.4).
    case 'NotifMsg':
      return endByPeer(state, now, event.notification)
    case 'ConnectRetryTimer_Expires':
    case 'KeepaliveTimer_Expires':
    case 'IdleHoldTimer_Expires':
    case 'KeepAliveMsg':
    case 'UpdateMsg':
    case 'UpdateMsgErr':
    case 'RouteRefreshMsg':
    case 'RouteRefreshMsgErr':
    default:
      return endUnexpected(state, now, event)
  }
}

function backToActive(state: OpenSent, now: Millis, why: string): Step {
  const active = toActive({ ...state, connectRetryCounter: state.connectRetryCounter + 1 }, now)
  return {
    state: active.state,
    actions: [
      { do: 'disarmTimer', timer: 'hold' },
      { do: 'close' },
      { do: 'down', reason: `${why} before the peer's OPEN` },
      ...active.actions,
    ],
  }
}

function judgeOpen(state: OpenSent, open: Open, now: Millis): Step {
  const negotiated = negotiate(state.settings, open)
  if (isWireError(negotiated)) return endWithError(state, now, negotiated)
  const { holdTimeMs, keepaliveMs } = negotiated
  const beat = jittered(keepaliveMs, state.seed)
  return {
    state: { ...state, name: 'OPENCONFIRM', negotiated, seed: beat.seed },
    actions: [
      { do: 'send', message: keepalive },
      ...(holdTimeMs === 0
        ? [{ do: 'disarmTimer', timer: 'hold' } as const]
        : [
            { do: 'armTimer', timer: 'hold', at: now + holdTimeMs } as const,
            { do: 'armTimer', timer: 'keepalive', at: now + beat.durationMs } as const,
          ]),
    ],
  }
}

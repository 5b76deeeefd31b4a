// The ways from state to state that several states share.
import type { Ip } from '../../address/index.ts'
import type { Millis } from '../model.ts'
import {
  type Notification,
  type WireError,
  ceaseSubcodes,
  ceaseWithWords,
  describeNotification,
  errorCodes,
  hardReset,
  messageTypes,
  notification,
  takesWords,
} from '../wire/index.ts'
import type { Action } from './action.ts'
import type { SessionEvent } from './event.ts'
import { openOf } from './negotiate.ts'
import { type Idle, type SessionState, type Step, jittered } from './state.ts'

/** RFC 4271 §8.2.2: a hold time for the wait for an OPEN. */
const openHoldTimeMs = 240_000
const firstRetryMs = 500

/** Nothing happens. */
export function stay(state: SessionState): Step {
  return { state, actions: [] }
}

interface Ending {
  /** In words, for people. */
  readonly reason: string
  /** Sent first. */
  readonly notification?: Notification
  /** False after ManualStop. */
  readonly mayStart?: boolean
}

/**
 * IDLE, the connection given up. Unless stopped by hand, IdleHoldTimer brings the next attempt: soon after a first
 * failure (a router that was just configured resets the first connection), later after each, never later than
 * ConnectRetryTime.
 */
export function toIdle(state: SessionState, now: Millis, { reason, notification, mayStart = true }: Ending): Step {
  const delay = retryDelay(state)
  const next: Idle = {
    name: 'IDLE',
    settings: state.settings,
    restarted: state.restarted,
    connectRetryCounter: mayStart ? state.connectRetryCounter + 1 : 0,
    seed: delay.seed,
    mayStart,
  }
  const actions: Action[] = [
    { do: 'disarmTimer', timer: 'connectRetry' },
    { do: 'disarmTimer', timer: 'hold' },
    { do: 'disarmTimer', timer: 'keepalive' },
    ...(notification === undefined ? [] : [{ do: 'send' as const, message: notification }]),
    { do: 'close' },
    { do: 'down', reason },
    mayStart
      ? { do: 'armTimer', timer: 'idleHold', at: now + delay.durationMs }
      : { do: 'disarmTimer', timer: 'idleHold' },
  ]
  return { state: next, actions }
}

/** IDLE after telling the peer why. */
export function endWith(state: SessionState, now: Millis, message: Notification, detail?: string): Step {
  const reason = `${describeNotification(message)} sent${detail === undefined ? '' : `: ${detail}`}`
  return toIdle(state, now, { reason, notification: message })
}

export function endWithError(state: SessionState, now: Millis, error: WireError): Step {
  return endWith(state, now, notification(error.code, error.subcode, error.data), error.detail)
}

/** RFC 4271 §6.6, subcodes and data RFC 6608 §3 and §4: an event that this state does not know. */
export function endUnexpected(state: SessionState, now: Millis, event: SessionEvent): Step {
  const subcode = { OPENSENT: 1, OPENCONFIRM: 2, ESTABLISHED: 3 }[state.name as 'OPENSENT'] ?? 0
  const type = messageTypeOf(event)
  const data = type === undefined ? new Uint8Array(0) : Uint8Array.of(type)
  return endWith(state, now, notification(errorCodes.fsm, subcode, data), `${event.name} in ${state.name}`)
}

function messageTypeOf(event: SessionEvent): number | undefined {
  if (event.name === 'BGPOpen') return messageTypes.open
  if (event.name === 'UpdateMsg' || event.name === 'UpdateMsgErr') return messageTypes.update
  if (event.name === 'KeepAliveMsg') return messageTypes.keepalive
  if (event.name === 'RouteRefreshMsg' || event.name === 'RouteRefreshMsgErr') return messageTypes.routeRefresh
  return undefined
}

/** ManualStop and AutomaticStop of a connection on which the peer can be told. */
export function endByStop(state: SessionState, now: Millis, event: StopEvent): Step {
  const message = ceaseOf(state, event)
  const isForGood = event.name === 'ManualStop'
  const reason = `${describeNotification(message)} sent${isForGood ? '' : `: ${event.detail}`}`
  return toIdle(state, now, { reason, notification: message, mayStart: !isForGood })
}

type StopEvent = Extract<SessionEvent, { readonly subcode: number }>

const endsForGood: readonly number[] = [
  ceaseSubcodes.administrativeShutdown,
  ceaseSubcodes.peerDeconfigured,
  ceaseSubcodes.administrativeReset,
]

// RFC 8538 §5: a peer that keeps routes over NOTIFICATIONs is told by a Hard Reset that it should not.
function ceaseOf(state: SessionState, { subcode, ...rest }: StopEvent): Notification {
  const words = 'words' in rest ? rest.words : undefined
  const message =
    words !== undefined && takesWords(subcode)
      ? ceaseWithWords(subcode, words)
      : notification(errorCodes.cease, subcode)
  const isKept = state.name === 'ESTABLISHED' && state.negotiated.gracefulNotification
  return isKept && endsForGood.includes(subcode) ? hardReset(message) : message
}

/** IDLE because the peer said so. */
export function endByPeer(state: SessionState, now: Millis, received: Notification): Step {
  return toIdle(state, now, { reason: `${describeNotification(received)} received` })
}

/** Leaving IDLE: dialling, or waiting for the peer to dial. */
export function start(state: SessionState, now: Millis): Step {
  return state.settings.passive ? toActive(state, now) : toConnect(state, now)
}

export function toConnect(state: SessionState, now: Millis): Step {
  const { settings, restarted, connectRetryCounter } = state
  const retry = jittered(settings.connectRetryMs, state.seed)
  return {
    state: { name: 'CONNECT', settings, restarted, connectRetryCounter, seed: retry.seed },
    actions: [
      { do: 'disarmTimer', timer: 'idleHold' },
      { do: 'armTimer', timer: 'connectRetry', at: now + retry.durationMs },
      { do: 'connect' },
    ],
  }
}

/** Waiting for the peer to dial; unless passive, dialling again when ConnectRetryTimer expires. */
export function toActive(state: SessionState, now: Millis): Step {
  const { settings, restarted, connectRetryCounter } = state
  const retry = retryDelay(state)
  return {
    state: { name: 'ACTIVE', settings, restarted, connectRetryCounter, seed: retry.seed },
    actions: [
      { do: 'disarmTimer', timer: 'idleHold' },
      settings.passive
        ? { do: 'disarmTimer', timer: 'connectRetry' }
        : { do: 'armTimer', timer: 'connectRetry', at: now + retry.durationMs },
    ],
  }
}

/** The connection is up: our OPEN goes out. */
export function toOpenSent(state: SessionState, now: Millis, localAddress: Ip, dialledBy: 'us' | 'peer'): Step {
  const { settings, restarted, connectRetryCounter, seed } = state
  return {
    state: { name: 'OPENSENT', settings, restarted, connectRetryCounter, seed, localAddress, dialledBy },
    actions: [
      { do: 'disarmTimer', timer: 'connectRetry' },
      { do: 'send', message: openOf(settings, restarted) },
      { do: 'armTimer', timer: 'hold', at: now + openHoldTimeMs },
    ],
  }
}

function retryDelay({ settings, connectRetryCounter, seed }: SessionState): ReturnType<typeof jittered> {
  const doubled = firstRetryMs * 2 ** Math.min(connectRetryCounter, 16)
  return jittered(Math.min(settings.connectRetryMs, doubled), seed)
}

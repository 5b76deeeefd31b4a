import type { Family, Ip } from '../../address/index.ts'
import type { Millis, PeerSettings } from '../model.ts'
import type { Action } from './action.ts'
import type { Negotiated } from './negotiate.ts'

/** What of a peer's settings the machine needs. */
export type SessionSettings = Pick<
  PeerSettings,
  | 'localAs'
  | 'peerAs'
  | 'routerId'
  | 'neighbor'
  | 'passive'
  | 'holdTimeMs'
  | 'keepaliveMs'
  | 'connectRetryMs'
  | 'addPathSendMax'
  | 'gracefulRestart'
> & { readonly families: readonly Family[] }

interface Common {
  readonly settings: SessionSettings
  /** RFC 4724 §4.1: true until the first session since the program began; then the OPEN carries the R bit. */
  readonly restarted: boolean
  /** RFC 4271 §8: attempts since ManualStart or since a session held. */
  readonly connectRetryCounter: number
  /** Of the jitter, RFC 4271 §10. */
  readonly seed: number
}

interface Connected extends Common {
  readonly localAddress: Ip
  /** Who dialled: decides a collision. */
  readonly dialledBy: 'us' | 'peer'
}

export interface Idle extends Common {
  readonly name: 'IDLE'
  /** False after ManualStop: no connection is taken and none is made. */
  readonly mayStart: boolean
}

/** A dial is under way. */
export interface Connect extends Common {
  readonly name: 'CONNECT'
}

/** Waiting for the peer to dial, or for the next attempt. */
export interface Active extends Common {
  readonly name: 'ACTIVE'
}

export interface OpenSent extends Connected {
  readonly name: 'OPENSENT'
}

export interface OpenConfirm extends Connected {
  readonly name: 'OPENCONFIRM'
  readonly negotiated: Negotiated
}

export interface Established extends Connected {
  readonly name: 'ESTABLISHED'
  readonly negotiated: Negotiated
}

export type SessionState = Idle | Connect | Active | OpenSent | OpenConfirm | Established

export interface Step {
  readonly state: SessionState
  readonly actions: readonly Action[]
}

/** A peer before its first start. `seed` is any 32-bit number, best a different one for each peer. */
export function initialState(settings: SessionSettings, seed: number): Idle {
  return { name: 'IDLE', settings, restarted: true, connectRetryCounter: 0, seed: seed >>> 0, mayStart: true }
}

/** The same session under other settings; what was negotiated stays until the next session, but for our KEEPALIVEs. */
export function withSettings<S extends SessionState>(state: S, settings: SessionSettings): S {
  if (!('negotiated' in state)) return { ...state, settings }
  const { negotiated } = state
  return {
    ...state,
    settings,
    negotiated: { ...negotiated, keepaliveMs: keepaliveOf(settings, negotiated.holdTimeMs) },
  }
}

/** RFC 4271 §4.4: a third of the hold time at most, no more than one a second; 0: none at all. */
export function keepaliveOf({ keepaliveMs }: SessionSettings, holdTimeMs: Millis): Millis {
  return holdTimeMs === 0 ? 0 : Math.max(1000, Math.min(keepaliveMs, holdTimeMs / 3))
}

/** RFC 4271 §10: a duration less up to a quarter of it, and the seed for the next. */
export function jittered(durationMs: Millis, seed: number): { readonly durationMs: Millis; readonly seed: number } {
  // A linear congruential generator; its high bits are what is used.
  const next = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return { durationMs: Math.round(durationMs * (0.75 + (0.25 * next) / 2 ** 32)), seed: next }
}

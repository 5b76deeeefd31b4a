import type { Millis } from '../model.ts'
import { stepActive } from './active.ts'
import { stepConnect } from './connect.ts'
import { stepEstablished } from './established.ts'
import type { SessionEvent } from './event.ts'
import { stepIdle } from './idle.ts'
import { stepOpenConfirm } from './open-confirm.ts'
import { stepOpenSent } from './open-sent.ts'
import type { SessionState, Step } from './state.ts'

/** RFC 4271 §8: what an event makes of a session. Every event is allowed in every state. `now` in milliseconds. */
export function step(state: SessionState, event: SessionEvent, now: Millis): Step {
  if (state.name === 'IDLE') return stepIdle(state, event, now)
  if (state.name === 'CONNECT') return stepConnect(state, event, now)
  if (state.name === 'ACTIVE') return stepActive(state, event, now)
  if (state.name === 'OPENSENT') return stepOpenSent(state, event, now)
  if (state.name === 'OPENCONFIRM') return stepOpenConfirm(state, event, now)
  return stepEstablished(state, event, now)
}

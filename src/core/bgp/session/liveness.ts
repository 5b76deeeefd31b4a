// HoldTimer and KeepaliveTimer once both OPENs are good: RFC 4271 §4.4, §6.5 and §10. With a hold time of 0 neither runs.
import type { Millis } from '../model.ts'
import { keepalive } from '../wire/index.ts'
import type { Action } from './action.ts'
import { type Established, type OpenConfirm, type Step, jittered } from './state.ts'

/** The peer is alive: its hold time begins anew. */
export function keepHold({ negotiated }: OpenConfirm | Established, now: Millis): readonly Action[] {
  if (negotiated.holdTimeMs === 0) return []
  return [{ do: 'armTimer', timer: 'hold', at: now + negotiated.holdTimeMs }]
}

/** KeepaliveTimer has expired. */
export function sendKeepalive(state: OpenConfirm | Established, now: Millis): Step {
  const beat = jittered(state.negotiated.keepaliveMs, state.seed)
  return {
    // A session that has lasted this long is no oscillation: the next failure starts the retries from the beginning.
    state: { ...state, seed: beat.seed, connectRetryCounter: 0 },
    actions: [
      { do: 'send', message: keepalive },
      { do: 'armTimer', timer: 'keepalive', at: now + beat.durationMs },
    ],
  }
}

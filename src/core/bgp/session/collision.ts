// Which of two connections to one peer stays: RFC 4271 §6.8, as clarified by RFC 6286 §2.3 for equal identifiers.
import { type Ip, compareIp, sameIp } from '../../address/index.ts'
import type { SessionState } from './state.ts'

export type Survivor = 'present' | 'incoming'

export interface Collision {
  /** The session there was first, dialling or connected. */
  readonly present: SessionState
  /** What the OPEN on either connection says. */
  readonly remoteRouterId: Ip
  readonly remoteAs: number
}

/**
 * Called when an OPEN has come while there are two connections. The peer dialled the second; had it dialled both, the
 * newer one stays, since a speaker that dials again has given the older one up.
 */
export function survivorOf({ present, remoteRouterId, remoteAs }: Collision): Survivor {
  if (present.name === 'ESTABLISHED') {
    // RFC 4724 §4.2 (5): the peer has restarted and this side has not noticed. Otherwise §6.8: the established one stays.
    return present.negotiated.gracefulRestart ? 'incoming' : 'present'
  }
  // Our dial has not come through: there is no connection to collide with.
  if (!('dialledBy' in present)) return 'incoming'
  if (present.dialledBy === 'peer') return 'incoming'
  const { routerId, localAs } = present.settings
  const isOursHigher = sameIp(routerId, remoteRouterId) ? localAs > remoteAs : compareIp(routerId, remoteRouterId) > 0
  return isOursHigher ? 'present' : 'incoming'
}

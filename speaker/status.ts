// The status of the Speaker object, put together.
import { formatIp } from '../src/core/address/index.ts'
import type { SessionPlan } from '../src/core/announce/index.ts'
import { type AnnouncementException, type SessionStatus, type SpeakerStatus, noRack } from '../src/core/model/index.ts'
import type { RoutesState } from './routes.ts'

/** Exceptions listed at most; the status says how many there are. */
export const mostExceptions = 50

export interface StatusInput {
  readonly version: string
  readonly plan: SessionPlan | undefined
  readonly state: SpeakerStatus['state']
  readonly sessions: readonly SessionStatus[]
  readonly prefixes: number
  readonly routes: RoutesState
  readonly exceptions: { readonly listed: readonly AnnouncementException[]; readonly total: number }
  readonly routeExceptions: readonly AnnouncementException[]
}

export function speakerStatus(input: StatusInput): SpeakerStatus {
  const { version, plan, state, sessions, prefixes, routes, exceptions, routeExceptions } = input
  return {
    version,
    rack: plan?.rack ?? noRack,
    ...(plan?.as === undefined ? {} : { as: plan.as }),
    ...(plan?.routerId === undefined ? {} : { routerId: formatIp(plan.routerId) }),
    state,
    sessions,
    peers: sessions.length,
    up: sessions.filter((session) => session.state === 'ESTABLISHED').length,
    prefixes,
    routes,
    exceptions: [...exceptions.listed, ...routeExceptions].slice(0, mostExceptions),
    exceptionsTotal: exceptions.total + routeExceptions.length,
  }
}

// Who leads the controllers, as their Lease says.
import type { Reason } from '../model/index.ts'
import { formatAge } from './time.ts'
import { type ClusterView, isKnown } from './view.ts'

const leaderLease = 'bellhop-controller'
/** Renewed every 2 s; a clock that is half a minute off must not raise an alarm. */
const silentMs = 60_000

/** Why nobody leads, as far as can be seen; undefined: somebody does, or it could not be read. */
export function leaderProblem(view: ClusterView): Reason | undefined {
  if (!isKnown(view, 'leases')) return undefined
  const { leases, systemNamespace, readAtMs } = view.cluster
  const place = `Lease ${systemNamespace}/${leaderLease}`
  const lease = leases.find(({ name }) => name === leaderLease)
  if (lease === undefined) {
    return { code: 'NoLeader', message: `there is no ${place}: no controller has run yet` }
  }
  if (lease.holder === '') {
    return { code: 'NoLeader', message: `no controller is leading: ${place} was given up and not taken again` }
  }
  const silence = readAtMs - (lease.renewedMs ?? 0)
  if (silence < silentMs) return undefined
  const message = `no controller is leading: ${lease.holder} renewed ${place} ${formatAge(silence)} ago, by the clock of this machine`
  return { code: 'NoLeader', message }
}

/** Name of the Pod that leads. */
export function leaderOf({ cluster: { leases } }: ClusterView): string | undefined {
  return leases.find(({ name }) => name === leaderLease)?.holder
}

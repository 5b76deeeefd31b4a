// What the metrics say of the sessions: looked up before each scrape, so that the series of a peer go with it.
import type { SessionPlan } from '../src/core/announce/index.ts'
import type { SessionReport } from '../src/core/bgp/index.ts'
import type { SessionStatus } from '../src/core/model/index.ts'
import type { Metrics } from '../src/io/telemetry/metrics.ts'

export type SessionMetrics = Pick<
  Metrics,
  | 'bgpSessionUp'
  | 'bgpSessionState'
  | 'bgpSessionFlaps'
  | 'bgpNotifications'
  | 'bgpUpdates'
  | 'bgpPrefixesWanted'
  | 'bgpPrefixesSent'
>

/** `reports`: of the engine; it has none of a peer that it was not given, as when its password is missing. */
export function measureSessions(
  metrics: SessionMetrics,
  all: readonly SessionStatus[],
  plan: SessionPlan | undefined,
  reports: readonly SessionReport[],
): void {
  const shutDown = new Set((plan?.settings ?? []).flatMap(({ key, adminDown }) => (adminDown ? [key] : [])))
  // What is down on purpose is no alarm.
  const meant = all.filter(({ peer }) => !shutDown.has(peer))
  metrics.bgpSessionUp.replaceAll(meant.map(({ peer, state }) => [{ peer }, state === 'ESTABLISHED' ? 1 : 0]))
  metrics.bgpSessionState.replaceAll(all.map(({ peer, state }) => [{ peer, state }, 1]))
  metrics.bgpSessionFlaps.replaceAll(all.map(({ peer, flaps }) => [{ peer }, flaps]))
  metrics.bgpPrefixesWanted.replaceAll(all.map(({ peer, prefixesWanted }) => [{ peer }, prefixesWanted]))
  metrics.bgpPrefixesSent.replaceAll(all.map(({ peer, prefixesSent }) => [{ peer }, prefixesSent]))
  metrics.bgpUpdates.replaceAll(
    all.flatMap(({ peer, messagesSent, messagesReceived }) => [
      [{ peer, direction: 'sent' }, messagesSent.update] as const,
      [{ peer, direction: 'received' }, messagesReceived.update] as const,
    ]),
  )
  metrics.bgpNotifications.replaceAll(
    reports.flatMap(({ key: peer, notifications }) =>
      (['sent', 'received'] as const).flatMap((direction) =>
        [...notifications[direction]].map(([code, count]) => [{ peer, direction, code }, count] as const),
      ),
    ),
  )
}

// What the leader's metrics say of racks and of Services: counted before a scrape. A count that has become none is no
// series any more.
import { type RackInput, countNodes } from '../src/core/announce/index.ts'
import type { RackStatus } from '../src/core/model/index.ts'
import type { GaugeMetric, Metrics } from '../src/io/telemetry/metrics.ts'

type RackMetrics = Pick<Metrics, 'rackSpeakers' | 'rackNodes' | 'speakerSilent'>

export function rackGauges({ rackSpeakers, rackNodes, speakerSilent }: RackMetrics): readonly GaugeMetric<never>[] {
  return [rackSpeakers, rackNodes, speakerSilent]
}

/** A rack that has neither speakers nor nodes, as `none` in a cluster whose nodes are all labelled, has no series. */
export function measureRacks(metrics: RackMetrics, input: RackInput, racks: ReadonlyMap<string, RackStatus>): void {
  const counts = countNodes(input)
  metrics.rackNodes.replaceAll(
    [...counts].flatMap(([rack, states]) => [...states].map(([state, count]) => [{ rack, state }, count] as const)),
  )
  // One that has left in good order is missed by nobody.
  const hasLeft = (node: string): boolean => {
    const speaker = input.speakers.get(node)
    return speaker?.alive === false && speaker.status.state === 'Leaving'
  }
  const isThere = ([rack, { speakers }]: readonly [string, RackStatus]): boolean =>
    speakers.length > 0 || counts.has(rack)
  metrics.rackSpeakers.replaceAll(
    [...racks].filter(isThere).flatMap(([rack, { speakers }]) => {
      const states = { speaking: 0, idle: 0, silent: 0 }
      for (const { node, alive, sessions } of speakers) {
        if (hasLeft(node)) continue
        states[alive ? (sessions.some(({ established }) => established) ? 'speaking' : 'idle') : 'silent']++
      }
      return Object.entries(states).map(([state, count]) => [{ rack, state }, count] as const)
    }),
  )
  const silent = [...racks.values()].flatMap(({ speakers }) =>
    speakers.filter(({ node, alive }) => !alive && !hasLeft(node)),
  )
  metrics.speakerSilent.replaceAll(silent.map(({ node }) => [{ node }, 1]))
}

/** `reasons`: one for each Service. */
export function measureReasons(gauge: GaugeMetric<'reason'>, reasons: Iterable<string>): void {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  gauge.replaceAll([...counts].map(([reason, count]) => [{ reason }, count]))
}

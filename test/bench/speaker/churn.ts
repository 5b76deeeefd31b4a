// A hundred endpoint changes a second for a minute. Of Services of policy Cluster an endpoint on another node comes and
// goes, which concerns no router; of policy Local the one here, which concerns them each time.
import { setTimeout as pause } from 'node:timers/promises'

import type { ApiAccess } from '../../lab/api.ts'
import { waitFor } from '../../lab/wait.ts'
import { type Measure, asValue } from '../measure.ts'
import type { Listener } from './listener.ts'
import { isLocal, setEndpoint } from './objects.ts'

const perSecond = 100
const seconds = 60

export async function churn({
  api,
  listeners,
  size,
  say,
}: {
  readonly api: ApiAccess
  readonly listeners: readonly Listener[]
  readonly size: number
  readonly say: (line: string) => void
}): Promise<readonly Measure[]> {
  const before = listeners.map(({ counts }) => ({ ...counts }))
  const begunMs = performance.now()
  const underWay: Promise<void>[] = []
  let withdrawals = 0
  let asked = 0
  for (; asked < perSecond * seconds; asked++) {
    const ahead = begunMs + (asked * 1000) / perSecond - performance.now()
    if (ahead > 0) await pause(ahead)
    const round = Math.floor(asked / perSecond)
    // The same hundred Services all the time: each is changed once a second, and never twice at once.
    const index = asked % perSecond
    const local = isLocal(index)
    const ready = round % 2 === 1
    if (local && !ready) withdrawals += 1
    underWay[index] = (underWay[index] ?? Promise.resolve()).then(() =>
      setEndpoint(api, index, local ? 'master' : 'worker2', ready),
    )
  }
  await Promise.all(underWay)
  const tookSeconds = (performance.now() - begunMs) / 1000
  say(`${asked} endpoint changes in ${tookSeconds.toFixed(1)} s`)
  await waitFor('all are announced again', () => listeners.every(({ held }) => held.size === size), {
    timeoutMs: 30_000,
    missing: () => listeners.map(({ held }) => held.size).join(' and '),
  })
  const unwanted = listeners.map(({ counts }, at) => counts.withdrawals - (before[at]?.withdrawals ?? 0) - withdrawals)
  return [
    asValue(`withdrawals in a minute of churn that nobody wanted, ${size} Services`, '', Math.max(0, ...unwanted), 0),
  ]
}

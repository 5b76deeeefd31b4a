//                    ┌─ Services, EipAllocations, Eips, Namespaces, EndpointSlices
//   API server ──▶ view ── Nodes, Leases (presence), Speakers, Racks, BgpPeers, BgpConfs          in every replica
//                    │
//   Lease ──▶ leader election ──▶ term ──▶ fence ──▶ API server                                    in the leader only
//                    │            ├─ services    address, status, records, events      core/ipam
//                    │            ├─ advertised  condition Advertised                  core/announce
//                    │            ├─ eips        status of Eips                        core/status
//                    │            ├─ racks       Rack objects                          core/announce
//                    │            ├─ peers       status of BgpPeers and BgpConfs       core/announce
//                    │            ├─ alive       condition Alive of Speakers
//                    │            ├─ finalizers  of OpenELB and Porter
//                    │            └─ storage-version  objects once stored as v1alpha1
//   kubelet, Prometheus ──HTTP──▶ health server ◀── ready when all is listed
import { openHealthServer } from '../src/io/http/health.ts'
import { type KubeClient, openEvents, runLeaderElection } from '../src/io/kube/index.ts'
import type { Clock } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'
import { openMetrics } from '../src/io/telemetry/metrics.ts'
import type { Config } from './config.ts'
import { type Term, openTerm } from './term.ts'
import { openView } from './view.ts'

const leaseName = 'bellhop-controller'
// The next one leads 15 s after the last sign of life at the latest (design §7), at once after an orderly end.
const leaseDurationMs = 12_000
const renewDeadlineMs = 8_000
const retryPeriodMs = 2_000

export interface Controller {
  readonly healthPort: number
  isLeading(): boolean
  /** True, or the sentence that says what is missing. */
  ready(): true | string
  close(): Promise<void>
}

export async function openController(options: {
  readonly config: Config
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly version: string
}): Promise<Controller> {
  const { config, client, clock, log, random, version } = options
  const { namespace, identity } = config
  const metrics = openMetrics('controller', version)
  const events = openEvents({ client, component: 'bellhop-controller', instance: identity, clock, log })
  const view = openView({ client, namespace, clock, log })
  let closing = false
  let term: Term | undefined

  const ready = (): true | string => {
    if (closing) return 'shutting down'
    const missing = view.missing()
    return missing.length === 0 ? true : `not listed yet: ${missing.join(', ')}`
  }
  metrics.exposition.beforeScrape(() => {
    for (const [resource, reflector] of view.reflectors) {
      metrics.watchedObjects.set({ resource }, reflector.store.size)
      const currentMs = reflector.currentUpToMs()
      if (currentMs !== undefined) metrics.watchCurrentUpTo.set({ resource }, currentMs / 1000)
    }
    metrics.leading.set({}, term === undefined ? 0 : 1)
    metrics.allocationsKnown.set({ state: 'all' }, view.records.taken.size)
    metrics.allocationsKnown.set({ state: 'released' }, [...view.records.released()].length)
    metrics.eventsDropped.replaceAll([[{}, events.dropped()]])
    metrics.queueDepth.replaceAll([...(term?.duties ?? [])].map(([name, duty]) => [{ duty: name }, duty.depth()]))
    for (const duty of term?.duties.values() ?? []) duty.measure?.()
    metrics.ready.set({ program: 'controller' }, ready() === true ? 1 : 0)
  })
  const health = await openHealthServer({ listen: config.metricsListen, ready, exposition: metrics.exposition })

  // A replica that does not know the cluster yet would judge by half of it: it does not stand for election.
  const synced = Promise.all([...view.reflectors.values()].map((reflector) => reflector.synced))
  const election = synced.then(() => {
    if (closing) return undefined
    log.info('everything is listed')
    return runLeaderElection({
      ...{ client, namespace, name: leaseName, identity, clock, random, log },
      ...{ leaseDurationMs, renewDeadlineMs, retryPeriodMs },
      onStartedLeading: () => {
        term = openTerm({ client, view, events, metrics, clock, random, log })
      },
      onStoppedLeading: async () => {
        const ending = term
        term = undefined
        await ending?.stop()
      },
    })
  })

  return {
    healthPort: health.port,
    isLeading: () => term !== undefined,
    ready,
    async close() {
      closing = true
      // Never listed: there is no election to wait for.
      if (view.missing().length === 0) await (await election)?.stop()
      await events.flush()
      await view.stop()
      await health.close()
    },
  }
}

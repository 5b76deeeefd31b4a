// What the speaker of one node connects:
//
//   API server ──▶ view.ts ──── touched addresses ───▶ announcer.ts ──┬─▶ src/io/bgp ──▶ routers
//      │  Services, slices,      (World, indexed)     (decide, diff)  └─▶ routes.ts ──▶ src/io/net/netlink ──▶ kernel
//      │  own Node, own Rack,          ▲
//      │  Eips                         │ peers: which sessions, which are up
//      ├─ BgpConf, BgpPeers ────▶ sessions.ts ◀──▶ src/io/bgp
//      │  Secrets they name
//      ◀── report.ts  (Speaker object: sessions, exceptions, counts)
//      ◀── presence.ts (Lease: alive, current up to when)
//
// Start: everything synced → decide → open the sessions → send → End-of-RIB. The API server gone: the view keeps its
// last word, nothing is withdrawn, sessions go on.
import { randomInt } from 'node:crypto'
import type { ReasonCode, SpeakerStatus } from '../src/core/model/index.ts'
import { readNode } from '../src/core/model/index.ts'
import type { openBgp } from '../src/io/bgp/index.ts'
import { type HealthServer, type ListenAddress, openHealthServer } from '../src/io/http/health.ts'
import { type KubeClient, nodes, openEvents } from '../src/io/kube/index.ts'
import { type InterfaceAddress, listAddresses } from '../src/io/net/addresses.ts'
import type { Netlink } from '../src/io/net/netlink.ts'
import { type Clock, pause } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'
import { openMetrics } from '../src/io/telemetry/metrics.ts'
import { openAnnouncer } from './announcer.ts'
import { removeAll } from './cleanup.ts'
import { openDrain } from './drain.ts'
import { measureSessions } from './measure.ts'
import { openPresence } from './presence.ts'
import { openReport } from './report.ts'
import { openRoutes } from './routes.ts'
import { openSessionEvents } from './session-events.ts'
import { openSessions } from './sessions.ts'
import { mostExceptions, speakerStatus } from './status.ts'
import { openView } from './view.ts'

export interface SpeakerOptions {
  readonly client: KubeClient
  readonly netlink: Netlink
  readonly openBgp: typeof openBgp
  /** Of the node's interfaces, as they are now; absent: as the kernel says. */
  readonly addresses?: () => readonly InterfaceAddress[]
  readonly nodeName: string
  readonly namespace: string
  readonly metricsListen: ListenAddress
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

export interface Speaker {
  /** Resolves when the first decisions are with the engine and the kernel. */
  readonly started: Promise<void>
  readonly metricsPort: number
  /** `leave`: withdraw, flush, Cease, host routes gone. `restart`: routers and kernel keep what they have. */
  stop(how: 'restart' | 'leave'): Promise<void>
  /** What SIGTERM means now: one look at the own Node, for a second at most. */
  meaningOfTermination(): Promise<'restart' | 'leave'>
}

/** Rejects when the metrics address cannot be listened on. */
export async function openSpeaker(options: SpeakerOptions): Promise<Speaker> {
  const { client, netlink, nodeName, namespace, metricsListen, version, clock, log } = options
  const { addresses = listAddresses } = options
  const metrics = openMetrics('speaker', version)
  const random = (): number => randomInt(2 ** 32) / 2 ** 32
  let isStarted = false
  let isLeaving = false

  const bgp = options.openBgp({
    ...{ clock, random, log },
    onChange: (report) => sessions.take(report),
    onReset: (peer, reason) => sessionEvents.reset(peer, reason),
  })
  const routes = openRoutes({
    ...{ netlink, clock, log },
    ownSubnets: () => addresses().map(({ subnet }) => subnet),
    onChange: () => report.changed(),
  })
  const view = openView({
    ...{ client, nodeName, clock, log },
    onTouched: (addresses) => announcer.touch(addresses),
    onSessionsChanged: () => {
      drain.set(view.world.node?.drain ?? false, isStarted)
      sessions.touch()
    },
    onServiceSeen: () => presence.hint(),
  })
  const drain = openDrain(clock, (phase) => {
    log.info('draining', { phase })
    view.setDrain(phase)
    report.changed()
  })
  const announcer = openAnnouncer({
    ...{ world: view.world, nodeName, bgp },
    setHostAddress: (address, wanted) => routes.set(address, wanted),
    onRound: (exceptionsChanged) => {
      if (exceptionsChanged) report.changed()
    },
  })
  const events = openEvents({ client, component: 'bellhop-speaker', instance: nodeName, clock, log })
  const sessionEvents = openSessionEvents({ events, nodeName, peers: view.bgpPeers })
  const sessions = openSessions({
    ...{ client, view, bgp, addresses, clock, log, events: sessionEvents },
    onPeersChanged: (peers) => {
      for (const peer of peers) announcer.forgetPeer(peer)
      announcer.touch(undefined)
      report.changed()
    },
    onSessionChanged: () => {
      // The own node's path waits in the engine; only other nodes' depend on the session. Now and not soon: they have
      // to go out before the End-of-RIB, with which a router drops what it kept over a restart and was not sent again.
      if (view.world.proxied.length > 0) {
        announcer.touch(undefined)
        if (isStarted) announcer.flush()
      }
      report.changed()
    },
  })
  const status = (): SpeakerStatus =>
    speakerStatus({
      ...{ version, plan: sessions.plan(), sessions: sessions.statuses() },
      state: isLeaving ? 'Leaving' : view.world.drain === 'withdrawn' ? 'Drained' : 'Running',
      prefixes: announcer.announcedCount(),
      routes: routes.state(),
      exceptions: announcer.exceptions(mostExceptions),
      routeExceptions: routes.exceptions(),
    })
  const report = openReport({
    ...{ client, nodeName, node: view.lastNode, status, isAwaited: () => sessions.isAwaited(), clock, log },
    onWrite: (outcome) => metrics.statusWrites.add({ outcome }),
  })
  const presence = openPresence({
    ...{ client, namespace, nodeName, node: view.lastNode, currentUpToMs: () => view.currentUpToMs() },
    ...{ clock, random, log },
    onRenewal: (outcome) => metrics.leaseRenewals.add({ outcome }),
  })

  const ready = (): true | string => isStarted || `not synced yet: ${view.missing().join(', ') || 'first decisions'}`
  metrics.exposition.beforeScrape(() => {
    for (const [resource, reflector] of view.reflectors()) {
      metrics.watchedObjects.set({ resource }, reflector.store.size)
      const currentMs = reflector.currentUpToMs()
      if (currentMs !== undefined) metrics.watchCurrentUpTo.set({ resource }, currentMs / 1000)
    }
    measureSessions(metrics, sessions.statuses(), sessions.plan(), bgp.sessions())
    metrics.announcedAddresses.set({}, announcer.announcedCount())
    const silent = [...announcer.notAnnounced()].map(([reason, count]): [{ reason: ReasonCode }, number] => [
      { reason },
      count,
    ])
    metrics.unannouncedAddresses.replaceAll(silent)
    const { wanted, present, repaired } = routes.state()
    const foreign = routes.exceptions().filter(({ reason }) => reason === 'RouteForeign').length
    for (const [state, count] of Object.entries({ wanted, present, foreign })) metrics.hostRoutes.set({ state }, count)
    metrics.hostRouteRepairs.replaceAll([[{}, repaired]])
    metrics.eventsDropped.replaceAll([[{}, events.dropped()]])
    metrics.ready.set({ program: 'speaker' }, ready() === true ? 1 : 0)
  })

  async function start(): Promise<void> {
    await view.synced
    drain.set(view.world.node?.drain ?? false, false)
    sessions.start()
    announcer.start()
    routes.start()
    bgp.ready()
    isStarted = true
    report.start()
    presence.start()
    log.info('started', { services: view.world.services.size, addresses: announcer.announcedCount() })
  }

  const health: HealthServer = await openHealthServer({
    listen: metricsListen,
    ready,
    exposition: metrics.exposition,
  })
  const started = start()

  return {
    started,
    metricsPort: health.port,
    stop: async (how) => {
      drain.stop()
      if (how === 'leave' && isStarted) {
        isLeaving = true
        // Others must not announce this node in our place; told before the sessions end, if the API server is there.
        await Promise.race([report.flush(), pause(clock, 1000)])
      }
      await Promise.all([report.stop(), presence.stop(), sessions.stop(), routes.stop()])
      // Leaving, the engine tags and withdraws everything; the kernel takes the traffic until then.
      await Promise.race([bgp.close(how), pause(clock, 6000)])
      await Promise.race([events.flush(), pause(clock, 500)])
      if (how === 'leave') {
        const removed = await removeAll(netlink)
        if (!removed.ok) log.warn('host routes are left behind', { error: removed.error })
      }
      netlink.close()
      await view.stop()
      await health.close()
      client.close()
    },
    meaningOfTermination: async () => {
      const answer = await client.get({ resource: nodes, name: nodeName }, { timeoutMs: 1000 })
      if (!answer.ok) return answer.error.code === 'NotFound' ? 'leave' : 'restart'
      const { deleting, ready, drain } = readNode(answer.value)
      return deleting || ready === 'False' || drain ? 'leave' : 'restart'
    },
  }
}

// BgpConf, BgpPeers, their Secrets and the own Node → sessions of the engine; the engine's reports → what the World and
// the Speaker object say of peers. Passwords go from the Secret to the engine and nowhere else.
import { type EstablishedSession, type PeerView, type SessionPlan, planSessions } from '../src/core/announce/index.ts'
import { type Prefix, formatIp, formatPrefix, prefixContains } from '../src/core/address/index.ts'
import type { PeerSettings, SessionReport } from '../src/core/bgp/index.ts'
import {
  type BgpPeer,
  type KubeObjectLike,
  type MessageCounts,
  type Node,
  type SessionStatus,
  matchesSelector,
  peersNamespace,
  stringMapAt,
} from '../src/core/model/index.ts'
import type { Bgp } from '../src/io/bgp/index.ts'
import { type KubeClient, type Reflector, openReflector, secrets } from '../src/io/kube/index.ts'
import { type InterfaceAddress, addressesOnLinkOf } from '../src/io/net/addresses.ts'
import type { Clock } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'
import type { SessionEvents } from './session-events.ts'
import type { View } from './view.ts'

export interface SessionsOptions {
  readonly client: KubeClient
  readonly view: Pick<View, 'confs' | 'bgpPeers' | 'lastNode' | 'setPeers' | 'world'>
  readonly bgp: Pick<Bgp, 'configure' | 'sessions'>
  readonly addresses: () => readonly InterfaceAddress[]
  readonly clock: Clock
  readonly log: Log
  /** The engine does not know these peers' paths: they were taken away, or are new. */
  readonly onPeersChanged: (peers: readonly string[]) => void
  readonly events: SessionEvents
  /** A session went up or down: what may be sent over it has changed. */
  readonly onSessionChanged: () => void
}

export interface Sessions {
  /** Something in the configuration may have changed. Acted on soon, but not before start(). */
  touch(): void
  start(): void
  /** For the engine's onChange. */
  take(report: SessionReport): void
  plan(): SessionPlan | undefined
  statuses(): readonly SessionStatus[]
  /** Some router that keeps our routes over a restart (RFC 4724) has no session with us. */
  isAwaited(): boolean
  stop(): Promise<void>
}

export function openSessions(options: SessionsOptions): Sessions {
  const { client, view, bgp, addresses, clock, log, events, onPeersChanged, onSessionChanged } = options
  let started = false
  let scheduled = false
  let plan: SessionPlan | undefined
  let configured = ''
  const established = new Map<string, SessionReport>()
  const secretReflectors = new Map<string, Reflector<Readonly<Record<string, string>>>>()

  function readPassword(secret: string, key: string): string | undefined {
    return secretReflectors.get(secret)?.store.get(`${peersNamespace}/${secret}`)?.[key]
  }

  // A Secret that has not been listed yet is not missing.
  function isJudged({ password }: BgpPeer): boolean {
    return password?.kind !== 'secret' || secretReflectors.get(password.name)?.isSynced() === true
  }

  // Only Secrets that a peer meant for this node names are read, each by its name.
  function followSecrets(node: Node): void {
    const names = new Set<string>()
    for (const { password, nodeSelector } of view.bgpPeers.values()) {
      if (password?.kind === 'secret' && matchesSelector(nodeSelector, node.labels)) names.add(password.name)
    }
    for (const [name, reflector] of secretReflectors) {
      if (names.has(name)) continue
      secretReflectors.delete(name)
      void reflector.stop()
    }
    for (const name of names) {
      if (secretReflectors.has(name)) continue
      const selection = { namespace: peersNamespace, fieldSelector: `metadata.name=${name}` }
      const reflector = openReflector(client, {
        ...{ resource: secrets, ...selection, read: readSecret, onChange: touch, clock, log },
      })
      secretReflectors.set(name, reflector)
      // Only then it is known to be missing.
      void reflector.synced.then(touch)
    }
  }

  function replan(): void {
    scheduled = false
    const node = view.lastNode()
    if (node === undefined) return
    followSecrets(node)
    const peers = view.bgpPeers.values()
    plan = planSessions({ node, confs: view.confs.values(), peers, password: readPassword })
    const before = new Set(view.world.peers.keys())
    const now = new Set(plan.settings.map(({ key }) => key))
    const text = JSON.stringify([plan.listen, plan.settings], (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    const isNew = text !== configured
    configured = text
    if (isNew) bgp.configure(plan.listen, plan.settings)
    for (const peer of before) if (!now.has(peer)) established.delete(peer)
    tellWorld(plan)
    const changed = [...[...before].filter((peer) => !now.has(peer)), ...[...now].filter((peer) => !before.has(peer))]
    // Sessions may have come and gone with the settings; and reasons change with them.
    if (isNew || changed.length > 0) onPeersChanged(changed)
    events.down(plan.down.filter(({ peer }) => isJudged(peer)))
    for (const { peer, reason } of plan.down) log.info('a peer is not to be had', { peer: peer.name, reason })
  }

  function tellWorld({ settings, noPeer }: SessionPlan): void {
    const views = settings.map((peer): [string, PeerView] => [peer.key, viewPeer(peer, established.get(peer.key))])
    view.setPeers(new Map(views), noPeer)
  }

  function viewPeer({ key, families, addPathSendMax }: PeerSettings, report: SessionReport | undefined): PeerView {
    const session =
      report === undefined ? undefined : { families: report.families, addPath: report.addPath, ...linkOf(report) }
    return { name: key, families, addPathSendMax, session }
  }

  // The session's own local address is one; of the other family the engine takes a global one on the same link.
  function linkOf(report: SessionReport): Pick<EstablishedSession, 'subnets' | 'ownNextHops'> {
    const subnets = subnetsOf(report)
    const { localAddress, extendedNextHop } = report
    // RFC 8950: the own IPv6 address is the next hop of IPv4 prefixes too.
    const isEither = localAddress === undefined || extendedNextHop === true
    const own = isEither ? report.families : [localAddress.family]
    return { subnets, ownNextHops: [...new Set([...own, ...subnets.map(({ ip }) => ip.family)])] }
  }

  function subnetsOf({ localAddress }: SessionReport): readonly Prefix[] {
    if (localAddress === undefined) return []
    return addressesOnLinkOf(localAddress, addresses()).flatMap(({ linkLocal, subnet }) => (linkLocal ? [] : [subnet]))
  }

  function touch(): void {
    if (!started || scheduled) return
    scheduled = true
    setImmediate(replan)
  }

  return {
    touch,
    start: () => {
      started = true
      replan()
    },
    take: (report) => {
      if (report.state === 'ESTABLISHED') established.set(report.key, report)
      else established.delete(report.key)
      // The engine says itself when a session comes up or goes down.
      log.debug('BGP session', {
        peer: report.key,
        state: report.state,
        ...(report.lastError === undefined ? {} : { lastError: report.lastError }),
      })
      if (plan !== undefined) tellWorld(plan)
      onSessionChanged()
    },
    plan: () => plan,
    statuses: () => {
      const reports = new Map(bgp.sessions().map((report) => [report.key, report]))
      const up = (plan?.settings ?? []).flatMap((settings) => {
        const report = reports.get(settings.key)
        return report === undefined ? [] : [statusOf(settings, report, subnetsOf(report))]
      })
      const down = (plan?.down ?? []).map(({ peer, reason }) => downStatus(peer, plan, reason))
      return [...up, ...down].toSorted((a, b) => (a.peer < b.peer ? -1 : 1))
    },
    isAwaited: () => (plan?.settings ?? []).some((peer) => keepsRoutes(peer) && !established.has(peer.key)),
    stop: async () => {
      started = false
      await Promise.all([...secretReflectors.values()].map((reflector) => reflector.stop()))
    },
  }
}

function keepsRoutes({ gracefulRestart, adminDown }: PeerSettings): boolean {
  return gracefulRestart !== undefined && !adminDown
}

// The newline that `echo` leaves is no part of a password.
function readSecret(object: KubeObjectLike): Readonly<Record<string, string>> {
  const data = Object.entries(stringMapAt(object, 'data'))
  return Object.fromEntries(
    data.map(([key, value]) => [
      key,
      Buffer.from(value, 'base64')
        .toString('utf8')
        .replace(/\r?\n$/, ''),
    ]),
  )
}

function statusOf(settings: PeerSettings, report: SessionReport, subnets: readonly Prefix[]): SessionStatus {
  const { localAddress, remoteRouterId, negotiatedHoldTimeMs, lastError } = report
  const subnet = localAddress && subnets.find((prefix) => prefixContains(prefix, localAddress))
  return {
    peer: report.key,
    neighbor: formatIp(settings.neighbor),
    peerAs: settings.peerAs,
    localAs: settings.localAs,
    state: report.state,
    since: new Date(report.since).toISOString(),
    ...(localAddress === undefined ? {} : { localAddress: formatIp(localAddress) }),
    ...(subnet === undefined ? {} : { subnet: formatPrefix(subnet) }),
    ...(remoteRouterId === undefined ? {} : { remoteRouterId: formatIp(remoteRouterId) }),
    families: report.families,
    addPath: report.addPath,
    ...(negotiatedHoldTimeMs === undefined
      ? {}
      : { negotiatedHoldTimeSeconds: Math.round(negotiatedHoldTimeMs / 1000) }),
    ...(lastError === undefined ? {} : { lastError }),
    flaps: report.flaps,
    prefixesWanted: report.prefixesWanted,
    prefixesSent: report.prefixesSent,
    messagesSent: countsOf(report.messages.sent),
    messagesReceived: countsOf(report.messages.received),
  }
}

function countsOf({ notification, update, open, keepalive, refresh, total }: MessageCounts): MessageCounts {
  return { notification, update, open, keepalive, refresh, total }
}

const noMessages: MessageCounts = { notification: 0, update: 0, open: 0, keepalive: 0, refresh: 0, total: 0 }

// A peer that the engine was not given.
function downStatus(
  peer: BgpPeer,
  plan: SessionPlan | undefined,
  { code, message }: SessionPlan['down'][number]['reason'],
): SessionStatus {
  return {
    peer: peer.name,
    neighbor: peer.neighbor === undefined ? '' : formatIp(peer.neighbor),
    peerAs: peer.peerAs,
    localAs: peer.localAs || (plan?.as ?? 0),
    state: 'IDLE',
    since: peer.creationTimestamp,
    families: [],
    addPath: [],
    lastError: message,
    reason: code,
    flaps: 0,
    prefixesWanted: 0,
    prefixesSent: 0,
    messagesSent: noMessages,
    messagesReceived: noMessages,
  }
}

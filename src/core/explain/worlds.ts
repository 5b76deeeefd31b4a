// The World of each speaker, put together from what the cluster shows of it: so that what is said of a speaker's
// decisions comes from the very function that makes them.
//
// What no object tells is filled in so that it changes nothing: passwords count as there (a speaker that lacks one says
// so in its status), and on the link of a session, in the other family, every next hop counts as reachable unless the
// speaker's exceptions name it.
import { type Family, type Ip, type Prefix, formatIp, hostPrefix, parseIp, parsePrefix } from '../address/index.ts'
import {
  type Announcement,
  type AnnouncedService,
  type DrainPhase,
  type EstablishedSession,
  type NotAnnounced,
  type PeerView,
  type SessionPlan,
  type SpeakerProgress,
  type World,
  cutService,
  decideAnnouncement,
  planSessions,
  rackOfSpeaker,
} from '../announce/index.ts'
import type { Node, ProxiedNode, Reason, SessionStatus } from '../model/index.ts'
import type { Cluster } from './cluster.ts'
import type { ClusterView } from './view.ts'

/** World of the speaker on that node as regards the address; undefined: there is no such Node. */
export function speakerWorld(view: ClusterView, nodeName: string, address: Ip): World | undefined {
  const speaker = view.speakers.get(nodeName)
  // Only exceptions are about an address: without any it is the same world for all, made once.
  if (speaker !== undefined && speaker.status.exceptions.length > 0) return worldFor(view, nodeName, address)
  const known = commonWorlds.get(view) ?? new Map<string, World | undefined>()
  commonWorlds.set(view, known)
  if (!known.has(nodeName)) known.set(nodeName, worldFor(view, nodeName, address))
  return known.get(nodeName)
}

// Views are values: what was made of one stays true of it.
const commonWorlds = new WeakMap<ClusterView, Map<string, World | undefined>>()
const announcedServices = new WeakMap<ClusterView, ReadonlyMap<string, AnnouncedService>>()

function worldFor(view: ClusterView, nodeName: string, address: Ip): World | undefined {
  const node = view.nodes.get(nodeName)
  if (node === undefined) return undefined
  const speaker = view.speakers.get(nodeName)
  const proxied = view.racks.get(rackOfSpeaker(node))?.proxied ?? []
  const { peers, noPeer } = peersOf(view, node, speaker, { address, proxied })
  const services =
    announcedServices.get(view) ?? new Map([...view.services].map(([key, each]) => [key, cutService(each)]))
  announcedServices.set(view, services)
  return {
    node,
    drain: drainOf(node, speaker),
    services,
    holders: view.holders,
    slices: view.slices,
    eips: view.eips,
    peers,
    noPeer,
    proxied,
  }
}

export interface SpeakerDecision {
  readonly node: string
  readonly speaker: SpeakerProgress
  readonly decision: Announcement | NotAnnounced
}

/** What every speaker that lives has to decide about the address, by name of its node. */
export function decideEverywhere(view: ClusterView, address: Ip): readonly SpeakerDecision[] {
  return [...view.speakers]
    .filter(([, { alive }]) => alive)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([node, speaker]): readonly SpeakerDecision[] => {
      const world = speakerWorld(view, node, address)
      return world === undefined ? [] : [{ node, speaker, decision: decideAnnouncement(address, world, node) }]
    })
}

interface About {
  readonly address: Ip
  readonly proxied: readonly ProxiedNode[]
}

/** The sessions that the node is to have, with those that its speaker reports as established. */
export function peersOf(
  { cluster }: Pick<ClusterView, 'cluster'>,
  node: Node,
  speaker: SpeakerProgress | undefined,
  about: About,
): { readonly peers: ReadonlyMap<string, PeerView>; readonly noPeer: Reason | undefined } {
  const plan = sessionPlanOf(cluster, node)
  const sessions = new Map((speaker?.status.sessions ?? []).map((session) => [session.peer, session]))
  const peers = plan.settings.flatMap(({ key, families, addPathSendMax }): readonly [string, PeerView][] => {
    const session = sessions.get(key)
    // Its speaker could not give it to its engine: a Secret is missing.
    if (session?.reason !== undefined) return []
    const up = session?.state === 'ESTABLISHED' ? sessionOf(session, speaker, about) : undefined
    return [[key, { name: key, families, addPathSendMax, session: up }]]
  })
  return { peers: new Map(peers), noPeer: plan.noPeer }
}

// The same for every address, and asked for with each: values do not change, so what was planned of them stays true.
const plans = new WeakMap<Cluster, WeakMap<Node, SessionPlan>>()

function sessionPlanOf(cluster: Cluster, node: Node): SessionPlan {
  const known = plans.get(cluster) ?? new WeakMap<Node, SessionPlan>()
  plans.set(cluster, known)
  const plan =
    known.get(node) ?? planSessions({ node, confs: cluster.confs, peers: cluster.peers, password: () => 'not read' })
  known.set(node, plan)
  return plan
}

function sessionOf(session: SessionStatus, speaker: SpeakerProgress | undefined, about: About): EstablishedSession {
  const { families, addPath } = session
  const subnet = parsePrefix(session.subnet ?? '')
  const own = parseIp(session.localAddress ?? '')?.family ?? subnet?.ip.family
  const text = formatIp(about.address)
  const named = (reason: string): string =>
    speaker?.status.exceptions.find(
      (exception) => exception.address === text && exception.peer === session.peer && exception.reason === reason,
    )?.message ?? ''
  const hasNextHop = (family: Family): boolean =>
    family === own || family !== about.address.family || named('NoLocalNextHop') === ''
  // The subnet that is reported is that of the session's own family.
  const unreachable = named('NoNextHop')
  const others = about.proxied
    .filter(({ node }) => !unreachable.includes(node))
    .flatMap(({ addresses }) => addresses.flatMap((address) => parseIp(address) ?? []))
    .filter(({ family }) => family !== subnet?.ip.family)
  const subnets: readonly Prefix[] = [...(subnet === undefined ? [] : [subnet]), ...others.map(hostPrefix)]
  return { families, addPath, subnets, ownNextHops: families.filter(hasNextHop) }
}

function drainOf({ drain }: Node, speaker: SpeakerProgress | undefined): DrainPhase {
  if (!drain) return 'none'
  return speaker?.status.state === 'Drained' ? 'withdrawn' : 'tagged'
}

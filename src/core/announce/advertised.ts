// The condition bellhop.dev/Advertised of a Service: whether at least one router has the way to each of its addresses,
// concluded by the controller from what every speaker reports (design §5).
//
// A speaker's status does not change when an address is announced as it should be, so "yes" is concluded, not read: some
// living speaker has caught up with the Service, has a session that carries the family to a peer that may have the
// address, is to announce an eligible node there, and names no exception.
import { type Ip, formatIp } from '../address/index.ts'
import type { Eip, EndpointSlice, Node, RackStatus, Reason, Service, SessionStatus } from '../model/index.ts'
import { readyNodes } from './endpoints.ts'
import { type SpeakerView, rackOfSpeaker } from './racks.ts'
import { areMostUnknown, nodeUnusable } from './usable.ts'

export interface SpeakerProgress extends SpeakerView {
  /** Wall time up to which its watches were current (annotation of its Lease); undefined: it has not said yet. */
  readonly currentUpToMs: number | undefined
}

export interface AdvertisedInput {
  readonly addresses: readonly Ip[]
  /** All Services that hold the addresses, the judged one included (a shared address has several). */
  readonly services: readonly Service[]
  /** Service key `namespace/name` → its slices. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>
  readonly nodes: ReadonlyMap<string, Node>
  /** Undefined: gone; the address is announced all the same. */
  readonly eip: Eip | undefined
  /** By node. */
  readonly speakers: ReadonlyMap<string, SpeakerProgress>
  /** As planRacks says. */
  readonly racks: ReadonlyMap<string, RackStatus>
  /** Wall time at which the addresses were written into the status. */
  readonly statusWrittenMs: number
}

export interface Advertised {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: Reason
}

export function judgeAdvertised(input: AdvertisedInput): Advertised {
  if (input.addresses.length === 0) {
    return { status: 'False', reason: { code: 'NoAddress', message: 'the Service has no address' } }
  }
  let worst: Advertised | undefined
  for (const address of input.addresses) {
    const judged = judgeAddress(address, input)
    if (judged.status === 'False') return judged
    if (worst === undefined || judged.status === 'Unknown') worst = judged
  }
  if (worst?.status === 'True') {
    const { addresses } = input
    const message = `${addresses.map(formatIp).join(' and ')} ${addresses.length > 1 ? 'are' : 'is'} announced to at least one router`
    return { status: 'True', reason: { code: 'Advertised', message } }
  }
  return worst ?? { status: 'Unknown', reason: { code: 'SpeakersBehind', message: 'no speaker has caught up' } }
}

function judgeAddress(address: Ip, input: AdvertisedInput): Advertised {
  const { eip, speakers } = input
  const text = formatIp(address)
  if (eip?.ownedByCni === true) {
    return no('OwnedByCni', `Eip ${eip.name} is left to the CNI by its label; ${text} is not announced`)
  }
  if (eip !== undefined && eip.protocol !== 'bgp') {
    return no('ProtocolNotAnnounced', `Eip ${eip.name} has protocol ${eip.protocol}, which is not announced yet`)
  }
  const eligible = eligibleNodes(address, input)
  if (eligible.reason !== undefined) return { status: 'False', reason: eligible.reason }
  const alive = [...speakers].filter(([, { alive }]) => alive)
  if (alive.length === 0) return no('NoSpeaker', 'no speaker is alive')
  const ways = waysTo(address, eligible.usable, input)
  if (ways.length === 0) return noWay(address, input)
  const current = ways.filter(({ speaker }) => (speaker.currentUpToMs ?? 0) >= input.statusWrittenMs)
  if (current.length === 0) {
    const message = `no speaker has caught up with ${text} yet`
    return { status: 'Unknown', reason: { code: 'SpeakersBehind', message } }
  }
  const exceptions = current.map(({ speaker, session, own }) =>
    // A path that is cut off concerns the nodes behind the first one, never the first.
    speaker.status.exceptions.find(
      ({ address, peer, reason }) =>
        address === text &&
        peer === session.peer &&
        (own ? reason === 'NoLocalNextHop' : reason === 'NoNextHop' || reason === 'NextHopsNotAdvertised'),
    ),
  )
  if (exceptions.includes(undefined)) {
    return {
      status: 'True',
      reason: { code: 'Advertised', message: `${text} is announced to at least one router` },
    }
  }
  const first = exceptions[0]
  return no(first?.reason ?? 'NoNextHop', first?.message ?? 'the router has no way to the node')
}

function no(code: Reason['code'], message: string): Advertised {
  return { status: 'False', reason: { code, message } }
}

interface Eligible {
  /** Names of usable nodes that may be next hops. */
  readonly usable: readonly string[]
  /** Why there are none. */
  readonly reason: Reason | undefined
}

function eligibleNodes(address: Ip, input: AdvertisedInput): Eligible {
  const { nodes, speakers, slices } = input
  const text = formatIp(address)
  let every = false
  const named = new Set<string>()
  for (const service of input.services) {
    const ready = readyNodes(slices.get(`${service.namespace}/${service.name}`) ?? [], address.family)
    if (service.externalTrafficPolicy === 'Cluster') every ||= ready.any
    else for (const node of ready.nodes) named.add(node)
  }
  if (!every && named.size === 0) {
    return { usable: [], reason: { code: 'NoReadyEndpoint', message: `no endpoint behind ${text} is ready` } }
  }
  const mostNodesUnknown = areMostUnknown(nodes.values())
  let lastReason: Reason | undefined
  const usable: string[] = []
  for (const name of every ? nodes.keys() : named) {
    const node = nodes.get(name)
    if (node === undefined) continue
    const view = speakers.get(name)
    const alive = view?.alive ?? false
    const leaving = alive && view?.status.state === 'Leaving'
    const reason = nodeUnusable(node, { speakerAlive: alive, leaving, mostNodesUnknown })
    if (reason === undefined) usable.push(name)
    else lastReason = reason
  }
  if (usable.length > 0) return { usable, reason: undefined }
  const detail = lastReason === undefined ? '' : `: ${lastReason.message}`
  const message = `no node that could carry the traffic of ${text} is usable${detail}`
  return { usable: [], reason: { code: 'NoUsableNode', message } }
}

interface Way {
  readonly speaker: SpeakerProgress
  readonly session: SessionStatus
  /** The speaker announces its own node, not another's. */
  readonly own: boolean
}

// Every (speaker, session) over which the address should be announced.
function waysTo(address: Ip, eligible: readonly string[], input: AdvertisedInput): readonly Way[] {
  const { nodes, speakers, racks, eip } = input
  const { family } = address
  const ways: Way[] = []
  const carries = (speaker: SpeakerProgress | undefined, peer?: string): readonly SessionStatus[] =>
    speaker === undefined || !speaker.alive || speaker.status.state === 'Leaving'
      ? []
      : speaker.status.sessions.filter(
          (session) =>
            session.state === 'ESTABLISHED' &&
            session.families.includes(family) &&
            (peer === undefined || session.peer === peer) &&
            mayHave(session.peer, eip),
        )
  const set = new Set(eligible)
  for (const node of eligible) {
    const speaker = speakers.get(node)
    for (const session of carries(speaker)) if (speaker !== undefined) ways.push({ speaker, session, own: true })
  }
  for (const rack of racks.values()) {
    for (const { node, announcedBy } of rack.proxied) {
      if (!set.has(node)) continue
      for (const by of announcedBy) {
        if (by.family !== family) continue
        for (const name of by.speakers) {
          const speaker = nodes.has(name) ? speakers.get(name) : undefined
          for (const session of carries(speaker, by.peer)) {
            if (speaker !== undefined && session.addPath.includes(family)) ways.push({ speaker, session, own: false })
          }
        }
      }
    }
  }
  return ways
}

function mayHave(peer: string, eip: Eip | undefined): boolean {
  const named = eip?.bgp.peers ?? []
  return named.length === 0 || named.includes(peer)
}

// No session that would do: says which step is missing, the nearest to success first.
function noWay(address: Ip, { speakers, eip, nodes }: AdvertisedInput): Advertised {
  const text = formatIp(address)
  const alive = [...speakers].filter(([, { alive }]) => alive)
  const sessions = alive.flatMap(([, { status }]) => status.sessions)
  if (sessions.length === 0) return no('NoPeer', `no speaker has a peer to announce ${text} to`)
  const meant = sessions.filter(({ peer }) => mayHave(peer, eip))
  if (meant.length === 0) {
    return no('PeerNotSelected', `Eip ${eip?.name ?? ''} names only peers that no speaker has a session with`)
  }
  const up = meant.filter(({ state }) => state === 'ESTABLISHED')
  if (up.length === 0) {
    const detail = meant.find(({ lastError }) => lastError !== undefined)
    const why = detail === undefined ? '' : ` (${detail.peer}: ${detail.lastError})`
    return no('NoSession', `no BGP session is established${why}`)
  }
  if (!up.some(({ families }) => families.includes(address.family))) {
    return no('FamilyNotNegotiated', `no established session carries IPv${address.family}, so ${text} is not announced`)
  }
  const racks = new Set(
    alive.flatMap(([name]) => [nodes.get(name)].flatMap((node) => (node ? [rackOfSpeaker(node)] : []))),
  )
  return no(
    'NoSession',
    `no speaker with a session announces a node that could carry the traffic of ${text} (racks with speakers: ${[...racks].toSorted().join(', ')})`,
  )
}

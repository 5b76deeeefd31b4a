// For one address and one node: which paths every peer gets, whether the kernel takes its traffic here, or why not
// (openelb-api.md 1.5, design §6).
//
// 1. The Eip says by which protocol and with which attributes.
// 2. The Services that hold the address say which nodes may be next hops: every usable one (policy Cluster) or those
//    with an endpoint (Local); for a shared address the union.
// 3. The own node is announced to every peer, with or without a session: the engine keeps it for when it is up.
// 4. Nodes that the Rack object assigns to this speaker follow, to peers whose session is up and takes several paths.
import { type Family, type Ip, formatIp, parseIp, prefixContains } from '../address/index.ts'
import type { Path } from '../bgp/index.ts'
import type { AnnouncementException, ProxiedNode, Reason } from '../model/index.ts'
import { type EipView, noAttributes, noAttributesDraining } from './attributes.ts'
import { readyNodes } from './endpoints.ts'
import { pathIdsOf } from './hash.ts'
import { nodeUnusable } from './usable.ts'
import { type AnnouncedService, type PeerView, type World, eipOf } from './world.ts'

interface Decided {
  readonly address: Ip
  /** The own node is a next hop: its kernel takes the traffic of the address. */
  readonly host: { readonly hostAccess: boolean } | undefined
  readonly exceptions: readonly AnnouncementException[]
}

export interface Announcement extends Decided {
  readonly kind: 'announced'
  /** By name of the peer, at least one path each, most wanted first. */
  readonly paths: ReadonlyMap<string, readonly Path[]>
}

export interface NotAnnounced extends Decided {
  readonly kind: 'notAnnounced'
  readonly reason: Reason
}

// Thousands of decisions are kept, and most have these in common.
const noExceptions: readonly AnnouncementException[] = []
const hosts = { with: { hostAccess: true }, without: { hostAccess: false } }

/** `self` is the name of the own Node. Looks at the address's own Services, and at no others. */
export function decideAnnouncement(address: Ip, world: World, self: string): Announcement | NotAnnounced {
  const services = servicesOf(address, world)
  const view = eipOf(address, world.eips, services[0]?.eip)
  const refuse = (reason: Reason, host?: Decided['host']): NotAnnounced => ({
    kind: 'notAnnounced',
    address,
    host,
    exceptions: noExceptions,
    reason,
  })
  const impossible = reasonAgainst(address, services, view)
  if (impossible !== undefined) return refuse(impossible)

  const eligible = eligibleNodes(services, address.family, world)
  if (!eligible.every && eligible.nodes.size === 0) {
    return refuse({ code: 'NoReadyEndpoint', message: `no endpoint behind ${formatIp(address)} is ready` })
  }
  const ownReason = reasonAgainstOwn(eligible, world, self)
  const host = ownReason === undefined ? hosts[view?.eip.hostAccess === true ? 'with' : 'without'] : undefined
  if (world.peers.size === 0) return refuse(world.noPeer ?? noPeerReason(self), host)

  const paths = new Map<string, readonly Path[]>()
  const exceptions: AnnouncementException[] = (view?.malformed ?? []).map((text) => ({
    address: formatIp(address),
    reason: 'MalformedObject',
    message: `Eip ${view?.eip.name ?? ''} names a community that cannot be read: ${text}`,
  }))
  let selected = 0
  for (const peer of world.peers.values()) {
    if (!isSelected(peer, view)) continue
    selected++
    const chosen = pathsTo(peer, { address, view, world, self, eligible, own: ownReason === undefined })
    exceptions.push(...chosen.exceptions)
    if (chosen.paths.length > 0) paths.set(peer.name, chosen.paths)
  }
  if (paths.size > 0) {
    return { kind: 'announced', address, paths, host, exceptions: exceptions.length > 0 ? exceptions : noExceptions }
  }
  if (selected === 0) {
    const message = `Eip ${view?.eip.name ?? ''} names only peers that node ${self} has no session with`
    return { ...refuse({ code: 'PeerNotSelected', message }, host), exceptions }
  }
  const familyReason: Reason = {
    code: 'FamilyNotNegotiated',
    message: `no peer of node ${self} is configured for IPv${address.family}`,
  }
  const cutOff = exceptions.find(({ reason }) => reason === 'NoLocalNextHop')
  const ownPath: Reason = cutOff === undefined ? familyReason : { code: cutOff.reason, message: cutOff.message }
  return { ...refuse(ownReason ?? ownPath, host), exceptions }
}

function servicesOf(address: Ip, world: World): readonly AnnouncedService[] {
  const keys = [...(world.holders.get(formatIp(address)) ?? [])]
  return (keys.length > 1 ? keys.toSorted() : keys).flatMap((key) => world.services.get(key) ?? [])
}

function reasonAgainst(
  address: Ip,
  services: readonly AnnouncedService[],
  view: EipView | undefined,
): Reason | undefined {
  if (services.length === 0) return { code: 'NoAddress', message: `no Service has ${formatIp(address)}` }
  if (view === undefined) return undefined
  const { name, ownedByCni, protocol } = view.eip
  if (ownedByCni) return { code: 'OwnedByCni', message: `Eip ${name} is left to the CNI by its label` }
  if (protocol !== 'bgp') {
    return { code: 'ProtocolNotAnnounced', message: `Eip ${name} has protocol ${protocol}, which is not announced yet` }
  }
  return undefined
}

interface Eligible {
  /** Policy Cluster with an endpoint: every usable node. */
  readonly every: boolean
  readonly nodes: ReadonlySet<string>
}

function eligibleNodes(services: readonly AnnouncedService[], family: Family, world: World): Eligible {
  let every = false
  const nodes = new Set<string>()
  for (const service of services) {
    const slices = world.slices.get(`${service.namespace}/${service.name}`)
    const ready = readyNodes(slices ?? [], family)
    if (service.externalTrafficPolicy === 'Cluster') every ||= ready.any
    else for (const node of ready.nodes) nodes.add(node)
  }
  return { every, nodes }
}

function isEligible(eligible: Eligible, node: string): boolean {
  return eligible.every || eligible.nodes.has(node)
}

function reasonAgainstOwn(eligible: Eligible, world: World, self: string): Reason | undefined {
  const { node, drain } = world
  if (node === undefined) return { code: 'NodeDeleting', message: `there is no Node ${self} any more` }
  const draining = node.drain && drain !== 'withdrawn'
  const seen = draining ? { ...node, drain: false } : node
  const unusable = nodeUnusable(seen, { speakerAlive: true, leaving: false, mostNodesUnknown: false })
  if (unusable !== undefined) return unusable
  if (isEligible(eligible, self)) return undefined
  return { code: 'NoLocalEndpoint', message: `policy Local, and node ${self} has no ready endpoint` }
}

function noPeerReason(self: string): Reason {
  return { code: 'NoPeer', message: `no BgpPeer is meant for node ${self}` }
}

function isSelected(peer: PeerView, view: EipView | undefined): boolean {
  const named = view?.eip.bgp.peers ?? []
  return named.length === 0 || named.includes(peer.name)
}

interface PathInput {
  readonly address: Ip
  readonly view: EipView | undefined
  readonly world: World
  readonly self: string
  readonly eligible: Eligible
  readonly own: boolean
}

function pathsTo(
  peer: PeerView,
  { address, view, world, self, eligible, own }: PathInput,
): { readonly paths: readonly Path[]; readonly exceptions: readonly AnnouncementException[] } {
  const { family } = address
  const { session } = peer
  if (!peer.families.includes(family)) return { paths: [], exceptions: [] }
  const plain = view?.attributes ?? noAttributes
  const tagged = view?.drainingAttributes ?? noAttributesDraining
  const assigned =
    session?.families.includes(family) === true ? assignedNodes(peer.name, family, self, world, eligible) : []
  const ids = pathIdsOf([self, ...assigned.map(({ node }) => node)])
  const candidates: { readonly node: string; readonly path: Path }[] = []
  // Without a session it waits for one; the engine knows then which address to name.
  const hasNextHop = session?.families.includes(family) !== true || session.ownNextHops.includes(family)
  if (own && hasNextHop) {
    const attributes = world.drain === 'tagged' ? tagged : plain
    candidates.push({ node: self, path: { id: ids.get(self) ?? 1, nextHop: 'self', attributes } })
  }
  const unreachable: string[] = []
  for (const { node, addresses } of assigned) {
    const nextHop = nextHopIn(addresses, family, session?.subnets ?? [])
    if (nextHop === undefined) unreachable.push(node)
    else candidates.push({ node, path: { id: ids.get(node) ?? 1, nextHop, attributes: plain } })
  }
  const several = session === undefined || session.addPath.includes(family)
  // A router that takes one path only gets the own node's or none: two speakers that each send it another node's would
  // have it change its mind with every update.
  const sendable = several ? candidates : candidates.filter(({ node }) => node === self)
  const paths = sendable.slice(0, several ? Math.max(1, peer.addPathSendMax) : 1)
  const rest = candidates.filter((candidate) => !paths.includes(candidate)).map(({ node }) => node)
  const exceptions = [
    ...(own && !hasNextHop ? [noLocalNextHop(address, peer, self)] : []),
    ...exceptionsOf(address, peer, several, rest, unreachable),
  ]
  return { paths: paths.map(({ path }) => path), exceptions }
}

function noLocalNextHop(address: Ip, { name: peer }: PeerView, self: string): AnnouncementException {
  const message = `node ${self} has no global IPv${address.family} address on the link of its session with ${peer}, so the router cannot be told a next hop; give it one, or make a BgpPeer with the IPv${address.family} address of the router`
  return { address: formatIp(address), peer, reason: 'NoLocalNextHop', message }
}

function assignedNodes(
  peer: string,
  family: Family,
  self: string,
  world: World,
  eligible: Eligible,
): readonly ProxiedNode[] {
  return world.proxied.filter(
    ({ node, usable, announcedBy }) =>
      usable &&
      node !== self &&
      isEligible(eligible, node) &&
      announcedBy.some((by) => by.peer === peer && by.family === family && by.speakers.includes(self)),
  )
}

// Third-party next hop (RFC 4271 §5.1.3): only an address that the router reaches on the link of the session.
function nextHopIn(addresses: readonly string[], family: Family, subnets: PeerSubnets): Ip | undefined {
  for (const text of addresses) {
    const ip = parseIp(text)
    if (ip?.family === family && subnets.some((subnet) => prefixContains(subnet, ip))) return ip
  }
  return undefined
}

type PeerSubnets = NonNullable<PeerView['session']>['subnets']

function exceptionsOf(
  address: Ip,
  peer: PeerView,
  several: boolean,
  rest: readonly string[],
  unreachable: readonly string[],
): readonly AnnouncementException[] {
  const exceptions: AnnouncementException[] = []
  const about = { address: formatIp(address), peer: peer.name }
  if (rest.length > 0) {
    const why = several
      ? `takes ${peer.addPathSendMax} paths (addPaths.config.sendMax)`
      : 'takes one path (no ADD-PATH)'
    const message = `peer ${peer.name} ${why}; not announced to it: ${rest.join(', ')}`
    exceptions.push({ ...about, reason: 'NextHopsNotAdvertised', message })
  }
  if (unreachable.length > 0) {
    const message = `no InternalIP in the subnet of the session with ${peer.name}: ${unreachable.join(', ')}`
    exceptions.push({ ...about, reason: 'NoNextHop', message })
  }
  return exceptions
}

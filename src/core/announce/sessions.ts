// Which BGP sessions a node is to have (openelb-api.md 1.6, 2.3, 2.4): BgpConf, BgpPeers, passwords and the own Node in,
// the engine's settings out, and for each peer that is meant for the node and cannot be had, the reason.
import { type Ip, formatIp } from '../address/index.ts'
import type { PeerSettings } from '../bgp/index.ts'
import { type BgpConf, type BgpPeer, type Node, type Reason, matchesSelector } from '../model/index.ts'
import { hashOf } from './hash.ts'
import { isConfUsed } from './peer-status.ts'
import { rackOfSpeaker } from './racks.ts'

export interface SessionInput {
  readonly node: Node
  readonly confs: Iterable<BgpConf>
  readonly peers: Iterable<BgpPeer>
  /** Password in a Secret of namespace bellhop-peers; undefined while there is none. */
  readonly password: (secret: string, key: string) => string | undefined
}

export interface DownPeer {
  readonly peer: BgpPeer
  readonly reason: Reason
}

export interface SessionPlan {
  readonly rack: string
  /** Undefined: no BgpConf counts. */
  readonly as: number | undefined
  readonly routerId: Ip | undefined
  readonly listen: { readonly port: number; readonly addresses: readonly Ip[] }
  /** In order of names; `key` is the name of the BgpPeer. */
  readonly settings: readonly PeerSettings[]
  readonly down: readonly DownPeer[]
  /** Why there is no session at all to be had. */
  readonly noPeer: Reason | undefined
}

export function planSessions({ node, confs, peers, password }: SessionInput): SessionPlan {
  const rack = rackOfSpeaker(node)
  const conf = [...confs].find(isConfUsed)
  const as = conf === undefined ? 0 : (conf.asPerRack.get(rack) ?? conf.as)
  const silent = { port: -1, addresses: [] }
  if (conf === undefined || as === 0) {
    const message =
      conf === undefined ? 'there is no BgpConf named default' : 'BgpConf default has no AS number (spec.as)'
    const noPeer: Reason = { code: 'NoBgpConf', message }
    return { rack, as: undefined, routerId: undefined, listen: silent, settings: [], down: [], noPeer }
  }
  const routerId = conf.routerId ?? ownRouterId(node)
  const settings: PeerSettings[] = []
  const down: DownPeer[] = []
  const meant = [...peers].filter((peer) => !peer.ownedByCni && matchesSelector(peer.nodeSelector, node.labels))
  const neighbors = new Map<string, string>()
  // The older of two that name one router counts, as everywhere.
  for (const peer of meant.toSorted(byAge)) {
    const planned = planPeer(peer, { conf, as, routerId, password, neighbors })
    if ('key' in planned) settings.push(planned)
    else down.push({ peer, reason: planned })
  }
  const noPeer: Reason | undefined =
    settings.length > 0
      ? undefined
      : (down[0]?.reason ?? { code: 'NoPeer', message: `no BgpPeer is meant for node ${node.name}` })
  return {
    rack,
    as,
    routerId,
    listen: { port: conf.listenPort, addresses: conf.listenAddresses },
    settings: settings.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    down,
    noPeer,
  }
}

interface PeerContext {
  readonly conf: BgpConf
  readonly as: number
  readonly routerId: Ip
  readonly password: SessionInput['password']
  /** Neighbour → name of the peer that has it. */
  readonly neighbors: Map<string, string>
}

function planPeer(peer: BgpPeer, { conf, as, routerId, password, neighbors }: PeerContext): PeerSettings | Reason {
  const { neighbor, name } = peer
  if (neighbor === undefined) {
    return { code: 'MalformedPeer', message: `BgpPeer ${name} has no usable conf.neighborAddress` }
  }
  if (peer.peerAs === 0) return { code: 'MalformedPeer', message: `BgpPeer ${name} has no conf.peerAs` }
  const place = `${formatIp(neighbor)} port ${peer.remotePort}`
  const holder = neighbors.get(place)
  if (holder !== undefined) {
    return { code: 'MalformedPeer', message: `BgpPeer ${name} names the router ${place} that BgpPeer ${holder} has` }
  }
  neighbors.set(place, name)
  const secret = readPassword(peer, password)
  if ('code' in secret) return secret
  const gracefulRestart = peer.gracefulRestart ?? conf.gracefulRestart
  return {
    key: name,
    neighbor,
    remotePort: peer.remotePort,
    localAs: peer.localAs || as,
    peerAs: peer.peerAs,
    routerId,
    passive: peer.passive,
    adminDown: peer.adminDown,
    // RFC 4271 §4.2: 0 or at least 3 seconds.
    holdTimeMs: Math.max(3000, peer.holdTimeMs),
    keepaliveMs: peer.keepaliveMs,
    connectRetryMs: peer.connectRetryMs,
    minAdvertisementMs: peer.minAdvertisementMs,
    ...secret,
    ttlSecurity: peer.ttlSecurity,
    ...(peer.multihopTtl === undefined ? {} : { multihopTtl: peer.multihopTtl }),
    families: peer.families,
    addPathSendMax: peer.addPathSendMax,
    ...(gracefulRestart === undefined ? {} : { gracefulRestart }),
  }
}

function readPassword(peer: BgpPeer, read: SessionInput['password']): { readonly password?: string } | Reason {
  const { password, name } = peer
  if (password === undefined) return {}
  if (password.kind === 'plain') return { password: password.value }
  const value = read(password.name, password.key)
  if (value !== undefined && value !== '') return { password: value }
  const message = `BgpPeer ${name} names Secret ${password.name}, key ${password.key}, which namespace bellhop-peers does not have`
  return { code: 'PasswordMissing', message }
}

// RFC 6286: any 32-bit number that is not 0 and is unique in the AS.
function ownRouterId(node: Node): Ip {
  const internal = node.internalIps.find((ip) => ip.family === 4)
  return internal ?? { family: 4, bits: BigInt(hashOf(node.name) || 1) }
}

function byAge(a: BgpPeer, b: BgpPeer): number {
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1
  return a.name < b.name ? -1 : 1
}

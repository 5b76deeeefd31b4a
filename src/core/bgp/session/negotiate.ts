// Our OPEN, and what comes of it together with the peer's: RFC 4271 §4.2 and §6.2, RFC 5492 §3.
import { type Family, type Ip, sameIp } from '../../address/index.ts'
import type { Millis } from '../model.ts'
import {
  type Capability,
  type CapabilityOf,
  type Open,
  type UpdateContext,
  type WireError,
  afiOf,
  asOfOpen,
  asTrans,
  extendedMaxLength,
  familyOf,
  openError,
  openSubcodes,
  standardMaxLength,
  unicast,
} from '../wire/index.ts'
import { type SessionSettings, keepaliveOf } from './state.ts'

export interface Negotiated {
  readonly peerAs: number
  readonly remoteRouterId: Ip
  /** The peer's AS is another than ours. */
  readonly external: boolean
  /** 0: neither hold nor keepalive timer runs. */
  readonly holdTimeMs: Millis
  readonly keepaliveMs: Millis
  readonly families: readonly Family[]
  /** Families in which we may send several paths (RFC 7911). */
  readonly addPathSend: readonly Family[]
  readonly fourOctetAs: boolean
  readonly maxMessageLength: number
  /** IPv4 prefixes may be sent with an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop: boolean
  readonly routeRefresh: boolean
  readonly enhancedRouteRefresh: boolean
  /** Both sides keep state over a restart: RFC 4724. */
  readonly gracefulRestart: boolean
  /** Both sides keep it over NOTIFICATIONs as well: RFC 8538. */
  readonly gracefulNotification: boolean
}

/** The OPEN that we send. */
export function openOf(settings: SessionSettings, restarted: boolean): Open {
  const { localAs, routerId, holdTimeMs } = settings
  return {
    type: 'open',
    version: 4,
    as: localAs > 0xffff ? asTrans : localAs,
    holdTimeSeconds: Math.round(holdTimeMs / 1000),
    routerId,
    capabilities: capabilitiesOf(settings, restarted),
  }
}

function capabilitiesOf(settings: SessionSettings, restarted: boolean): readonly Capability[] {
  const { families, addPathSendMax, gracefulRestart, localAs } = settings
  const afiSafis = families.map((family) => ({ afi: afiOf(family), safi: unicast }))
  const capabilities: Capability[] = [
    ...afiSafis.map((afiSafi) => ({ name: 'multiprotocol' as const, ...afiSafi })),
    { name: 'routeRefresh' },
    { name: 'enhancedRouteRefresh' },
    { name: 'extendedMessage' },
    { name: 'fourOctetAs', as: localAs },
  ]
  if (offersExtendedNextHop(settings)) {
    capabilities.push({ name: 'extendedNextHop', encodings: [{ afi: 1, safi: unicast, nextHopAfi: 2 }] })
  }
  if (addPathSendMax > 1) {
    capabilities.push({
      name: 'addPath',
      families: afiSafis.map((afiSafi) => ({ ...afiSafi, send: true, receive: false })),
    })
  }
  if (gracefulRestart !== undefined) {
    capabilities.push({
      name: 'gracefulRestart',
      restarted,
      notification: gracefulRestart.notification === true,
      restartTimeSeconds: Math.min(4095, Math.round(gracefulRestart.restartTimeMs / 1000)),
      // Forwarding is the kernel's: it goes on while we restart.
      families: afiSafis.map((afiSafi) => ({ ...afiSafi, forwardingPreserved: true })),
    })
  }
  return capabilities
}

// RFC 8950 §4. Over IPv4 there is an IPv4 next hop: our own address.
function offersExtendedNextHop({ families, neighbor }: SessionSettings): boolean {
  return neighbor.family === 6 && families.includes(4)
}

/** What the two OPENs amount to, or the OPEN Message Error that the peer's deserves. */
export function negotiate(settings: SessionSettings, open: Open): Negotiated | WireError {
  const peerAs = asOfOpen(open)
  if (peerAs !== settings.peerAs) {
    return openError(openSubcodes.badPeerAs, `the peer is AS ${peerAs}, not ${settings.peerAs}`)
  }
  const external = peerAs !== settings.localAs
  // RFC 6286 §2.2: anything but zero, and within an AS not ours.
  if (open.routerId.bits === 0n || (!external && sameIp(open.routerId, settings.routerId))) {
    return openError(openSubcodes.badIdentifier, 'the router id is 0 or our own')
  }
  if (open.holdTimeSeconds === 1 || open.holdTimeSeconds === 2) {
    return openError(openSubcodes.unacceptableHoldTime, `a hold time of ${open.holdTimeSeconds} s`)
  }
  const families = settings.families.filter((family) => offeredFamilies(open).includes(family))
  if (families.length === 0) {
    // RFC 5492 §5: the data is the capabilities we miss.
    const missing = settings.families.flatMap((family) => [1, 4, 0, afiOf(family), 0, unicast])
    return openError(openSubcodes.unsupportedCapability, 'no address family in common', Uint8Array.from(missing))
  }
  const holdTimeMs = Math.min(Math.round(settings.holdTimeMs / 1000), open.holdTimeSeconds) * 1000
  const has = (name: Capability['name']): boolean => find(open, name) !== undefined
  const restart = find(open, 'gracefulRestart')
  const gracefulRestart = settings.gracefulRestart !== undefined && restart !== undefined
  return {
    peerAs,
    remoteRouterId: open.routerId,
    external,
    holdTimeMs,
    keepaliveMs: keepaliveOf(settings, holdTimeMs),
    families,
    addPathSend: settings.addPathSendMax > 1 ? families.filter((family) => takesPaths(open, family)) : [],
    fourOctetAs: has('fourOctetAs'),
    maxMessageLength: has('extendedMessage') ? extendedMaxLength : standardMaxLength,
    extendedNextHop: offersExtendedNextHop(settings) && families.includes(4) && takesExtendedNextHop(open),
    routeRefresh: has('routeRefresh'),
    enhancedRouteRefresh: has('enhancedRouteRefresh'),
    gracefulRestart,
    gracefulNotification: gracefulRestart && restart.notification && settings.gracefulRestart?.notification === true,
  }
}

/** How UPDATEs are written to this peer. */
export function sendContext({ fourOctetAs, addPathSend, external }: Negotiated): UpdateContext {
  return { fourOctetAs, addPath: addPathSend, external }
}

/** How UPDATEs of this peer are read; path identifiers never come, since we do not offer to take them. */
export function receiveContext({ fourOctetAs, external }: Negotiated): UpdateContext {
  return { fourOctetAs, addPath: [], external }
}

// RFC 4760 §8; without the capability a peer speaks IPv4 unicast only.
function offeredFamilies(open: Open): readonly Family[] {
  let any = false
  const families: Family[] = []
  for (const capability of open.capabilities) {
    if (capability.name !== 'multiprotocol') continue
    any = true
    const family = familyOf(capability.afi, capability.safi)
    if (family !== undefined) families.push(family)
  }
  return any ? families : [4]
}

function takesPaths(open: Open, family: Family): boolean {
  const families = find(open, 'addPath')?.families ?? []
  return families.some(({ afi, safi, receive }) => receive && familyOf(afi, safi) === family)
}

// The encodings may be spread over several capabilities (RFC 5492 §4).
function takesExtendedNextHop({ capabilities }: Open): boolean {
  const encodings = capabilities.flatMap((each) => (each.name === 'extendedNextHop' ? each.encodings : []))
  return encodings.some(({ afi, safi, nextHopAfi }) => familyOf(afi, safi) === 4 && nextHopAfi === 2)
}

// RFC 5492 §4 allows a capability to stand there several times; of one that should not, the last counts (RFC 4724 §3).
function find<N extends Capability['name']>({ capabilities }: Open, name: N): CapabilityOf<N> | undefined {
  const found = capabilities.filter((capability): capability is CapabilityOf<N> => capability.name === name)
  return found.at(-1)
}

// The ways that routers have to an address: router → next hops, as every speaker that lives decides.
import { type Ip, formatIp, sameIp } from '../address/index.ts'
import type { ClusterView } from './view.ts'
import { type SpeakerDecision, decideEverywhere } from './worlds.ts'

/** Name of a node that is next hop → nodes whose speakers announce it to that peer. */
export type NextHops = ReadonlyMap<string, readonly string[]>
/** Name of a BgpPeer → next hops; at least one each. */
export type WaysOfAddress = ReadonlyMap<string, NextHops>

/** Only what goes over an established session of the family counts. */
export function waysTo(
  address: Ip,
  view: ClusterView,
  decisions: readonly SpeakerDecision[] = decideEverywhere(view, address),
): WaysOfAddress {
  const ways = new Map<string, Map<string, string[]>>()
  for (const { node: speaker, speaker: progress, decision } of decisions) {
    const { status } = progress
    if (decision.kind === 'notAnnounced' || status.state === 'Leaving') continue
    for (const [peer, paths] of decision.paths) {
      const session = status.sessions.find((each) => each.peer === peer)
      if (session?.state !== 'ESTABLISHED' || !session.families.includes(address.family)) continue
      const hops = ways.get(peer) ?? new Map<string, string[]>()
      ways.set(peer, hops)
      for (const { nextHop } of paths) {
        const node = nextHop === 'self' ? speaker : nodeAt(nextHop, view)
        hops.set(node, [...(hops.get(node) ?? []), speaker])
      }
    }
  }
  return ways
}

function nodeAt(ip: Ip, { nodes }: ClusterView): string {
  for (const [name, { internalIps }] of nodes) if (internalIps.some((each) => sameIp(each, ip))) return name
  return formatIp(ip)
}

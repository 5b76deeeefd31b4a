import { aggregator, as4Aggregator, atomicAggregate } from './aggregation.ts'
import { as4Path, asPath } from './as-path.ts'
import type { AttributeCodec, AttributeName } from './attribute.ts'
import { communities, extendedCommunities, ipv6ExtendedCommunities, largeCommunities } from './communities.ts'
import { localPref } from './local-pref.ts'
import { mpReach } from './mp-reach.ts'
import { mpUnreach } from './mp-unreach.ts'
import { multiExitDisc } from './multi-exit-disc.ts'
import { nextHop } from './next-hop.ts'
import { origin } from './origin.ts'
import { clusterList, originatorId } from './reflection.ts'

/** In the order in which they are written. */
export const codecs: { readonly [N in AttributeName]: AttributeCodec<N> } = {
  mpReach,
  origin,
  asPath,
  nextHop,
  med: multiExitDisc,
  localPref,
  atomicAggregate,
  aggregator,
  communities,
  originatorId,
  clusterList,
  mpUnreach,
  extendedCommunities,
  as4Path,
  as4Aggregator,
  ipv6ExtendedCommunities,
  largeCommunities,
}

const attributeNames = Object.keys(codecs) as AttributeName[]

export const nameByType: ReadonlyMap<number, AttributeName> = new Map(
  attributeNames.map((name) => [codecs[name].type, name]),
)

/** The names that RFC 4271 and its followers give. */
export const registeredNames: { readonly [N in AttributeName]: string } = {
  mpReach: 'MP_REACH_NLRI',
  origin: 'ORIGIN',
  asPath: 'AS_PATH',
  nextHop: 'NEXT_HOP',
  med: 'MULTI_EXIT_DISC',
  localPref: 'LOCAL_PREF',
  atomicAggregate: 'ATOMIC_AGGREGATE',
  aggregator: 'AGGREGATOR',
  communities: 'COMMUNITIES',
  originatorId: 'ORIGINATOR_ID',
  clusterList: 'CLUSTER_LIST',
  mpUnreach: 'MP_UNREACH_NLRI',
  extendedCommunities: 'EXTENDED COMMUNITIES',
  as4Path: 'AS4_PATH',
  as4Aggregator: 'AS4_AGGREGATOR',
  ipv6ExtendedCommunities: 'IPv6 EXTENDED COMMUNITIES',
  largeCommunities: 'LARGE_COMMUNITY',
}

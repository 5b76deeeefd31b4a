// An Eip: a pool of addresses, read from Eip v1alpha2 (openelb-api.md 1.3, 1.4, 2.2; design §3 for Bellhop's fields).
import { type IpRange, parseRange } from '../address/index.ts'
import { type KubeObjectLike, booleanAt, numberAt, objectAt, stringAt, stringMapAt, stringsAt } from './field.ts'
import { type Metadata, readMetadata } from './metadata.ts'
import { cniLabel, defaultEipAnnotation, eitherSpelling, forceDeleteAnnotation } from './names.ts'

export type Protocol = 'bgp' | 'layer2' | 'vip'

/** BGP attributes of a pool's routes. */
export interface EipBgp {
  /** `a:b` as 32 bits (RFC 1997), well-known names resolved. */
  readonly communities: readonly string[]
  readonly largeCommunities: readonly string[]
  readonly localPref: number | undefined
  readonly med: number | undefined
  readonly asPathPrepend: number
  /** Names of BgpPeers that may learn the routes; empty: all. */
  readonly peers: readonly string[]
}

export interface Eip extends Metadata {
  readonly address: string
  readonly extraAddresses: readonly string[]
  /** Everything the pool covers, `address` first, then `extraAddresses`; excludes not subtracted. */
  readonly ranges: readonly IpRange[]
  readonly excludes: readonly IpRange[]
  /** Address texts that are no range; an Eip with any is handed nothing out of (it slipped past a webhook that was down). */
  readonly malformed: readonly string[]
  readonly protocol: Protocol
  readonly interface: string | undefined
  readonly disabled: boolean
  readonly isDefault: boolean
  readonly adopt: boolean
  /** Resolved: true when absent and the pool is bound to no namespace (openelb-api.md 1.3 rule 5). */
  readonly allowExplicit: boolean
  readonly priority: number
  readonly namespaces: readonly string[]
  /** Labels of namespaces; undefined: not bound this way. */
  readonly namespaceSelector: Readonly<Record<string, string>> | undefined
  readonly serviceSelector: Readonly<Record<string, string>> | undefined
  readonly avoidBuggyIPs: boolean
  readonly maxPerNamespace: number | undefined
  readonly retainSeconds: number
  readonly hostAccess: boolean
  readonly bgp: EipBgp
  readonly forceDelete: boolean
  /** Left to the CNI: allocated from, not announced. */
  readonly ownedByCni: boolean
  /** The stored status, compared with the wanted one before a write. */
  readonly status: unknown
}

export function readEip(object: KubeObjectLike): Eip {
  const metadata = readMetadata(object)
  const { spec } = object
  const address = stringAt(spec, 'address') ?? ''
  const extraAddresses = stringsAt(spec, 'extraAddresses')
  const covered = [address, ...extraAddresses]
  const excluded = stringsAt(spec, 'excludes')
  const namespaces = stringsAt(spec, 'namespaces')
  const namespaceSelector = selectorAt(spec, 'namespaceSelector')
  const protocol = stringAt(spec, 'protocol')
  const bgp = objectAt(spec, 'bgp')
  return {
    ...metadata,
    address,
    extraAddresses,
    ranges: covered.map(parseRange).filter((range) => range !== undefined),
    excludes: excluded.map(parseRange).filter((range) => range !== undefined),
    malformed: [...covered, ...excluded].filter((text) => parseRange(text) === undefined),
    protocol: protocol === 'layer2' || protocol === 'vip' ? protocol : 'bgp',
    interface: stringAt(spec, 'interface'),
    disabled: booleanAt(spec, 'disable') ?? false,
    isDefault: eitherSpelling(metadata.annotations, defaultEipAnnotation)?.toLowerCase() === 'true',
    adopt: booleanAt(spec, 'adopt') ?? false,
    allowExplicit: booleanAt(spec, 'allowExplicit') ?? (namespaces.length === 0 && namespaceSelector === undefined),
    priority: numberAt(spec, 'priority') ?? 0,
    namespaces,
    namespaceSelector,
    serviceSelector: selectorAt(spec, 'serviceSelector'),
    avoidBuggyIPs: booleanAt(spec, 'avoidBuggyIPs') ?? false,
    maxPerNamespace: numberAt(spec, 'maxPerNamespace'),
    retainSeconds: numberAt(spec, 'retainSeconds') ?? 0,
    hostAccess: booleanAt(spec, 'hostAccess') ?? false,
    bgp: {
      communities: stringsAt(bgp, 'communities'),
      largeCommunities: stringsAt(bgp, 'largeCommunities'),
      localPref: numberAt(bgp, 'localPref'),
      med: numberAt(bgp, 'med'),
      asPathPrepend: numberAt(bgp, 'asPathPrepend') ?? 0,
      peers: stringsAt(bgp, 'peers'),
    },
    forceDelete: metadata.annotations[forceDeleteAnnotation] === 'true',
    ownedByCni: cniLabel.some((label) => label in metadata.labels),
    status: object.status,
  }
}

function selectorAt(spec: unknown, field: string): Readonly<Record<string, string>> | undefined {
  const selector = stringMapAt(spec, field)
  return Object.keys(selector).length === 0 ? undefined : selector
}

/** True when every label of `selector` is in `labels` with that value. */
export function matchesLabels(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}

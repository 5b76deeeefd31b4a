// BgpPeer: one router (openelb-api.md 1.6, 2.4).
import { type Family, type Ip, parseIp } from '../address/index.ts'
import { type GracefulRestart, readGracefulRestart } from './bgp-conf.ts'
import {
  type KubeObjectLike,
  booleanAt,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  stringMapAt,
  stringsAt,
} from './field.ts'
import { type Metadata, readMetadata } from './metadata.ts'
import { cniLabel } from './names.ts'

export interface SelectorRequirement {
  readonly key: string
  readonly operator: string
  readonly values: readonly string[]
}

/** metav1.LabelSelector. */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>
  readonly matchExpressions: readonly SelectorRequirement[]
}

export type PeerPassword =
  | { readonly kind: 'plain'; readonly value: string }
  /** A Secret in namespace `bellhop-peers`. */
  | { readonly kind: 'secret'; readonly name: string; readonly key: string }

export interface BgpPeer extends Metadata {
  /** Undefined: malformed or missing; the peer stays down and says so. */
  readonly neighbor: Ip | undefined
  readonly peerAs: number
  /** 0: the speaker's own. */
  readonly localAs: number
  readonly password: PeerPassword | undefined
  readonly adminDown: boolean
  readonly passive: boolean
  readonly remotePort: number
  readonly holdTimeMs: number
  readonly keepaliveMs: number
  readonly connectRetryMs: number
  readonly minAdvertisementMs: number
  readonly multihopTtl: number | undefined
  /** GTSM, RFC 5082. */
  readonly ttlSecurity: boolean
  readonly families: readonly Family[]
  /** Paths sent per prefix; 0 or 1: no ADD-PATH. */
  readonly addPathSendMax: number
  /** Undefined: as BgpConf says. */
  readonly gracefulRestart: GracefulRestart | undefined
  /** Undefined: every node. */
  readonly nodeSelector: LabelSelector | undefined
  readonly ownedByCni: boolean
  readonly status: unknown
}

export function readBgpPeer(object: KubeObjectLike): BgpPeer {
  const metadata = readMetadata(object)
  const { spec } = object
  const conf = objectAt(spec, 'conf')
  const transport = objectAt(spec, 'transport')
  const timers = objectAt(spec, 'timers', 'config')
  const neighbor = parseIp(stringAt(conf, 'neighborAddress') ?? '')
  const multihop = booleanAt(spec, 'ebgpMultihop', 'enabled') === true
  const holdTimeMs = secondsAt(timers, 'holdTime', 90)
  return {
    ...metadata,
    neighbor,
    peerAs: numberAt(conf, 'peerAs') ?? 0,
    localAs: numberAt(conf, 'localAs') ?? 0,
    password: readPassword(conf),
    adminDown: booleanAt(conf, 'adminDown') ?? false,
    passive: booleanAt(transport, 'passiveMode') ?? false,
    remotePort: numberAt(transport, 'remotePort') || 179,
    holdTimeMs,
    keepaliveMs: secondsAt(timers, 'keepaliveInterval', holdTimeMs / 3000),
    connectRetryMs: secondsAt(timers, 'connectRetry', 5),
    minAdvertisementMs: secondsAt(timers, 'minimumAdvertisementInterval', 0),
    multihopTtl: multihop ? numberAt(spec, 'ebgpMultihop', 'multihopTtl') || 255 : undefined,
    ttlSecurity: booleanAt(spec, 'ttlSecurity') ?? false,
    ...readFamilies(listAt(spec, 'afiSafis'), neighbor),
    gracefulRestart: readGracefulRestart(objectAt(spec, 'gracefulRestart')),
    nodeSelector: readSelector(objectAt(spec, 'nodeSelector')),
    ownedByCni: cniLabel.some((label) => label in metadata.labels),
    status: object.status,
  }
}

// Timers are strings of seconds in OpenELB's API; a number is taken too.
function secondsAt(timers: unknown, field: string, otherwise: number): number {
  const seconds = numberAt(timers, field) ?? Number(stringAt(timers, field) ?? Number.NaN)
  return (Number.isFinite(seconds) && seconds > 0 ? seconds : otherwise) * 1000
}

function readPassword(conf: unknown): PeerPassword | undefined {
  const name = stringAt(conf, 'authPasswordSecretRef', 'name')
  if (name !== undefined) {
    return { kind: 'secret', name, key: stringAt(conf, 'authPasswordSecretRef', 'key') ?? 'password' }
  }
  const value = stringAt(conf, 'authPassword')
  return value === undefined ? undefined : { kind: 'plain', value }
}

// No afiSafis: the neighbour's own family with 10 paths; an entry without a family means the same family, but its
// number of paths is not defaulted (openelb-api.md 2.4).
function readFamilies(
  afiSafis: readonly unknown[],
  neighbor: Ip | undefined,
): { readonly families: readonly Family[]; readonly addPathSendMax: number } {
  const own = neighbor?.family ?? 4
  if (afiSafis.length === 0) return { families: [own], addPathSendMax: 10 }
  const families = new Set<Family>()
  let addPathSendMax = 0
  for (const entry of afiSafis) {
    if (booleanAt(entry, 'config', 'enabled') === false) continue
    const afi = stringAt(entry, 'config', 'family', 'afi')
    const safi = stringAt(entry, 'config', 'family', 'safi') ?? 'SAFI_UNICAST'
    if (safi !== 'SAFI_UNICAST') continue
    if (afi !== undefined && afi !== 'AFI_IP' && afi !== 'AFI_IP6') continue
    families.add(afi === undefined ? own : afi === 'AFI_IP6' ? 6 : 4)
    addPathSendMax = Math.max(addPathSendMax, numberAt(entry, 'addPaths', 'config', 'sendMax') ?? 0)
  }
  return { families: [...families].toSorted((a, b) => a - b), addPathSendMax }
}

function readSelector(selector: Readonly<Record<string, unknown>>): LabelSelector | undefined {
  if (Object.keys(selector).length === 0) return undefined
  return {
    matchLabels: stringMapAt(selector, 'matchLabels'),
    matchExpressions: listAt(selector, 'matchExpressions').map((requirement) => ({
      key: stringAt(requirement, 'key') ?? '',
      operator: stringAt(requirement, 'operator') ?? '',
      values: stringsAt(requirement, 'values'),
    })),
  }
}

/** metav1.LabelSelector semantics; an absent selector matches every node, an unknown operator none. */
export function matchesSelector(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (selector === undefined) return true
  const hasAll = Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value)
  return hasAll && selector.matchExpressions.every((requirement) => meets(requirement, labels[requirement.key]))
}

function meets({ operator, values }: SelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return false
  }
}

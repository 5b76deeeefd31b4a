// Addresses that are never handed out, whatever a pool covers: those of the cluster itself (design §3). Each source (a
// Node, a BgpPeer …) says what it reserves; an address is free again when no source names it any more.
import {
  type Ip,
  type IpRange,
  type Prefix,
  formatIp,
  parseIp,
  parsePrefix,
  prefixContains,
  rangeOfIp,
  rangeOfPrefix,
  rangesOverlap,
} from '../address/index.ts'
import { type KubeObjectLike, listAt, readMetadata, readNode, stringAt, stringsAt } from '../model/index.ts'
import type { Reserved } from './pools.ts'

export interface Reservation {
  /** For the sentence of a refusal: `the address of Node x`. */
  readonly what: string
  readonly addresses: readonly Ip[]
  readonly prefixes: readonly Prefix[]
  readonly ofNode?: boolean
  /** Prefixes of the pods of a node: not kept back, only warned of. */
  readonly pods?: readonly Prefix[]
}

export class ReservedIndex {
  readonly #sources = new Map<string, Reservation>()
  readonly #byAddress = new Map<string, Set<string>>()
  // A handful: only Service ranges are prefixes.
  readonly #prefixed = new Map<string, Reservation>()

  /** `source` names the object, e.g. `Node/x`; what it reserved before is forgotten. */
  put(source: string, reservation: Reservation | undefined): void {
    for (const ip of this.#sources.get(source)?.addresses ?? []) {
      const sources = this.#byAddress.get(formatIp(ip))
      sources?.delete(source)
      if (sources?.size === 0) this.#byAddress.delete(formatIp(ip))
    }
    this.#prefixed.delete(source)
    this.#sources.delete(source)
    if (reservation === undefined) return
    this.#sources.set(source, reservation)
    for (const ip of reservation.addresses) {
      const sources = this.#byAddress.get(formatIp(ip)) ?? new Set()
      this.#byAddress.set(formatIp(ip), sources.add(source))
    }
    if (reservation.prefixes.length > 0) this.#prefixed.set(source, reservation)
  }

  /** The Service range in which the address lies. */
  rangeOf(ip: Ip): IpRange | undefined {
    for (const { prefixes } of this.#prefixed.values()) {
      const prefix = prefixes.find((one) => prefixContains(one, ip))
      if (prefix !== undefined) return rangeOfPrefix(prefix)
    }
    return undefined
  }

  /** All that is reserved in `ranges`; looks at every source. */
  *within(ranges: readonly IpRange[]): Generator<Reserved, void, undefined> {
    for (const { what, addresses, prefixes, ofNode = false } of this.#sources.values()) {
      for (const range of [...prefixes.map(rangeOfPrefix), ...addresses.map(rangeOfIp)]) {
        if (overlapsAny(ranges, range)) yield { what, range, ofNode }
      }
    }
  }

  /** Pod ranges that overlap `ranges`; looks at every source. */
  *podsWithin(ranges: readonly IpRange[]): Generator<Reserved, void, undefined> {
    for (const { pods = [] } of this.#sources.values()) {
      for (const range of pods.map(rangeOfPrefix)) {
        if (overlapsAny(ranges, range)) yield { what: 'pods', range }
      }
    }
  }

  /** What the address is, or undefined when it may be handed out. */
  whatIs(ip: Ip): string | undefined {
    for (const source of this.#byAddress.get(formatIp(ip)) ?? []) return this.#sources.get(source)?.what
    for (const { prefixes, what } of this.#prefixed.values()) {
      if (prefixes.some((prefix) => prefixContains(prefix, ip))) return what
    }
    return undefined
  }
}

function overlapsAny(ranges: readonly IpRange[], range: IpRange): boolean {
  return ranges.some((one) => rangesOverlap(one, range))
}

export function reserveNode(object: KubeObjectLike): Reservation {
  const { name, addresses } = readNode(object)
  const pods = readPrefixes(object, 'podCIDRs')
  return { what: `an address of Node ${name}`, addresses, prefixes: [], ofNode: true, pods }
}

/** `object`: a BgpPeer. */
export function reserveNeighbor(object: KubeObjectLike): Reservation {
  const { name } = readMetadata(object)
  const neighbor = stringAt(object, 'spec', 'conf', 'neighborAddress') ?? ''
  return { what: `the neighbour of BgpPeer ${name}`, addresses: readIps([neighbor]), prefixes: [] }
}

/** `object`: a ServiceCIDR. */
export function reserveServiceRange(object: KubeObjectLike): Reservation {
  const prefixes = readPrefixes(object, 'cidrs')
  return { what: 'an address of the Service range of the cluster', addresses: [], prefixes }
}

/** `object`: an EndpointSlice of the Service default/kubernetes. */
export function reserveApiServer(object: KubeObjectLike): Reservation {
  const addresses = listAt(object, 'endpoints').flatMap((endpoint) => stringsAt(endpoint, 'addresses'))
  return { what: 'an address of the API server', addresses: readIps(addresses), prefixes: [] }
}

function readPrefixes(object: KubeObjectLike, field: string): readonly Prefix[] {
  return stringsAt(object, 'spec', field)
    .map(parsePrefix)
    .filter((prefix) => prefix !== undefined)
}

function readIps(texts: readonly string[]): readonly Ip[] {
  return texts.map(parseIp).filter((ip) => ip !== undefined)
}

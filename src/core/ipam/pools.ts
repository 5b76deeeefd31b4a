// The pools as a decision sees them, and what speaks against handing out of one.
import { type Family, type Ip, type IpRange, formatIp, rangeContains, rangesOverlap } from '../address/index.ts'
import { type Eip, type Reason, type Service, matchesLabels } from '../model/index.ts'

/** Addresses that belong to something in the cluster itself. */
export interface Reserved {
  /** `an address of Node worker1`. */
  readonly what: string
  readonly range: IpRange
  /** A node has the address, so its neighbours do their ARP and NDP for it there. */
  readonly ofNode?: boolean
}

export interface Pools {
  readonly eips: ReadonlyMap<string, Eip>
  /** Labels by namespace. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** Family of the cluster: that of the Service default/kubernetes. */
  readonly primaryFamily: Family
  /** What an address is that nobody may have, or undefined: `an address of Node worker1`. */
  reserved(ip: Ip): string | undefined
  /** The whole range that is reserved with an address, so that a search passes over it in one step. */
  reservedRange?(ip: Ip): IpRange | undefined
  /** All that is reserved in `ranges`, for counting it and for warning of it. */
  reservations?(ranges: readonly IpRange[]): Iterable<Reserved>
  /** Ranges of pods that overlap `ranges`: handed out when a pool covers them, but warned of. */
  podRanges?(ranges: readonly IpRange[]): Iterable<Reserved>
}

/** Whether `ip` lies in the pool and is not excluded from it. */
export function covers(eip: Eip, ip: Ip): boolean {
  return spans(eip, ip) && !excludes(eip, ip)
}

/** Whether `ip` lies in the ranges of the pool, excluded from it or not. */
export function spans(eip: Eip, ip: Ip): boolean {
  return eip.ranges.some((range) => rangeContains(range, ip))
}

function excludes(eip: Eip, ip: Ip): boolean {
  return eip.excludes.some((range) => rangeContains(range, ip))
}

/** Old client systems take .0 and .255 for network and broadcast addresses, whatever the prefix says. */
export function isBuggy({ family, bits }: Ip): boolean {
  const last = bits & 0xffn
  return family === 4 && (last === 0n || last === 255n)
}

export function hasFamily(eip: Eip, family: Family): boolean {
  return eip.ranges.some(({ first }) => first.family === family)
}

/** Of two Eips that overlap, or that are both the default, the one created first counts (openelb-api.md 1.4). */
export function isOlder(a: Eip, b: Eip): boolean {
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp
  return a.name < b.name
}

export function overlaps(a: Eip, b: Eip): boolean {
  return a.ranges.some((range) => b.ranges.some((other) => rangesOverlap(range, other)))
}

/** The Eip that is the default: of several the oldest, one that is being deleted does not count. */
export function defaultEip(pools: Pools): Eip | undefined {
  const marked = [...pools.eips.values()].filter(({ isDefault, deleting }) => isDefault && !deleting)
  return marked.toSorted((a, b) => (isOlder(a, b) ? -1 : 1))[0]
}

/** Why nothing new is handed out of the Eip now; undefined: it may be. Fullness is not looked at. */
export function poolClosed(eip: Eip, pools: Pools): Reason | undefined {
  if (eip.deleting) {
    return { code: 'PoolDeleting', message: `Eip ${eip.name} is being deleted; name another Eip` }
  }
  if (eip.disabled) {
    const message = `Eip ${eip.name} is disabled; set spec.disable to false in it or name another Eip`
    return { code: 'PoolDisabled', message }
  }
  const [malformed] = eip.malformed
  if (malformed !== undefined || eip.ranges.length === 0) {
    const message = `Eip ${eip.name} has an invalid eip address format: "${malformed ?? eip.address}"; write a, a/p or a-b`
    return { code: 'PoolMalformed', message }
  }
  const older = [...pools.eips.values()].find(
    (other) => other.name !== eip.name && isOlder(other, eip) && overlaps(other, eip),
  )
  if (older === undefined) return undefined
  const message = `Eip ${eip.name} overlaps the older Eip ${older.name}, which counts; change the address of one of them`
  return { code: 'PoolOverlap', message }
}

/** Bound to the namespace, to the Service, or both; an Eip without any binding is bound to nobody. */
export function isBoundTo(eip: Eip, service: Service, pools: Pools): boolean {
  const toNamespaces = eip.namespaces.length > 0 || eip.namespaceSelector !== undefined
  if (!toNamespaces && eip.serviceSelector === undefined) return false
  return (!toNamespaces || admitsNamespace(eip, service.namespace, pools)) && selectsService(eip, service)
}

/** Whether a Service of the namespace may ask for the Eip by name or address (openelb-api.md 1.3 rule 5). */
export function mayAsk(eip: Eip, service: Service, pools: Pools): boolean {
  return eip.allowExplicit || isBoundTo(eip, service, pools)
}

function admitsNamespace(eip: Eip, namespace: string, pools: Pools): boolean {
  if (eip.namespaces.includes(namespace)) return true
  const labels = pools.namespaces.get(namespace)
  return eip.namespaceSelector !== undefined && labels !== undefined && matchesLabels(eip.namespaceSelector, labels)
}

function selectsService(eip: Eip, service: Service): boolean {
  return eip.serviceSelector === undefined || matchesLabels(eip.serviceSelector, service.labels)
}

/** For messages: `172.22.0.0/24, 172.23.0.1-172.23.0.9`, as the Eip has it. */
export function formatPool(eip: Eip): string {
  return `Eip ${eip.name} (${eip.address})`
}

/** The cluster's own: nobody may have it, whatever a pool covers. */
export function addressReserved(ip: Ip, pools: Pools): Reason | undefined {
  const what = pools.reserved(ip)
  if (what === undefined) return undefined
  return { code: 'AddressReserved', message: `${formatIp(ip)} is ${what}; ask for another address` }
}

/** An address in the ranges of the Eip that it never hands out, whoever asks. */
export function addressKeptBack(ip: Ip, eip: Eip): Reason | undefined {
  const why = excludes(eip, ip)
    ? `is excluded from Eip ${eip.name} (spec.excludes)`
    : eip.avoidBuggyIPs && isBuggy(ip)
      ? `ends in .0 or .255, which Eip ${eip.name} does not hand out (spec.avoidBuggyIPs)`
      : undefined
  if (why === undefined) return undefined
  return { code: 'AddressReserved', message: `${formatIp(ip)} ${why}; ask for another address` }
}

// What a Service asks for (openelb-api.md 1.3 rules 1-3, 6). What Bellhop wrote into the annotations itself is never a
// request: the records of the Service know what was written, and what the user had asked for when they were made.
import { type Family, type Ip, formatIp, parseIp } from '../address/index.ts'
import {
  type Allocation,
  type Asked,
  type Protocol,
  type Reason,
  type Service,
  addressAnnotation,
  claimAnnotation,
  eitherSpelling,
  poolAnnotation,
  protocolAnnotation,
} from '../model/index.ts'

export interface ServiceRequest {
  /** At most one a family. */
  readonly addresses: readonly Ip[]
  /** Names of Eips; at most two, one a family. */
  readonly pools: readonly string[]
  readonly protocol: Protocol | undefined
  /** First the one that must be had; `optional` the one that is taken when it is to be had. */
  readonly families: readonly Family[]
  readonly optional: Family | undefined
  /** As it is kept in the records: with it the next reading knows what was ours. */
  readonly asked: Asked
}

/** `own` are the records that the Service holds; none at its creation. Refused is what cannot be read. */
export function readRequest(
  service: Service,
  own: readonly Allocation[],
  primaryFamily: Family,
): { readonly ok: true; readonly request: ServiceRequest } | { readonly ok: false; readonly reason: Reason } {
  const asked = readAsked(service, own)
  const addresses: Ip[] = []
  for (const text of splitList(asked.address)) {
    const ip = parseIp(text)
    if (ip === undefined) {
      const message = `Service ${nameOf(service)} asks for "${text}", which is no IP address; write one address, or one of each family separated by a comma`
      return { ok: false, reason: { code: 'MalformedAddress', message } }
    }
    addresses.push(ip)
  }
  if (new Set(addresses.map(({ family }) => family)).size < addresses.length) {
    const message = `Service ${nameOf(service)} asks for two addresses of one IP family; ask for at most one of each`
    return { ok: false, reason: { code: 'MalformedAddress', message } }
  }
  const protocol = eitherSpelling(service.annotations, protocolAnnotation)
  const written = own[0]?.protocol
  return {
    ok: true,
    request: {
      addresses,
      pools: splitList(asked.pool),
      protocol: protocol === undefined || protocol === written ? undefined : readProtocol(protocol),
      ...wantedFamilies(service, primaryFamily),
      asked,
    },
  }
}

/** Addresses and pools as Bellhop writes them into the annotations: in the order of the families, separated by commas. */
export function writtenAddresses(own: readonly { readonly address: Ip }[]): string {
  return own.map(({ address }) => formatIp(address)).join(',')
}

export function writtenPools(own: readonly { readonly eip: string }[]): string {
  return [...new Set(own.map(({ eip }) => eip))].join(',')
}

export function nameOf({ namespace, name, generateName }: Service): string {
  return `${namespace}/${name === '' ? `${generateName}…` : name}`
}

function readAsked(service: Service, own: readonly Allocation[]): Asked {
  const address = eitherSpelling(service.annotations, addressAnnotation)
  const pool = eitherSpelling(service.annotations, poolAnnotation)
  const before = ownAsked(service, own)
  if (before === undefined) {
    // An address that came with a claim of another Service was copied with its YAML (openelb-api.md 1.3).
    const copied = service.annotations[claimAnnotation] !== undefined
    const { loadBalancerIP } = service
    return {
      pool: copied ? undefined : pool,
      address: (copied ? undefined : address) ?? loadBalancerIP,
      loadBalancerIP,
    }
  }
  const samePool = pool === undefined || sameList(pool, writtenPools(own))
  const sameAddress = address === undefined || sameList(address, writtenAddresses(own))
  const { loadBalancerIP } = service
  const newIp = loadBalancerIP === before.loadBalancerIP ? undefined : loadBalancerIP
  if (!samePool) return { pool, address: sameAddress ? newIp : address, loadBalancerIP }
  if (!sameAddress) return { pool: before.pool, address, loadBalancerIP }
  return { pool: before.pool, address: newIp ?? before.address, loadBalancerIP }
}

function ownAsked(service: Service, own: readonly Allocation[]): Asked | undefined {
  return own[0]?.holders.find(
    (holder) =>
      holder.namespace === service.namespace &&
      (holder.name === service.name || holder.claim === service.annotations[claimAnnotation]),
  )?.asked
}

function wantedFamilies(
  { ipFamilies, ipFamilyPolicy }: Service,
  primaryFamily: Family,
): Pick<ServiceRequest, 'families' | 'optional'> {
  const first = ipFamilies[0] ?? primaryFamily
  const second: Family = ipFamilies[1] ?? (first === 4 ? 6 : 4)
  if (ipFamilyPolicy === 'RequireDualStack') return { families: [first, second], optional: undefined }
  // Once stored, a Service that prefers two families names only those that the cluster has.
  if (ipFamilyPolicy === 'PreferDualStack' && ipFamilies.length !== 1) return { families: [first], optional: second }
  return { families: [first], optional: undefined }
}

function readProtocol(text: string): Protocol | undefined {
  return text === 'layer2' || text === 'vip' || text === 'bgp' ? text : undefined
}

function splitList(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

// Addresses are compared as addresses: a user may write them in another form than the canonical one.
function sameList(a: string, b: string): boolean {
  const canonical = (text: string): string => {
    const ip = parseIp(text)
    return ip === undefined ? text : formatIp(ip)
  }
  const left = splitList(a).map(canonical).toSorted()
  const right = splitList(b).map(canonical).toSorted()
  return left.length === right.length && left.every((part, index) => part === right[index])
}

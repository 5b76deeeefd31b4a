// What a Service asks for (openelb-api.md 1.3 rules 1-3, 6). What Bellhop wrote into the annotations itself is never a
// request: the records of the Service know what was written, and what the user had asked for when they were made.
import { type Family, type Ip, formatIp, parseIp, sameIp } from '../address/index.ts'
import {
  type Allocation,
  type Asked,
  type PorterWords,
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
  /** Names of Eips; at most two: one a family, or the second for when the first is full. */
  readonly pools: readonly string[]
  readonly protocol: Protocol | undefined
  /** All must be had; unless there is an `optional` one (PreferDualStack): then either will do, and both are wanted. */
  readonly families: readonly Family[]
  readonly optional: Family | undefined
  /** As it is kept in the records: with it the next reading knows what was ours. */
  readonly asked: Asked
}

/**
 * `own` are the records that the Service holds; none at its creation. `claimed` are all records of the claim that stands
 * in its annotation: of another Service when its YAML was copied. Refused is what cannot be read.
 */
export function readRequest(
  service: Service,
  own: readonly Allocation[],
  primaryFamily: Family,
  claimed: readonly Allocation[] = [],
): { readonly ok: true; readonly request: ServiceRequest } | { readonly ok: false; readonly reason: Reason } {
  const asked = readAsked(service, own, claimed)
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
  const protocol = readProtocol(asked.protocol)
  if (asked.protocol !== undefined && protocol === undefined) {
    const message = `Service ${nameOf(service)} asks for protocol "${asked.protocol}", which does not exist; write bgp, layer2 or vip in annotation ${protocolAnnotation[0]}`
    return { ok: false, reason: { code: 'MalformedObject', message } }
  }
  return {
    ok: true,
    request: {
      addresses,
      pools: splitList(asked.pool),
      protocol,
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

/**
 * The record of each family that the Service goes by: the one in its status, else the one that is kept for it while its
 * Eip is gone (its annotations were written from that one), else the one that its annotation names. While it moves it
 * holds a second one, and a claim whose answer was lost may have left another.
 */
export function settledRecords(service: Service, own: readonly Allocation[]): readonly Allocation[] {
  const inStatus = own.filter(({ address }) => service.ingress.some((ip) => sameIp(ip, address)))
  if (inStatus.length > 0) return inStatus
  const kept = own.filter(({ retainedUntil }) => retainedUntil !== undefined)
  if (kept.length > 0) return kept
  const named = splitList(eitherSpelling(service.annotations, addressAnnotation))
  const inAnnotation = own.filter(({ address }) => named.includes(formatIp(address)))
  return inAnnotation.length > 0 ? inAnnotation : own
}

type Word = keyof PorterWords

const spellings: Readonly<Record<Word, readonly [string, string]>> = {
  pool: poolAnnotation,
  address: addressAnnotation,
  protocol: protocolAnnotation,
}

function readAsked(service: Service, own: readonly Allocation[], claimed: readonly Allocation[]): Asked {
  const { annotations, loadBalancerIP } = service
  const settled = settledRecords(service, own)
  const before = ownAsked(service, settled)
  if (before === undefined && annotations[claimAnnotation] !== undefined) return copiedAsked(service, claimed)
  const stands = (word: Word): string | undefined => eitherSpelling(annotations, spellings[word])
  if (before === undefined) {
    const address = stands('address') ?? loadBalancerIP
    return withPorter(annotations, { pool: stands('pool'), address, loadBalancerIP, protocol: stands('protocol') })
  }
  const pool = newWord('pool', annotations, writtenPools(settled), before)
  // What is in the status is no news either, though its record may be lost.
  const had = [...settled, ...service.ingress.map((ip) => ({ address: ip }))]
  const address = newWord('address', annotations, writtenAddresses(had), before)
  const newIp = loadBalancerIP === before.loadBalancerIP ? undefined : loadBalancerIP
  const protocol = newWord('protocol', annotations, settled[0]?.protocol ?? '', before) ?? before.protocol
  return withPorter(annotations, {
    pool: pool ?? before.pool,
    address: address ?? newIp ?? (pool === undefined ? before.address : undefined),
    loadBalancerIP,
    // Asked as long as it stands there; the protocol that Bellhop writes follows the pool.
    protocol: stands('protocol') === undefined ? undefined : protocol,
  })
}

// What came with a claim of another Service was copied with its YAML (openelb-api.md 1.3): its address is no request,
// and its pool only if it was one there. What differs from what that Service was given was written by the user. When
// nobody knows the claim any more, nothing can be told apart.
function copiedAsked({ annotations, loadBalancerIP }: Service, claimed: readonly Allocation[]): Asked {
  const original = claimed[0]?.holders.find(({ claim }) => claim === annotations[claimAnnotation])
  if (original === undefined) {
    const protocol = eitherSpelling(annotations, protocolAnnotation)
    return withPorter(annotations, { pool: undefined, address: loadBalancerIP, loadBalancerIP, protocol })
  }
  // There the annotation won over it, so it was not what the user meant.
  const { asked } = original
  const outdone = loadBalancerIP === asked.loadBalancerIP && asked.address !== loadBalancerIP
  const address = newWord('address', annotations, writtenAddresses(claimed), asked)
  return withPorter(annotations, {
    pool: newWord('pool', annotations, writtenPools(claimed), asked) ?? asked.pool,
    address: address ?? (outdone ? undefined : loadBalancerIP),
    loadBalancerIP,
    protocol: newWord('protocol', annotations, claimed[0]?.protocol ?? '', asked) ?? asked.protocol,
  })
}

/**
 * What the user has written since: in OpenELB's spelling whatever Bellhop did not write itself; in Porter's, which
 * Bellhop never writes, what has changed since the request was made.
 */
function newWord(
  word: Word,
  annotations: Readonly<Record<string, string>>,
  written: string,
  before: Asked,
): string | undefined {
  const [ours, theirs] = spellings[word].map((key) => annotations[key])
  if (ours !== undefined && !isAmong(ours, written)) return ours
  if (theirs === undefined || isAmong(theirs, written)) return undefined
  const known = (ours === undefined ? undefined : before.porter?.[word]) ?? before[word]
  return theirs === known ? undefined : theirs
}

// Remembers what stands in Porter's spelling and is not what is asked: it may be edited later, and counts then.
function withPorter(annotations: Readonly<Record<string, string>>, asked: Asked): Asked {
  const porter: Partial<Record<Word, string>> = {}
  for (const word of ['pool', 'address', 'protocol'] as const) {
    const theirs = annotations[spellings[word][1]]
    if (theirs !== undefined && theirs !== asked[word]) porter[word] = theirs
  }
  const { protocol, ...rest } = asked
  return {
    ...rest,
    ...(protocol === undefined ? {} : { protocol }),
    ...(Object.keys(porter).length === 0 ? {} : { porter }),
  }
}

function ownAsked(service: Service, own: readonly Allocation[]): Asked | undefined {
  return own[0]?.holders.find(
    (holder) =>
      holder.namespace === service.namespace &&
      (holder.name === service.name || holder.claim === service.annotations[claimAnnotation]),
  )?.asked
}

/** In the order in which the addresses are told. */
export function wantedIn({ families, optional }: Pick<ServiceRequest, 'families' | 'optional'>): readonly Family[] {
  return optional === undefined ? families : [...families, optional]
}

/** Whether a Service that has addresses of the families `had` has as many as it must have. */
export function areEnough(had: readonly Family[], { families, optional }: ServiceRequest): boolean {
  return optional === undefined ? families.every((family) => had.includes(family)) : had.length > 0
}

/** `optional`: the second one of PreferDualStack. */
export function wantedFamilies(
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

function readProtocol(text: string | undefined): Protocol | undefined {
  return text === 'layer2' || text === 'vip' || text === 'bgp' ? text : undefined
}

function splitList(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

// Whether every part of `text` is in `written`, so that it says nothing new. Addresses are compared as addresses: a user
// may write them in another form than the canonical one.
function isAmong(text: string, written: string): boolean {
  const parts = splitList(text).map((part) => {
    const ip = parseIp(part)
    return ip === undefined ? part : formatIp(ip)
  })
  const known = splitList(written)
  return parts.every((part) => known.includes(part))
}

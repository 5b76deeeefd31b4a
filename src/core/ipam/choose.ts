// Which pool, which address (openelb-api.md 1.3): from a request to candidates, best first, or to the one sentence that
// says why there are none. `refuse`: the request contradicts itself or a policy. `wait`: something is lacking now.
import { type Family, type Ip, formatIp } from '../address/index.ts'
import type { Allocation, Eip, Protocol, Reason, Service } from '../model/index.ts'
import {
  type Pools,
  addressKeptBack,
  addressReserved,
  defaultEip,
  formatPool,
  hasFamily,
  isBoundTo,
  isOlder,
  mayAsk,
  poolClosed,
  spans,
} from './pools.ts'
import { quotaReached } from './quota.ts'
import { type ServiceRequest, nameOf, wantedIn } from './request.ts'
import { type HolderService, sharingRefused } from './share.ts'
import type { Taken } from './taken.ts'

/** An address that may be claimed. */
export interface Draft {
  readonly address: Ip
  readonly eip: string
  readonly protocol: Protocol
}

export type Choice =
  | { readonly kind: 'refuse'; readonly reason: Reason }
  | { readonly kind: 'wait'; readonly reason: Reason }
  /** Read lazily: a claim that collides goes on to the next. `lacking`: why one of two families cannot be had now. */
  | { readonly kind: 'claim'; readonly candidates: Iterable<readonly Draft[]>; readonly lacking: Reason | undefined }
  /** The address asked for is in use and its holders share it. */
  | { readonly kind: 'join'; readonly records: readonly Allocation[] }

export interface ChooseInput {
  readonly service: Service
  readonly request: ServiceRequest
  readonly pools: Pools
  readonly taken: Taken
  readonly findService: HolderService
  /** 0 ≤ start < 1: where in a pool the search begins. */
  readonly start: number
}

interface PartInput extends ChooseInput {
  /** Eips of which the same Service is to have an address of the other family. */
  readonly chosen: readonly string[]
}

type OfFamily =
  | { readonly kind: 'refuse' | 'wait'; readonly reason: Reason }
  /** `eips`: where the drafts come from, by name. */
  | { readonly kind: 'free'; readonly eips: readonly string[]; readonly drafts: () => Iterable<Draft> }
  | { readonly kind: 'join'; readonly record: Allocation }

/** Addresses of the families wanted, without those in `have`: for a Service that only lacks its second one. */
export function chooseAddresses(input: ChooseInput, have: readonly Family[] = []): Choice {
  const { request } = input
  const contradiction = contradictionIn(input)
  if (contradiction !== undefined) return { kind: 'refuse', reason: contradiction }
  const parts: Extract<OfFamily, { kind: 'free' }>[] = []
  const joined: Allocation[] = []
  let missing: Exclude<OfFamily, { kind: 'free' | 'join' }> | undefined
  for (const family of wantedIn(request)) {
    if (have.includes(family)) continue
    const part = chooseOfFamily({ ...input, chosen: parts.flatMap(({ eips }) => eips) }, family)
    if (part.kind === 'free') parts.push(part)
    else if (part.kind === 'join') joined.push(part.record)
    else if (request.optional === undefined || (part.kind === 'refuse' && !mayBeLacking(part.reason))) return part
    else missing ??= part
  }
  if (joined.length > 0) return { kind: 'join', records: joined }
  if (parts.length === 0 && missing !== undefined) {
    return have.length > 0 ? { kind: 'wait', reason: missing.reason } : missing
  }
  return { kind: 'claim', candidates: combine(parts.map(({ drafts }) => drafts)), lacking: missing?.reason }
}

// Of two families of which one will do: neither what contradicts itself nor what a policy forbids is passed over.
function mayBeLacking({ code }: Reason): boolean {
  return code === 'FamilyMismatch' || code === 'QuotaExceeded'
}

// Addresses asked for must be of a family that the Service has.
function contradictionIn({ service, request }: ChooseInput): Reason | undefined {
  const wanted = wantedIn(request)
  const stranger = request.addresses.find(({ family }) => !wanted.includes(family))
  if (stranger === undefined) return undefined
  const message = `Service ${nameOf(service)} asks for ${formatIp(stranger)}, but has IP family ${wanted.map((family) => `IPv${family}`).join(', ')}; set spec.ipFamilies or ask for an address of that family`
  return { code: 'FamilyMismatch', message }
}

function chooseOfFamily(input: PartInput, family: Family): OfFamily {
  const { request } = input
  const address = request.addresses.find((ip) => ip.family === family)
  if (request.pools.length > 0) return chooseInAskedPools(input, family, address)
  return address === undefined ? chooseByBinding(input, family) : chooseAskedAddress(input, address)
}

function chooseInAskedPools(input: PartInput, family: Family, address: Ip | undefined): OfFamily {
  const { service, request, pools } = input
  const unknown = request.pools.find((name) => !pools.eips.has(name))
  if (unknown !== undefined) {
    const message = `Service ${nameOf(service)} asks for Eip ${unknown}, which does not exist; create it or name another one`
    return { kind: 'wait', reason: { code: 'UnknownPool', message } }
  }
  const asked = request.pools.flatMap((name) => pools.eips.get(name) ?? [])
  const fitting = asked.filter((each) => (address === undefined ? hasFamily(each, family) : spans(each, address)))
  const [first] = fitting
  if (first === undefined) {
    const names = asked.map(formatPool).join(', ')
    if (address !== undefined) {
      const message = `${formatIp(address)} is not in ${names}; ask for an address of that Eip or leave the address out`
      return { kind: 'refuse', reason: { code: 'AddressOutsidePool', message } }
    }
    const message = `${names} has no IPv${family} address, which Service ${nameOf(service)} needs; name an Eip that has, or change spec.ipFamilies`
    return { kind: 'refuse', reason: { code: 'FamilyMismatch', message } }
  }
  for (const eip of fitting) {
    const forbidden = forbiddenToAsk(input, eip)
    if (forbidden !== undefined) return { kind: 'refuse', reason: forbidden }
  }
  // Of two pools of one family the second serves when the first has nothing to give.
  return address === undefined ? freeOf(input, fitting, family) : takeAsked(input, first, address)
}

function chooseAskedAddress(input: PartInput, address: Ip): OfFamily {
  const { pools } = input
  const reserved = addressReserved(address, pools)
  if (reserved !== undefined) return { kind: 'refuse', reason: reserved }
  const covering = [...pools.eips.values()].filter((eip) => spans(eip, address))
  const [eip] = covering.toSorted((a, b) => (isOlder(a, b) ? -1 : 1))
  if (eip === undefined) {
    const message = `no Eip covers ${formatIp(address)}; create an Eip with it or ask for another address`
    return { kind: 'wait', reason: { code: 'AddressInNoPool', message } }
  }
  const forbidden = forbiddenToAsk(input, eip)
  return forbidden === undefined ? takeAsked(input, eip, address) : { kind: 'refuse', reason: forbidden }
}

function forbiddenToAsk({ service, request, pools }: ChooseInput, eip: Eip): Reason | undefined {
  if (request.protocol !== undefined && request.protocol !== eip.protocol) {
    const message = `Service ${nameOf(service)} asks for protocol ${request.protocol}, but Eip ${eip.name} has protocol ${eip.protocol}; drop the protocol annotation or name another Eip`
    return { code: 'ProtocolMismatch', message }
  }
  if (mayAsk(eip, service, pools)) return undefined
  const message = `Eip ${eip.name} is bound to other namespaces or Services than ${nameOf(service)}; name another Eip, or set spec.allowExplicit in it`
  return { code: 'NamespaceNotAllowed', message }
}

function takeAsked(input: PartInput, eip: Eip, address: Ip): OfFamily {
  const { service, pools, taken, findService } = input
  const reserved = addressReserved(address, pools) ?? addressKeptBack(address, eip)
  if (reserved !== undefined) return { kind: 'refuse', reason: reserved }
  const record = taken.at(address)
  if (record !== undefined && !holdsOnly(record, service)) {
    if (record.retainedUntil !== undefined) {
      const message = `${formatIp(address)} is kept until ${record.retainedUntil} for the Service that had it (spec.retainSeconds of Eip ${record.eip}); ask for another address, or wait`
      return { kind: 'wait', reason: { code: 'AddressRetained', message } }
    }
    if (!record.holders.some(({ name, namespace }) => findService(namespace, name) !== undefined)) {
      const message = `${formatIp(address)} was given back a moment ago and is still being withdrawn; wait, it is free within a minute, or ask for another address`
      return { kind: 'wait', reason: { code: 'AddressCooling', message } }
    }
    const reason = sharingRefused(service, record, findService)
    return reason === undefined ? { kind: 'join', record } : { kind: 'wait', reason }
  }
  const closed = poolClosed(eip, pools) // after the holders: who is there already may be joined in a closed pool
  if (closed !== undefined) return { kind: 'wait', reason: closed }
  const full = quotaReached(service, eip, address.family, taken, besides(input, eip))
  if (full !== undefined) return { kind: 'refuse', reason: full }
  const draft: Draft = { address, eip: eip.name, protocol: eip.protocol }
  return { kind: 'free', eips: [eip.name], drafts: () => [draft] }
}

function holdsOnly(record: Allocation, service: Service): boolean {
  return record.holders.every(({ namespace, name }) => namespace === service.namespace && name === service.name)
}

// Rule 4: pools bound to namespace and Service by priority and name, then the default.
function chooseByBinding(input: PartInput, family: Family): OfFamily {
  const { service, request, pools } = input
  const bound = [...pools.eips.values()]
    .filter((eip) => isBoundTo(eip, service, pools))
    .toSorted((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1))
  const fallback = defaultEip(pools)
  const all = fallback === undefined || bound.includes(fallback) ? bound : [...bound, fallback]
  if (all.length === 0) {
    const message = `no Eip is bound to namespace ${service.namespace} and there is no default Eip; name one in annotation eip.openelb.kubesphere.io/v1alpha2, or mark one as default (eip.openelb.kubesphere.io/is-default-eip: "true")`
    return { kind: 'wait', reason: { code: 'NoDefaultPool', message } }
  }
  const ofProtocol = all.filter((eip) => request.protocol === undefined || eip.protocol === request.protocol)
  const fitting = ofProtocol.filter((eip) => hasFamily(eip, family))
  if (fitting.length === 0) {
    const kind = request.protocol === undefined ? `IPv${family}` : `IPv${family} and protocol ${request.protocol}`
    const message = `no Eip for Service ${nameOf(service)} has an address of ${kind} (looked at ${all.map(({ name }) => name).join(', ')}); create one that has, or ask for what they have`
    return { kind: 'wait', reason: { code: 'FamilyUnavailable', message } }
  }
  return freeOf(input, fitting, family)
}

// The first reason stands for all: the pool that comes first is the one that the user expects.
function freeOf(input: PartInput, eips: readonly Eip[], family: Family): OfFamily {
  const { service, pools, taken, start } = input
  let wait: Reason | undefined
  let refuse: Reason | undefined
  const open: Eip[] = []
  for (const eip of eips) {
    const closed = poolClosed(eip, pools)
    const quota = closed === undefined ? quotaReached(service, eip, family, taken, besides(input, eip)) : undefined
    if (quota !== undefined) refuse ??= quota
    else if (closed !== undefined) wait ??= closed
    else if (isFull(eip, family, input)) {
      const message = `Eip ${eip.name} has no free IPv${family} address (${taken.usage(eip.name)} in use); widen spec.address or spec.extraAddresses, or delete a Service`
      wait ??= { code: 'PoolFull', message }
    } else open.push(eip)
  }
  if (open.length > 0) {
    return {
      kind: 'free',
      eips: open.map(({ name }) => name),
      *drafts() {
        for (const eip of open) {
          for (const address of taken.freeIn(eip, family, pools, start)) {
            yield { address, eip: eip.name, protocol: eip.protocol }
          }
        }
      },
    }
  }
  const reason = wait ?? refuse ?? { code: 'PoolFull', message: 'no Eip has a free address; create one' }
  return { kind: refuse !== undefined && wait === undefined ? 'refuse' : 'wait', reason }
}

function isFull(eip: Eip, family: Family, { taken, pools, start }: ChooseInput): boolean {
  for (const _ of taken.freeIn(eip, family, pools, start)) return false
  return true
}

function besides({ chosen }: PartInput, { name }: Eip): number {
  return chosen.includes(name) ? 1 : 0
}

// One address of each part at a time; a part that has run out stays at its last, so that the other can go on.
function* combine(parts: readonly (() => Iterable<Draft>)[]): Iterable<readonly Draft[]> {
  const iterators = parts.map((drafts) => drafts()[Symbol.iterator]())
  let current = iterators.map((iterator) => iterator.next())
  if (current.length === 0) return
  const drafts: (Draft | undefined)[] = current.map((next) => (next.done === true ? undefined : next.value))
  while (drafts.every((draft) => draft !== undefined)) {
    yield [...drafts]
    current = iterators.map((iterator) => iterator.next())
    if (current.every(({ done }) => done === true)) return
    current.forEach((next, index) => {
      if (next.done !== true) drafts[index] = next.value
    })
  }
}

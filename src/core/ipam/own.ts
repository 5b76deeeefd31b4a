// Which of the records that name a Service are its own, which of them it goes by, and which it has lost to another.
import { type Family, type Ip, sameIp } from '../address/index.ts'
import { type Allocation, type Holder, type Service, claimAnnotation } from '../model/index.ts'
import { type Pools, covers } from './pools.ts'
import { type ServiceRequest, settledRecords, wantedIn } from './request.ts'
import { type HolderService, sharingRefused } from './share.ts'
import type { Taken } from './taken.ts'

/** The entry of the Service `key` (`namespace/name`); one without a name belongs to the Service that carries its claim. */
export function findHolder(record: Allocation, key: string, service: Service | undefined): Holder | undefined {
  return record.holders.find(
    ({ namespace, name, generateName, claim }) =>
      `${namespace}/${name}` === key ||
      (name === '' &&
        service !== undefined &&
        namespace === service.namespace &&
        service.name.startsWith(generateName) &&
        claim === service.annotations[claimAnnotation]),
  )
}

/** The claim of the Service: its nonce, or its UID when it has none or one that was copied from another Service. */
export function claimOf({ namespace, name, uid, annotations }: Service, taken: Taken): string {
  const nonce = annotations[claimAnnotation]
  if (nonce === undefined) return uid
  const copied = taken
    .ofClaim(nonce)
    .some(({ holders }) =>
      holders.some(
        (holder) =>
          holder.claim === nonce && holder.name !== '' && (holder.namespace !== namespace || holder.name !== name),
      ),
    )
  return copied ? uid : nonce
}

export interface Sorted {
  /** Of this very Service, those it goes by first. */
  readonly own: readonly Allocation[]
  /** Of a Service that had the name before it (row 4). */
  readonly strangers: readonly Allocation[]
  /** Held by others before it, who do not share it with this Service (any more) (row 5). */
  readonly lost: readonly Allocation[]
}

export interface SortInput {
  readonly key: string
  readonly service: Service
  readonly taken: Taken
  readonly findService: HolderService
}

export function sortRecords(mine: readonly Allocation[], input: SortInput): Sorted {
  const { key, service, taken } = input
  const claims = [claimOf(service, taken), service.uid]
  const isBonded = (record: Allocation): boolean => {
    const holder = findHolder(record, key, service)
    return holder !== undefined && claims.includes(holder.claim)
  }
  const bonded = mine.filter(isBonded)
  const lost = bonded.filter((record) => isLost(record, input))
  const kept = bonded.filter((record) => !lost.includes(record))
  const settled = settledRecords(service, kept)
  return {
    own: [...settled, ...kept.filter((record) => !settled.includes(record))],
    strangers: mine.filter((record) => !bonded.includes(record)),
    lost,
  }
}

// The order of the entries is the order of the claims: the older one keeps the address.
function isLost(record: Allocation, { key, service, findService }: SortInput): boolean {
  const at = record.holders.findIndex((holder) => holder === findHolder(record, key, service))
  const older = record.holders.slice(0, at).filter(({ namespace, name }) => findService(namespace, name) !== undefined)
  return older.length > 0 && sharingRefused(service, { ...record, holders: older }, findService) !== undefined
}

/** Addresses in the status that others hold and this Service does not. */
export function foreignIngress(service: Service, { own, strangers }: Sorted, taken: Taken): readonly Ip[] {
  const mine = [...own, ...strangers]
  return service.ingress.filter((ip) => {
    const record = taken.at(ip)
    return record !== undefined && record.holders.length > 0 && !mine.some(({ name }) => name === record.name)
  })
}

/** Which of the records held satisfy the request, in the order of the families; one a family. */
export function fit(
  own: readonly Allocation[],
  request: ServiceRequest,
  pools: Pools,
): { readonly fitting: readonly Allocation[]; readonly families: readonly Family[] } {
  const fitting: Allocation[] = []
  for (const family of wantedIn(request)) {
    const asked = request.addresses.find((ip) => ip.family === family)
    const found = own.find(
      ({ address, eip, protocol }) =>
        address.family === family &&
        (request.protocol === undefined || request.protocol === protocol) &&
        (asked === undefined || sameIp(asked, address)) &&
        (request.pools.length === 0 || request.pools.includes(eip) || coveredByAsked(request, pools, address)),
    )
    if (found !== undefined) fitting.push(found)
  }
  return { fitting, families: fitting.map(({ address }) => address.family) }
}

function coveredByAsked(request: ServiceRequest, pools: Pools, address: Ip): boolean {
  return request.pools.some((name) => {
    const eip = pools.eips.get(name)
    return eip !== undefined && covers(eip, address)
  })
}

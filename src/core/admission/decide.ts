// A Service is being created: does it get an address, does it wait, is it refused (design §4).
//
//   decide ──▶ claim: candidates ──▶ somebody tries to create the records ──▶ patch(got)
//      │                                   └─ all taken: what was learnt goes into `taken`, decide again
//      ├─────▶ reuse: it has records already; somebody looks whether they are still there, else decide again
//      ├─────▶ wait: admitted, with warnings; the controller assigns as soon as it can
//      ├─────▶ refuse: contradicts itself, or a policy forbids it
//      └─────▶ ignore: not ours
import { type JsonPatch, patchMap } from './json-patch.ts'
import {
  type Draft,
  type HolderService,
  type Pools,
  type ServiceRequest,
  type Taken,
  areEnough,
  chooseAddresses,
  holderOf,
  isOurs,
  nameOf,
  patchAssigned,
  readRequest,
} from '../ipam/index.ts'
import {
  type Allocation,
  type Asked,
  type Holder,
  type Reason,
  type Service,
  addressAnnotation,
  claimAnnotation,
  optInAnnotation,
  optInValue,
  poolAnnotation,
} from '../model/index.ts'
import type { ServiceReview } from './review.ts'

export interface AdmissionOptions {
  /** 0 ≤ start < 1: where in a pool the search begins, so that replicas seldom collide. */
  readonly start: number
  /** The claim of this request, unless it carries one that is known. */
  readonly nonce: string
  /** What becomes of a Service that lacks something now (`--unavailable`). */
  readonly unavailable: 'wait' | 'refuse'
}

export type Unassigned =
  | { readonly kind: 'wait'; readonly warnings: readonly Reason[]; readonly patch: JsonPatch }
  | { readonly kind: 'refuse'; readonly reason: Reason }

export type Admission =
  | { readonly kind: 'ignore' }
  | Unassigned
  /** Made or asked for before: these records are its own, if they still are what they were when last seen. */
  | { readonly kind: 'reuse'; readonly records: readonly Allocation[]; readonly patch: JsonPatch }
  | {
      readonly kind: 'claim'
      readonly candidates: Iterable<readonly Draft[]>
      /** Goes into the records. */
      readonly holder: Holder
      /** An address was asked for: who holds it instead matters. */
      readonly askedAddress: boolean
      readonly warnings: readonly Reason[]
      patch(got: readonly Draft[]): JsonPatch
      /** The answer when no candidate is left. */
      exhausted(): Unassigned
    }

// The webhook keeps no Services (there may be a hundred thousand): the record says who holds an address.
const findService: HolderService = () => 'unknown'

export function decideAdmission(
  { service }: ServiceReview,
  pools: Pools,
  taken: Taken,
  { start, nonce, unavailable }: AdmissionOptions,
): Admission {
  if (!isOurs(service, pools, false)) return { kind: 'ignore' }
  const known = knownRecords(service, taken)
  const nonceCarried = service.annotations[claimAnnotation]
  const claimed = nonceCarried === undefined ? [] : taken.ofClaim(nonceCarried)
  const read = readRequest(service, known, pools.primaryFamily, claimed)
  if (!read.ok) return { kind: 'refuse', reason: read.reason }
  const { request } = read
  const lacking = (reason: Reason): Unassigned =>
    unavailable === 'refuse'
      ? { kind: 'refuse', reason }
      : { kind: 'wait', warnings: [reason], patch: waiting(service, request) }
  if (known.length > 0) {
    const claim = known[0]?.holders.find((holder) => isHolder(holder, service))?.claim ?? nonce
    return { kind: 'reuse', records: known, patch: patchAssigned(service, known, claim, request.asked) }
  }

  const choice = chooseAddresses({ service, request, pools, taken, findService, start })
  if (choice.kind === 'refuse') return choice
  if (choice.kind === 'wait') return lacking(choice.reason)
  // Whether the holders consent is known where they are: the controller adds this one, or says why not.
  if (choice.kind === 'join') return { kind: 'wait', warnings: [], patch: waiting(service, request) }
  return {
    kind: 'claim',
    candidates: choice.candidates,
    holder: holderOf(service, request, nonce),
    askedAddress: request.addresses.length > 0,
    warnings: choice.lacking === undefined ? [] : [choice.lacking],
    patch: (got) => patchAssigned(service, got, nonce, request.asked),
    exhausted: () => {
      const message = `every address that Service ${nameOf(service)} may have was taken while its request was answered; wait until one is free, or name another Eip`
      return lacking({ code: 'PoolFull', message })
    },
  }
}

// Called twice for one request, the Service carries the nonce of the first call. A create that failed after us and is
// tried again carries none, but the record of its name is still there (IPAM-28): it is used again, if it would do.
function knownRecords(service: Service, taken: Taken): readonly Allocation[] {
  const claim = service.annotations[claimAnnotation]
  if (claim !== undefined) {
    const claimed = taken.ofClaim(claim).filter((record) => record.holders.some((each) => isHolder(each, service)))
    if (claimed.length > 0) return claimed
  }
  if (service.name === '') return []
  const named = taken.ofService(`${service.namespace}/${service.name}`)
  return haveItsFamilies(named, service) && named.every((record) => wouldDo(record, service)) ? named : []
}

// One of two families would bind a Service that needs both to an address that it cannot use.
function haveItsFamilies(records: readonly Allocation[], service: Service): boolean {
  const families = records.map(({ address }) => address.family)
  const [first] = families
  if (first === undefined) return false
  const read = readRequest(service, [], first)
  return read.ok && areEnough(families, read.request)
}

function isHolder(holder: Holder, { namespace, name, generateName }: Service): boolean {
  if (holder.namespace !== namespace) return false
  return name === '' ? holder.generateName === generateName : holder.name === name || holder.name === ''
}

// The same words as last time: anything else is decided anew, and the record ends by its age.
function wouldDo(record: Allocation, service: Service): boolean {
  const holder = record.holders.find((each) => each.namespace === service.namespace && each.name === service.name)
  if (holder === undefined || record.retainedUntil !== undefined) return holder !== undefined
  const read = readRequest(service, [], record.address.family)
  if (!read.ok) return false
  const { asked } = read.request
  const words: readonly (keyof Asked)[] = ['pool', 'address', 'loadBalancerIP', 'protocol']
  return words.every((word) => asked[word] === holder.asked[word])
}

// A claim that came with somebody else's YAML is taken out, and what of its address and pool is no request of this
// Service's; the opt-in makes the Service ours for good.
function waiting(service: Service, { asked }: ServiceRequest): JsonPatch {
  const { annotations, loadBalancerClass } = service
  const copied = annotations[claimAnnotation] !== undefined
  const isStale = (key: string, wanted: string | undefined): boolean =>
    copied && annotations[key] !== undefined && annotations[key] !== wanted
  return patchMap(['metadata', 'annotations'], annotations, {
    ...(annotations[optInAnnotation] === undefined && loadBalancerClass === undefined
      ? { [optInAnnotation]: optInValue }
      : {}),
    ...(copied ? { [claimAnnotation]: undefined } : {}),
    ...Object.fromEntries(
      [
        ...addressAnnotation.map((key) => [key, asked.address] as const),
        ...poolAnnotation.map((key) => [key, asked.pool] as const),
      ]
        .filter(([key, wanted]) => isStale(key, wanted))
        .map(([key]) => [key, undefined]),
    ),
  })
}

// An Eip created, edited or deleted: what admission says, and what the controller would do if it were written all the
// same (with every replica of the webhook down it is): which addresses would lie outside, which Services would get one.
import { formatIp } from '../address/index.ts'
import { type Judgement, judgeEip } from '../admission/index.ts'
import {
  type Draft,
  type HolderService,
  type Pools,
  type ServicePlan,
  type Step,
  type Taken,
  TakenIndex,
  allocationObject,
  covers,
  freeCount,
  planService,
  poolSize,
} from '../ipam/index.ts'
import {
  type Allocation,
  type Eip,
  type Holder,
  type Service,
  claimAnnotation,
  readAllocation,
} from '../model/index.ts'

export interface PoolInput {
  readonly pools: Pools
  readonly allocations: readonly Allocation[]
  /** Of type LoadBalancer, by `namespace/name`. */
  readonly services: ReadonlyMap<string, Service>
  /** The Eip as it is written; undefined: deleted. */
  readonly after: Eip | undefined
  /** Its name. */
  readonly name: string
}

export interface PoolCounts {
  readonly total: bigint
  readonly used: number
  readonly free: bigint
}

/** What would become of one Service. */
export interface ServiceOutcome {
  /** `namespace/name`. */
  readonly service: string
  /** After its name: `gets 172.22.0.1 of Eip x`, `PoolGone: …`. */
  readonly what: string
}

export interface PoolSimulation {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly judgement: Judgement
  readonly before: PoolCounts | undefined
  readonly after: PoolCounts | undefined
  /** Addresses in use that the Eip would no longer have. */
  readonly stranded: readonly { readonly address: string; readonly services: readonly string[] }[]
  /** Services for which the controller would do something else than it does now. */
  readonly services: readonly ServiceOutcome[]
}

export function simulatePool(input: PoolInput): PoolSimulation {
  const { pools, allocations, after, name } = input
  const before = pools.eips.get(name)
  const taken = takenOf(allocations)
  const operation = after === undefined ? 'DELETE' : before === undefined ? 'CREATE' : 'UPDATE'
  const eips = new Map(pools.eips)
  if (after === undefined) eips.delete(name)
  else eips.set(name, after)
  // Not spread: what it holds may be computed when it is read.
  const changed: Pools = Object.assign(Object.create(pools) as Pools, { eips })
  const stranded = [...taken.ofEip(name)].filter(
    ({ address }) =>
      before !== undefined && covers(before, address) && (after === undefined || !covers(after, address)),
  )
  return {
    operation,
    judgement: judgeEip({ operation, before, after }, pools, taken),
    before: before === undefined ? undefined : countsOf(before, taken, pools),
    after: after === undefined ? undefined : countsOf(after, taken, changed),
    stranded: stranded.map(({ address, holders }) => ({
      address: formatIp(address),
      services: holders.map((holder) => `${holder.namespace}/${holder.name}`),
    })),
    services: outcomes(input, changed),
  }
}

function takenOf(allocations: readonly Allocation[]): TakenIndex {
  const taken = new TakenIndex()
  for (const allocation of allocations) taken.put(allocation)
  return taken
}

function countsOf(eip: Eip, taken: Taken, pools: Pools): PoolCounts {
  return { total: poolSize(eip), used: taken.usage(eip.name), free: freeCount(eip, taken, pools) }
}

function outcomes(input: PoolInput, changed: Pools): readonly ServiceOutcome[] {
  const now = planAll(input, input.pools, false)
  // A deletion that is not forced leaves the Services their addresses; one that is takes them away.
  const forced = input.pools.eips.get(input.name)?.forceDelete ?? false
  return [...planAll(input, changed, forced)]
    .filter(([service, what]) => what !== '' && what !== now.get(service))
    .map(([service, what]) => ({ service, what }))
}

// One after the other, in the order of their creation, as those that waited longest would be served: what one gets the
// next cannot.
function planAll(
  { services, allocations, name, after }: PoolInput,
  pools: Pools,
  withdrawn: boolean,
): ReadonlyMap<string, string> {
  const taken = takenOf(allocations)
  const findService: HolderService = (namespace, of) => services.get(`${namespace}/${of}`)
  const ordered = [...services].toSorted(([, a], [, b]) => (a.creationTimestamp < b.creationTimestamp ? -1 : 1))
  const told = new Map<string, string>()
  for (const [key, service] of ordered) {
    const plan = planService({
      ...{ key, service, pools, taken, findService, start: 0 },
      records: recordsOf(key, service, taken),
      // What is seen here has been there for a while.
      ageMs: () => Number.POSITIVE_INFINITY,
      wasBound: () => true,
      forceDeleted: (eip) => withdrawn && after === undefined && eip === name,
      keptForMs: () => undefined,
    })
    told.set(key, tell(plan, service, taken))
  }
  return told
}

// By its name, and by the claim that it carries where the name was still to be generated.
function recordsOf(key: string, { annotations, namespace }: Service, taken: Taken): readonly Allocation[] {
  const claim = annotations[claimAnnotation]
  const claimed = claim === undefined ? [] : taken.ofClaim(claim)
  const own = claimed.filter(({ holders }) =>
    holders.some((holder) => holder.namespace === namespace && holder.claim === claim),
  )
  return [...new Set([...taken.ofService(key), ...own])]
}

/** Of a plan, what people see of it; what it claims is taken from then on. */
function tell({ steps }: ServicePlan, service: Service, taken: TakenIndex): string {
  return steps.flatMap((step) => tellStep(step, service, taken) ?? []).join('; ')
}

function tellStep(step: Step, service: Service, taken: TakenIndex): string | undefined {
  switch (step.kind) {
    case 'claim': {
      const [got] = step.candidates
      for (const draft of got ?? []) take(draft, step.holder, taken)
      return got === undefined ? undefined : `gets ${got.map(tellDraft).join(' and ')}`
    }
    case 'bind':
      return `gets ${formatIp(step.record.address)} of Eip ${step.home?.name ?? step.record.eip}`
    case 'release':
      return `gives ${formatIp(step.record.address)} back`
    case 'retain':
      return `${formatIp(step.record.address)} is kept for it for ${Math.round(step.forMs / 3_600_000)} h`
    case 'writeStatus': {
      const loses = step.ingress !== undefined && step.ingress.length === 0 && service.ingress.length > 0
      const said = step.conditions.map(({ reason, message }) => `${reason}: ${message}`)
      return [...(loses ? [`loses ${service.ingress.map(formatIp).join(' and ')}`] : []), ...said].join('; ')
    }
    case 'writeMetadata':
    case 'event':
      return undefined
  }
}

function take(draft: Draft, holder: Holder, taken: TakenIndex): void {
  const record = readAllocation(allocationObject(draft, holder))
  if (record !== undefined) taken.put(record)
}

function tellDraft({ address, eip }: Draft): string {
  return `${formatIp(address)} of Eip ${eip}`
}

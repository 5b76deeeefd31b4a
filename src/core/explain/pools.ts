// The pools: how much of each is in use, by whom it may be used, and what is wrong with it.
import { freeCount, poolClosed, poolSize } from '../ipam/index.ts'
import { type Eip, type ReasonCode, readConditions } from '../model/index.ts'
import { type ClusterView, isKnown } from './view.ts'

export interface PoolRow {
  readonly name: string
  /** As the Eip has them: `address`, then `extraAddresses`. */
  readonly addresses: readonly string[]
  readonly protocol: string
  /** Whole numbers as text: a pool of IPv6 addresses has more than a number can tell. */
  readonly size: string
  readonly used: number
  readonly free: string
  /** 0 to 1; of the addresses that can be handed out. */
  readonly usedShare: number
  readonly isDefault: boolean
  /** Namespaces, selectors; empty: everybody. */
  readonly boundTo: readonly string[]
  readonly problems: readonly PoolProblem[]
}

export interface PoolProblem {
  readonly code: ReasonCode
  readonly message: string
  /** Addresses are not handed out or not announced; else something to look at. */
  readonly grave: boolean
}

/** In a pool this full a warning is due. */
export const fillingShare = 0.9
/** Too small to be filling: one address more or less is nothing to warn of. */
const leastFilling = 8

/** In the order of their names. */
export function poolRows(view: ClusterView): readonly PoolRow[] {
  return view.cluster.eips.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((eip) => poolRow(eip, view))
}

function poolRow(eip: Eip, view: ClusterView): PoolRow {
  const { pools, taken } = view
  const size = poolSize(eip)
  const free = freeCount(eip, taken, pools)
  const used = taken.usage(eip.name)
  const usable = free + BigInt(used)
  const usedShare = usable > 0n ? Number((BigInt(used) * 10_000n) / usable) / 10_000 : 1
  return {
    name: eip.name,
    addresses: [eip.address, ...eip.extraAddresses],
    protocol: eip.protocol,
    size: String(size),
    used,
    free: String(free),
    usedShare,
    isDefault: eip.isDefault,
    boundTo: boundTo(eip),
    problems: problemsOf(eip, view, { free, usedShare, usable }),
  }
}

/** Who alone may ask for the pool, a phrase each. */
export function boundTo({ namespaces, namespaceSelector, serviceSelector }: Eip): readonly string[] {
  const labels = (selector: Readonly<Record<string, string>> | undefined): string =>
    Object.entries(selector ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(',')
  return [
    ...namespaces.map((name) => `namespace ${name}`),
    ...(namespaceSelector === undefined ? [] : [`namespaces with ${labels(namespaceSelector)}`]),
    ...(serviceSelector === undefined ? [] : [`Services with ${labels(serviceSelector)}`]),
  ]
}

function problemsOf(
  eip: Eip,
  view: ClusterView,
  { free, usedShare, usable }: { readonly free: bigint; readonly usedShare: number; readonly usable: bigint },
): readonly PoolProblem[] {
  const closed = poolClosed(eip, view.pools)
  const problems: PoolProblem[] = []
  if (closed !== undefined) problems.push({ ...closed, grave: closed.code !== 'PoolDisabled' })
  else if (isKnown(view, 'eipallocations') && free === 0n) {
    const message = `Eip ${eip.name} has no free address; widen spec.address or spec.extraAddresses, or delete a Service`
    problems.push({ code: 'PoolFull', message, grave: true })
  } else if (usedShare >= fillingShare && usable >= BigInt(leastFilling)) {
    const message = `Eip ${eip.name} has ${free} of ${usable} addresses left; widen spec.address or spec.extraAddresses in time`
    problems.push({ code: 'PoolFilling', message, grave: false })
  }
  // What the controller says of it besides; whether it hands out was judged anew.
  for (const { type, status, reason, message } of readConditions(eip.status)) {
    const isFine = status === 'True' || type === 'Ready' || type === 'UsedComplete' || type === 'SoleProvider'
    if (!isFine)
      problems.push({ code: reason as ReasonCode, message, grave: type !== 'Default' && reason !== 'OwnedByCni' })
  }
  return problems
}

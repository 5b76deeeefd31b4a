// Conditions of a Service about its address. Times are added by whoever writes them.
import { formatIp } from '../address/index.ts'
import type { Pools } from '../ipam/pools.ts'
import { covers } from '../ipam/pools.ts'
import { type Allocation, type Condition, type Reason, type Service, assignedCondition } from '../model/index.ts'

/**
 * It has its address; row 6: of an Eip that is gone or has lost the address, and stays. `lacking`: why it has but one of
 * the two that it would rather have.
 */
export function assignedAs(
  own: readonly Allocation[],
  pools: Pools,
  service: Service,
  lacking?: Reason,
): readonly Condition[] {
  const stranded = own.find(({ eip, address }) => {
    const pool = pools.eips.get(eip)
    return pool === undefined || !covers(pool, address)
  })
  if (stranded !== undefined) {
    const what = pools.eips.has(stranded.eip) ? 'no longer covers' : 'is gone; it held'
    const message = `Eip ${stranded.eip} ${what} ${formatIp(stranded.address)}, which Service ${service.namespace}/${service.name} keeps; widen or recreate the Eip`
    return [condition('True', { code: 'PoolGone', message })]
  }
  const had = own.map(({ address, eip }) => `${formatIp(address)} of Eip ${eip}`).join(', ')
  const message = lacking === undefined ? had : `${had}; the other family is lacking: ${lacking.message}`
  return [condition('True', { code: 'Assigned', message })]
}

export function notAssigned(reason: Reason): readonly Condition[] {
  return [condition('False', reason)]
}

/** It asks for something else, which is not to be had: it keeps what it has. */
export function keptInstead(own: readonly Allocation[], reason: Reason): readonly Condition[] {
  const kept = own.map(({ address }) => formatIp(address)).join(', ')
  return [condition('True', { code: 'KeptAddress', message: `${kept} is kept: ${reason.message}` })]
}

function condition(status: 'True' | 'False', { code, message }: Reason): Condition {
  return { type: assignedCondition, status, reason: code, message }
}

// What a "no" rests on, asked of the API server before it is said: the command before may have taken it away, and a
// watch tells some milliseconds later.
import type { Pools } from '../src/core/ipam/index.ts'
import { type Reason, type ReasonCode, eipLabel, namespaceLabel } from '../src/core/model/index.ts'
import { type Claimer, readPools, refreshRecords } from '../src/io/pools/index.ts'

export interface LookAgain {
  readonly no: Reason
  /** Of the Service that is judged. */
  readonly namespace?: string | undefined
  /** The Eip that is judged. */
  readonly eip?: string | undefined
  /** On the clock's monotonic time. */
  readonly deadlineMs: number
}

// They rest on the request and on the object as it was, and on nothing else.
const ofTheRequestAlone: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['MalformedAddress', 'MalformedObject'])

// Each call: a refusal is not worth the whole time of a review.
const mostMs = 1_000

/** The pools as they are now, the records too where the "no" is about them; undefined: it is to be said as it is. */
export async function lookAgain(
  { client, clock, pools, allocations }: Claimer & { readonly pools: Pools },
  { no, namespace, eip, deadlineMs }: LookAgain,
): Promise<Pools | undefined> {
  if (ofTheRequestAlone.has(no.code)) return undefined
  const timeoutMs = Math.min(mostMs, deadlineMs - clock.nowMs())
  if (timeoutMs <= 0) return undefined
  const current = await readPools(client, pools, { namespace, timeoutMs })
  if (current === undefined) return undefined
  const eipNames = eip === undefined ? current.eips.keys() : [eip]
  const records =
    no.code === 'QuotaExceeded' && namespace !== undefined
      ? ({ label: namespaceLabel, value: namespace } as const)
      : (no.code === 'PoolInUse' || no.code === 'AddressInUse') && eip !== undefined
        ? ({ label: eipLabel, value: eip } as const)
        : undefined
  if (records === undefined) return current
  return (await refreshRecords(client, allocations, { ...records, eipNames, timeoutMs })) ? current : undefined
}

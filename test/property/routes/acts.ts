// What may happen to the host routes of a node, as values: one sequence can be lived in the model and in a real kernel.
import * as fc from 'fast-check'

import { type Family, type Ip, type Prefix, parseIp, parsePrefix } from '../../../src/core/address/index.ts'
import { hostTable, localTable } from '../../../src/core/routes/index.ts'
import type { Fault } from './faults.ts'

export type Act =
  | { readonly act: 'want'; readonly at: number; readonly hostAccess: boolean }
  | { readonly act: 'unwant'; readonly at: number }
  | { readonly act: 'wantAll'; readonly hostAccess: boolean }
  | { readonly act: 'unwantAll' }
  | {
      readonly act: 'foreignRoute'
      readonly at: number
      readonly table: number
      readonly metric: number
      readonly there: boolean
    }
  | { readonly act: 'foreignRule'; readonly family: Family; readonly table: number; readonly there: boolean }
  | { readonly act: 'takeRoute'; readonly at: number; readonly table: typeof hostTable | typeof localTable }
  | { readonly act: 'takeRule'; readonly nth: number }
  | { readonly act: 'stray'; readonly at: number; readonly table: typeof hostTable | typeof localTable }
  | { readonly act: 'subnet'; readonly there: boolean }
  | { readonly act: 'pass'; readonly ms: number }
  /** What waits goes on a little. */
  | { readonly act: 'turn' }
  | { readonly act: 'restart' }
  | { readonly act: 'faults'; readonly faults: readonly (Fault | undefined)[] }

/** Of a Service each; the last two of IPv4 lie in `ownSubnet`. */
export const addresses: readonly Ip[] = [
  ...['172.22.0.10', '172.22.0.11', '203.0.113.7', '10.9.0.77', '10.9.0.78', 'fd00:1::1', 'fd00:1::2'],
].map((text) => {
  const ip = parseIp(text)
  if (ip === undefined) throw new Error(text)
  return ip
})

const subnet = parsePrefix('10.9.0.0/24')
if (subnet === undefined) throw new Error('no prefix')
export const ownSubnet: Prefix = subnet

const at = fc.nat(addresses.length - 1)
const hostAccess = fc.boolean()
const table = fc.constantFrom(hostTable, localTable)
const there = fc.boolean()

const undisturbed = [
  { weight: 6, arbitrary: fc.record({ act: fc.constant('want' as const), at, hostAccess }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('unwant' as const), at }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('wantAll' as const), hostAccess }) },
  { weight: 1, arbitrary: fc.constant({ act: 'unwantAll' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('foreignRoute' as const),
      ...{ at, there, table: fc.constantFrom(hostTable, localTable, 77), metric: fc.constantFrom(0, 5000) },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('foreignRule' as const),
      ...{ family: fc.constantFrom(4 as const, 6 as const), table: fc.constantFrom(hostTable, 77), there },
    }),
  },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('takeRoute' as const), at, table }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('takeRule' as const), nth: fc.nat(11) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('stray' as const), at, table }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('subnet' as const), there }) },
  { weight: 1, arbitrary: fc.constant({ act: 'restart' as const }) },
] as const

const fault = fc.constantFrom<(Fault | undefined)[]>(undefined, undefined, 'refused', 'unanswered', 'wrong')

/** A life in which the kernel does what it is asked, and looks fall where nothing else happens. */
export const plainLife = fc.array(
  fc.oneof(...undisturbed, { weight: 4, arbitrary: fc.constant({ act: 'pass' as const, ms: 15_000 }) }),
  { minLength: 1, maxLength: 40, size: 'max' },
)

/** A life in which everything may meet everything, and requests fail. */
export const hardLife = fc.array(
  fc.oneof(
    ...undisturbed,
    {
      weight: 4,
      arbitrary: fc.record({ act: fc.constant('pass' as const), ms: fc.constantFrom(0, 300, 1000, 5000, 15_000) }),
    },
    { weight: 4, arbitrary: fc.constant({ act: 'turn' as const }) },
    {
      weight: 5,
      arbitrary: fc.record({ act: fc.constant('faults' as const), faults: fc.array(fault, { maxLength: 8 }) }),
    },
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
)

// Eip v1alpha1 (openelb-api.md 2.2): Porter 0.1 to 0.3.
import * as z from 'zod'
import { formatIp, parseRange } from '../../address/index.ts'
import { rangeRule } from '../address-rules.ts'
import { count, withRules } from '../fields.ts'
import type { KindVersion } from '../kind.ts'
import { type Json, type Mapping, renaming, valueAt, withValue } from './mapping.ts'
import { deprecationOf } from './deprecation.ts'

// The forms are those of v1alpha2, also where OpenELB's v1alpha1 took IPv4 only and no `vip`: a pool that is read must be
// one that can be written back.
const spec = z.object({
  address: withRules(z.string().max(91), rangeRule('spec.address')).describe(
    'The addresses of the pool: one address, a CIDR block or FIRST-LAST.',
  ),
  protocol: z
    .enum(['bgp', 'layer2', 'vip'])
    .exactOptional()
    .describe(
      'How the addresses are announced; bgp when absent. layer2: on the NIC with the route to the first address.',
    ),
  disable: z.boolean().exactOptional().describe('Hand out no new addresses; existing ones stay announced.'),
  usingKnownIPs: z.boolean().exactOptional().describe('Accepted for old manifests; means nothing.'),
})

const status = z.object({
  occupied: z.boolean().exactOptional().describe('No address is free.'),
  usage: count().exactOptional().describe('Number of addresses in use; a shared one counts once.'),
  poolSize: count().exactOptional().describe('Number of addresses; 9007199254740991 when there are more.'),
})

export const eipV1alpha1: Omit<KindVersion, 'rules'> = {
  name: 'v1alpha1',
  storage: false,
  deprecationWarning: deprecationOf('Eip'),
  spec,
  status,
  columns: [
    { name: 'cidr', type: 'string', jsonPath: '.spec.address', description: 'Addresses of the pool' },
    { name: 'usage', type: 'integer', jsonPath: '.status.usage', description: 'Addresses in use' },
    { name: 'total', type: 'integer', jsonPath: '.status.poolSize', description: 'Addresses of the pool' },
  ],
}

const same = renaming(
  [
    ['spec', 'address'],
    ['spec', 'protocol'],
    ['spec', 'disable'],
    ['spec', 'usingKnownIPs'],
    ['status', 'occupied'],
    ['status', 'usage'],
    ['status', 'poolSize'],
  ].map((path) => [path, path]),
)

export const eipMapping: Mapping = { ...same, toV1alpha2: (body) => withInterface(same.toV1alpha2(body)) }

// v1alpha1 has no interface: Porter took the NIC with the route to the first address of the pool.
function withInterface(body: Json): Json {
  const address = valueAt(body, ['spec', 'address'])
  if (valueAt(body, ['spec', 'protocol']) !== 'layer2' || typeof address !== 'string') return body
  const range = parseRange(address)
  return range === undefined ? body : withValue(body, ['spec', 'interface'], `can_reach:${formatIp(range.first)}`)
}

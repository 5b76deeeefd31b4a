// BgpConf v1alpha1 (openelb-api.md 2.3): Porter 0.3.
import * as z from 'zod'
import { ipRule } from '../address-rules.ts'
import { addressText, asNumber, withRules } from '../fields.ts'
import type { KindVersion } from '../kind.ts'
import { deprecationOf } from './deprecation.ts'
import { type Mapping, renaming } from './mapping.ts'

// Porter required all three. What v1alpha2 leaves out is missing here too, and must be taken when it is written back.
const spec = z.object({
  as: asNumber().exactOptional().describe('AS number of the speakers. Without one, no session is opened.'),
  routerID: withRules(addressText(), ipRule('spec.routerID', { empty: true, ipv4Only: true }))
    .exactOptional()
    .describe('BGP identifier of every speaker; `routerId` in v1alpha2. Best left out.'),
  port: z
    .int()
    .min(-1)
    .max(65535)
    .exactOptional()
    .describe('TCP port of BGP; `listenPort` in v1alpha2. 0 means 179, -1: do not listen.'),
})

export const bgpConfV1alpha1: KindVersion = {
  name: 'v1alpha1',
  storage: false,
  deprecationWarning: deprecationOf('BgpConf'),
  spec,
  status: z.object({}),
  rules: [],
  columns: [],
}

export const bgpConfMapping: Mapping = renaming([
  [
    ['spec', 'as'],
    ['spec', 'as'],
  ],
  [
    ['spec', 'routerID'],
    ['spec', 'routerId'],
  ],
  [
    ['spec', 'port'],
    ['spec', 'listenPort'],
  ],
])

// BgpPeer v1alpha1 (openelb-api.md 2.4): Porter 0.3.
import * as z from 'zod'
import { ipRule } from '../address-rules.ts'
import { addressText, asNumber, port, uint32, withRules } from '../fields.ts'
import type { KindVersion, Rule } from '../kind.ts'
import { deprecationOf } from './deprecation.ts'
import { type Json, type Mapping, isJson, renaming, valueAt, withValue } from './mapping.ts'

const neighbourRule: Rule = {
  rule: "has(self.config) && has(self.config.neighborAddress) && self.config.neighborAddress != ''",
  message:
    'a BgpPeer without neighbour cannot be spoken with: set spec.config.neighborAddress to the address of the router',
}

const peerAsRule: Rule = {
  rule: `!(${neighbourRule.rule}) || (has(self.config.peerAs) && self.config.peerAs > 0)`,
  message: 'a BgpPeer needs the AS number of the router: set spec.config.peerAs to a number from 1 to 4294967295',
}

// The bounds are those of v1alpha2, also where Porter's were narrower (IPv4 only, at most 255 paths): a peer that is read
// must be one that can be written back.
const spec = withRules(
  z.object({
    config: z
      .object({
        neighborAddress: withRules(addressText(), ipRule('spec.config.neighborAddress', { empty: true }))
          .exactOptional()
          .describe('Address of the router. Required.'),
        peerAs: asNumber().exactOptional().describe('AS number of the router. Required.'),
      })
      .exactOptional()
      .describe('The router; `conf` in v1alpha2. Required.'),
    addPaths: z
      .object({
        sendMax: uint32()
          .exactOptional()
          .describe('Most paths sent per prefix, hence next hops (RFC 7911); in v1alpha2 part of `afiSafis`. 0: 10.'),
      })
      .exactOptional()
      .describe('Several paths of one prefix.'),
    transport: z
      .object({
        passiveMode: z.boolean().exactOptional().describe('Never dial, wait for the router.'),
        remotePort: port().exactOptional().describe('TCP port of the router; 0: 179.'),
      })
      .exactOptional()
      .describe('The TCP connection.'),
    usingPortForward: z
      .boolean()
      .exactOptional()
      .describe('Kept for old manifests, not used: v1alpha2 has no such field.'),
  }),
  neighbourRule,
  peerAsRule,
)

export const bgpPeerV1alpha1: KindVersion = {
  name: 'v1alpha1',
  storage: false,
  deprecationWarning: deprecationOf('BgpPeer'),
  spec,
  status: z.object({}),
  rules: [],
  columns: [],
}

const same = renaming([
  [
    ['spec', 'config', 'neighborAddress'],
    ['spec', 'conf', 'neighborAddress'],
  ],
  [
    ['spec', 'config', 'peerAs'],
    ['spec', 'conf', 'peerAs'],
  ],
  [
    ['spec', 'transport', 'passiveMode'],
    ['spec', 'transport', 'passiveMode'],
  ],
  [
    ['spec', 'transport', 'remotePort'],
    ['spec', 'transport', 'remotePort'],
  ],
])

const families = ['spec', 'afiSafis'] as const
const sendMax = ['spec', 'addPaths', 'sendMax'] as const
const pathsOfFamily = ['addPaths', 'config', 'sendMax'] as const

// One family without a name is that of the router's address. 0 means the default in v1alpha1, and no ADD-PATH at all in
// v1alpha2; the default of v1alpha2 is to have no entry.
function toV1alpha2(body: Json): Json {
  const said = same.toV1alpha2(body)
  const most = valueAt(body, sendMax)
  return isCount(most) ? withValue(said, families, [withValue({}, pathsOfFamily, most)]) : said
}

function toV1alpha1(body: Json): Json {
  const said = same.toV1alpha1(body)
  const most = mostPaths(valueAt(body, families))
  return most === undefined ? said : withValue(said, sendMax, most)
}

/** As a speaker reads it: the most that an enabled family has. */
function mostPaths(afiSafis: unknown): number | undefined {
  const counts = enabledOf(afiSafis)
    .map((family) => valueAt(family, pathsOfFamily))
    .filter(isCount)
  return counts.length === 0 ? undefined : Math.max(...counts)
}

function enabledOf(afiSafis: unknown): readonly Json[] {
  return Array.isArray(afiSafis) ? afiSafis.filter(isJson).filter(isEnabled) : []
}

function isEnabled(family: Json): boolean {
  return valueAt(family, ['config', 'enabled']) !== false
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value > 0
}

// An edit of `sendMax` goes to every enabled family: the others of its fields stay.
function settle(kept: Json, said: Json): Json {
  const list = valueAt(kept, families)
  const most = mostPaths(valueAt(said, families))
  if (!Array.isArray(list) || mostPaths(list) === most) return kept
  const settled = list.map((family: unknown) =>
    isJson(family) && isEnabled(family) ? withValue(family, pathsOfFamily, most ?? 0) : family,
  )
  return withValue(kept, families, settled)
}

export const bgpPeerMapping: Mapping = { toV1alpha2, toV1alpha1, settle }

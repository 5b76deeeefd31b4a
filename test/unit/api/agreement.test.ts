// The schemas against the values that the rest of the code reads and writes: whatever the definitions do not know, the
// API server prunes in silence.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { parseIp, parseRange } from '../../../src/core/address/index.ts'
import { bgpConfStatus, bgpPeerStatus } from '../../../src/core/announce/index.ts'
import { bgpConfStatus as bgpConfSchema } from '../../../src/core/api/bgp-conf.ts'
import { bgpPeerStatus as bgpPeerSchema } from '../../../src/core/api/bgp-peer-status.ts'
import { bgpPeer } from '../../../src/core/api/bgp-peer.ts'
import { type holder, eipAllocationSpec } from '../../../src/core/api/eip-allocation.ts'
import type { eipStatus as eipSchema } from '../../../src/core/api/eip.ts'
import type { condition } from '../../../src/core/api/fields.ts'
import { type rackStatus, type speakerStatus } from '../../../src/core/api/speaker.ts'
import { allocationObject } from '../../../src/core/ipam/index.ts'
import {
  type Asked,
  type Condition,
  type Holder,
  type RackStatus,
  type SpeakerStatus,
  readAllocation,
  readBgpConf,
  readBgpPeer,
} from '../../../src/core/model/index.ts'
import type { EipStatus } from '../../../src/core/status/index.ts'
import { acceptedRanges, refusedRanges } from './address-texts.ts'
import { strict } from './strict.ts'

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T
type Same<A, B> = [Frozen<A>] extends [Frozen<B>] ? ([Frozen<B>] extends [Frozen<A>] ? true : false) : false

// Checked by the compiler: `true` is no value of type `false`.
const sameTypes: {
  readonly condition: Same<z.infer<typeof condition>, Condition>
  readonly speaker: Same<z.infer<typeof speakerStatus>, SpeakerStatus>
  readonly rack: Same<Omit<z.infer<typeof rackStatus>, 'speakerCount' | 'proxiedCount'>, Omit<RackStatus, Counts>>
  readonly eip: Same<Required<z.infer<typeof eipSchema>>, EipStatus>
  readonly asked: Same<keyof NonNullable<z.infer<typeof holder>['asked']>, keyof Asked>
  readonly holder: Same<keyof z.infer<typeof holder>, keyof Holder>
} = { condition: true, speaker: true, rack: true, eip: true, asked: true, holder: true }
type Counts = 'speakerCount' | 'proxiedCount'

void test('the statuses of Eip, Speaker and Rack, and the holders of an address, have one shape in the schema and in the code', () => {
  assert.deepEqual(Object.values(sameTypes), Array(6).fill(true))
})

void test('the forms of spec.address are those that core/address reads', () => {
  for (const text of acceptedRanges) assert.ok(parseRange(text), `${text} is a range`)
  for (const text of refusedRanges) assert.equal(parseRange(text), undefined, `${text} is no range`)
})

void test('a claim as the programs write it fits the schema, and is read back as it was', () => {
  const holder: Holder = {
    namespace: 'shop',
    name: '',
    generateName: 'web-',
    claim: 'nonce',
    ports: [{ protocol: 'TCP', port: 80 }],
    asked: { pool: 'public', address: '2001:db8::10', loadBalancerIP: '2001:db8::10' },
  }
  const address = parseIp('2001:db8::10')
  assert.ok(address)
  const object = allocationObject({ address, eip: 'public', protocol: 'bgp' }, holder)
  const { spec } = object
  assert.deepEqual(strict(eipAllocationSpec).parse(spec), spec)
  assert.deepEqual(readAllocation({ ...object })?.holders, [holder])
})

const speakers = new Map([
  [
    'worker1',
    {
      alive: true,
      status: {
        version: '0.1.0',
        rack: 'leaf1',
        as: 50000,
        routerId: '192.168.0.3',
        state: 'Running',
        sessions: [
          {
            peer: 'leaf1',
            neighbor: '192.168.0.2',
            peerAs: 4200000001,
            localAs: 50000,
            state: 'ESTABLISHED',
            since: '2026-01-01T00:00:00Z',
            remoteRouterId: '192.168.0.2',
            families: [4],
            addPath: [4],
            negotiatedHoldTimeSeconds: 9,
            flaps: 3,
            prefixesWanted: 1,
            prefixesSent: 1,
            messagesSent: { notification: 0, update: 1, open: 1, keepalive: 2, refresh: 0, total: 4 },
            messagesReceived: { notification: 0, update: 1, open: 1, keepalive: 2, refresh: 0, total: 4 },
          },
        ],
        peers: 1,
        up: 1,
        prefixes: 1,
        routes: { wanted: 1, present: 1, repaired: 0 },
        exceptions: [],
        exceptionsTotal: 0,
      } satisfies SpeakerStatus,
    },
  ],
])

void test('the statuses of BgpPeer and BgpConf as they are written fit the schema', () => {
  const spec = { conf: { neighborAddress: '192.168.0.2', peerAs: 4200000001 } }
  const peer = readBgpPeer({ metadata: { name: 'leaf1' }, spec })
  const { sessions, established, ...status } = bgpPeerStatus(peer, speakers)
  const written = { ...status, sessionsWanted: sessions, sessionsUp: established }
  assert.deepEqual(strict(bgpPeerSchema).parse(written), written)
  const conf = bgpConfStatus(readBgpConf({ metadata: { name: 'default' }, spec: { as: 50000 } }), speakers)
  assert.deepEqual(strict(bgpConfSchema).parse(conf), conf)
})

void test('no password has a place in the status of a BgpPeer', () => {
  const status = bgpPeer.versions[0]?.status
  assert.ok(status)
  assert.doesNotMatch(JSON.stringify(z.toJSONSchema(status)), /password/i)
})

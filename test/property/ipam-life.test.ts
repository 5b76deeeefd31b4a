import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { formatIp } from '../../src/core/address/index.ts'
import { chooseAddresses, isOurs, readRequest, sharingRefused } from '../../src/core/ipam/index.ts'
import {
  type Eip,
  addressAnnotation,
  claimAnnotation,
  optInAnnotation,
  poolAnnotation,
  sharingKeyAnnotation,
} from '../../src/core/model/index.ts'
import { asDefault, eip, optIn } from '../unit/ipam/world.ts'
import { Cluster, type StoredService } from './ipam-life.ts'

const [address] = addressAnnotation
const [pool] = poolAnnotation

const keys = ['ns/a', 'ns/b', 'ns/c', 'other/a', 'other/b'] as const
const small = eip('small', { address: '10.0.0.0/30' }, asDefault)
const second = eip('second', { address: '10.0.1.0/31' })
const dual = eip('dual', { address: '10.0.2.0/31', extraAddresses: ['fd00::/127'] })
const bound = eip('bound', { address: '10.0.3.0/31', namespaces: ['other'], priority: 1 })
const setsOfPools: readonly (readonly Eip[])[] = [
  [small],
  [small, second, dual],
  [small, second, dual, bound],
  [eip('small', { address: '10.0.0.0/30', disable: true }, asDefault), second, dual],
  [eip('small', { address: '10.0.0.0/29' }, asDefault), second],
]

const someAddress = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.1.0', '10.0.2.1', '192.0.2.1', 'fd00::1', 'nonsense')
const somePool = fc.constantFrom('small', 'second', 'dual', 'bound', 'nowhere')
const somePorts = fc.constantFrom([{ port: 80 }], [{ port: 443 }], [{ port: 80 }, { port: 443 }])
const selector = { app: 'x' }
const someSpec: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  { weight: 4, arbitrary: somePorts.map((ports) => ({ ports, selector })) },
  { weight: 1, arbitrary: somePorts.map((ports) => ({ ports, selector, externalTrafficPolicy: 'Local' })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(somePorts, fc.constantFrom('PreferDualStack', 'RequireDualStack'))
      .map(([ports, ipFamilyPolicy]) => ({ ports, selector, ipFamilyPolicy })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(somePorts, someAddress).map(([ports, loadBalancerIP]) => ({ ports, selector, loadBalancerIP })),
  },
)
const sharingKey = fc.constant({ [sharingKeyAnnotation]: 'together' })
const someAnnotations = fc
  .oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    { weight: 2, arbitrary: somePool.map((name) => ({ [pool]: name })) },
    { weight: 2, arbitrary: someAddress.map((text) => ({ [address]: text })) },
    { weight: 1, arbitrary: fc.tuple(someAddress, sharingKey).map(([text, key]) => ({ [address]: text, ...key })) },
    {
      weight: 1,
      arbitrary: fc.tuple(someAddress, somePool).map(([text, name]) => ({ [address]: text, [pool]: name })),
    },
  )
  .map((annotations): Record<string, string> => ({ ...optIn, ...annotations }))

type Change = (stored: StoredService) => void
const someChange: fc.Arbitrary<readonly [string, Change]> = fc.oneof(
  fc.tuple(fc.constantFrom(address, pool), fc.oneof(someAddress, somePool)).map(([key, value]) => annotate(key, value)),
  fc.constantFrom(address, pool, optInAnnotation).map((key) => annotate(key, undefined)),
  fc.constant(annotate(optInAnnotation, 'openelb')),
  someAddress.map((text) => setSpec('loadBalancerIP', text)),
  fc.constantFrom(80, 443).map((port) => setSpec('ports', [{ port }])),
  fc.constantFrom('Local', 'Cluster').map((policy) => setSpec('externalTrafficPolicy', policy)),
  fc.constantFrom('ClusterIP', 'LoadBalancer').map((type) => setSpec('type', type)),
  fc.constant<readonly [string, Change]>(['status cleared', (stored) => void (stored.status.loadBalancer = {})]),
)

function annotate(key: string, value: string | undefined): readonly [string, Change] {
  const change: Change = ({ metadata }) => {
    const { [key]: _, ...rest } = metadata.annotations ?? {}
    metadata.annotations = value === undefined ? rest : { ...rest, [key]: value }
  }
  return [`${key}: ${value ?? 'removed'}`, change]
}

function setSpec(field: string, value: unknown): readonly [string, Change] {
  return [`${field}: ${JSON.stringify(value)}`, ({ spec }) => void (spec[field] = value)]
}

type Act = (cluster: Cluster) => void
const someKey = fc.constantFrom(...keys)
const someAct: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(someKey, someAnnotations, someSpec, fc.boolean()).map(([key, annotations, spec, webhook]) => {
      const text = `create ${key} ${JSON.stringify(annotations)} ${JSON.stringify(spec)} webhook=${webhook}`
      return named(text, (cluster) => void cluster.create(key, annotations, spec, webhook))
    }),
  },
  fc
    .tuple(someKey, someChange, fc.boolean())
    .map(([key, [text, change], webhook]) =>
      named(`edit ${key} ${text} webhook=${webhook}`, (cluster) => void cluster.edit(key, change, webhook)),
    ),
  {
    weight: 1,
    arbitrary: someKey.map((key) => named(`delete ${key}`, (cluster) => void cluster.services.delete(key))),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(someKey, someKey, fc.boolean()).map(([from, to, webhook]) =>
      named(`copy ${from} to ${to} webhook=${webhook}`, (cluster) => {
        const stored = cluster.services.get(from)
        if (stored !== undefined) cluster.create(to, stored.metadata.annotations ?? {}, stored.spec, webhook)
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: someKey.map((key) =>
      named(`a record of ${key} lost`, ({ taken }) => {
        const [lost] = taken.ofService(key)
        if (lost !== undefined) taken.remove(lost.name)
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...setsOfPools.keys())
      .map((at) => named(`pools ${at}`, (cluster) => cluster.changePools(setsOfPools[at] ?? []))),
  },
  {
    weight: 3,
    arbitrary: fc.constant(
      named('settle', (cluster) => assert.equal(cluster.settle(), undefined, 'the plans never came to rest')),
    ),
  },
)

// fast-check prints a counterexample by it.
function named(text: string, act: Act): Act {
  return Object.assign(act.bind(undefined), { toString: () => text })
}

test('whatever happens, once quiet every Service and every record agree', () => {
  fc.assert(
    fc.property(fc.array(someAct, { minLength: 1, maxLength: 25, size: 'max' }), (life) => {
      const cluster = new Cluster(setsOfPools[1] ?? [])
      for (const act of life) act(cluster)
      assert.equal(cluster.settle(), undefined, 'the plans never came to rest')
      for (const key of cluster.keys()) checkService(cluster, key)
      checkRecords(cluster)
    }),
    { numRuns: 1500 },
  )
})

// Each address in a status has a record that names the Service; who has none cannot have one now.
function checkService(cluster: Cluster, key: string): void {
  const service = cluster.service(key)
  assert.ok(service)
  const own = cluster.taken.ofService(key)
  if (!isOurs(service, cluster.pools, own.length > 0)) {
    assert.deepEqual(own, [], `${key} is not ours and holds nothing`)
    return
  }
  for (const ip of service.ingress) {
    const found = own.some((record) => formatIp(record.address) === formatIp(ip))
    assert.ok(found, `${key} has ${formatIp(ip)} in its status, and a record of it`)
  }
  assert.equal(own.length, service.ingress.length, `${key} holds no more than its status says`)
  if (own.length > 0) return
  const claimed = cluster.taken.ofClaim(service.annotations[claimAnnotation] ?? '')
  const read = readRequest(service, [], cluster.pools.primaryFamily, claimed)
  if (!read.ok) return
  const { pools, taken, findService } = cluster
  const choice = chooseAddresses({ service, request: read.request, pools, taken, findService, start: 0 })
  assert.ok(choice.kind === 'wait' || choice.kind === 'refuse', `${key} waits although it could have an address`)
}

// No record without an owner that is there, and no two owners who may not share.
function checkRecords(cluster: Cluster): void {
  for (const { name: eipName } of cluster.pools.eips.values()) {
    for (const record of cluster.taken.ofEip(eipName)) {
      assert.ok(record.holders.length > 0, `${record.name} has a holder`)
      for (const [at, { namespace, name }] of record.holders.entries()) {
        const service = cluster.service(`${namespace}/${name}`)
        assert.ok(service, `${record.name} is held by ${namespace}/${name}, which exists`)
        const earlier = { ...record, holders: record.holders.slice(0, at) }
        const refused = sharingRefused(service, earlier, cluster.findService)
        assert.equal(refused, undefined, `${namespace}/${name} may share ${record.name}`)
      }
    }
  }
}

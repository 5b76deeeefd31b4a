// An Eip edited, made or deleted, and a Service made, before anything is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterView } from '../../../src/core/explain/index.ts'
import { type KubeObjectLike, readEip, readService } from '../../../src/core/model/index.ts'
import { type PoolSimulation, simulatePool, simulateService } from '../../../src/core/simulate/index.ts'
import { eipObject, labObjects, poolKey, serviceObjects, viewOf } from './lab.ts'

const first = serviceObjects('first', '172.22.0.1')
const last = serviceObjects('last', '172.22.0.200')
const waiting = serviceObjects('waiting', undefined, { annotations: { [poolKey]: 'later' } })
const waitingToo = serviceObjects('waiting-too', undefined, { annotations: { [poolKey]: 'later' } })
const lab = viewOf(labObjects([first, last, waiting, waitingToo]))

function edit(after: KubeObjectLike | undefined, name = 'pool', view: ClusterView = lab): PoolSimulation {
  const { pools, services, cluster } = view
  const eip = after === undefined ? undefined : readEip(after)
  return simulatePool({ pools, allocations: cluster.records, services, after: eip, name })
}

void test('a pool that shrinks below an address in use: refused, counted, and who would be stranded', () => {
  const { operation, judgement, before, after, stranded, services } = edit(eipObject('pool', '172.22.0.0/25'))
  assert.equal(operation, 'UPDATE')
  assert.equal(judgement.kind === 'refuse' ? judgement.reason.code : judgement.kind, 'AddressInUse')
  assert.deepEqual([before?.total, before?.used, before?.free], [256n, 2, 254n])
  assert.deepEqual([after?.total, after?.used], [128n, 2])
  assert.deepEqual(stranded, [{ address: '172.22.0.200', services: ['default/last'] }])
  assert.deepEqual(
    services.map(({ service, what }) => [service, /^PoolGone: .* no longer covers 172\.22\.0\.200/.test(what)]),
    [['default/last', true]],
  )
})

void test('a pool that grows: allowed, and nobody is touched', () => {
  const { judgement, after, stranded, services } = edit(eipObject('pool', '172.22.0.0/23'))
  assert.deepEqual([judgement, after?.total, stranded, services], [{ kind: 'allow', warnings: [] }, 512n, [], []])
})

void test('a new pool that two Services wait for: one address is for one of them, the other goes on waiting', () => {
  const { operation, judgement, before, after, services } = edit(eipObject('later', '172.23.0.9'), 'later')
  assert.deepEqual([operation, judgement.kind, before, after?.free], ['CREATE', 'allow', undefined, 1n])
  assert.deepEqual(
    services.map(({ service, what }) => [service, what.replace(/:.*/, '')]),
    [
      ['default/waiting', 'gets 172.23.0.9 of Eip later'],
      ['default/waiting-too', 'PoolFull'],
    ],
  )
})

void test('a new pool over another: refused by the sentence of the webhook', () => {
  const { judgement } = edit(eipObject('other', '172.22.0.128/25'), 'other')
  assert.match(judgement.kind === 'refuse' ? judgement.reason.message : '', /^eip address overlap with pool/)
})

void test('a deletion: refused while in use; forced, its Services lose their addresses', () => {
  const { operation, judgement } = edit(undefined)
  assert.deepEqual([operation, judgement.kind], ['DELETE', 'refuse'])
  const forced = viewOf(
    labObjects([first], { eips: [eipObject('pool', '172.22.0.0/24', {}, { 'bellhop.dev/force-delete': 'true' })] }),
  )
  const { judgement: allowed, services } = edit(undefined, 'pool', forced)
  assert.equal(allowed.kind, 'allow')
  assert.deepEqual(
    services.map(({ service, what }) => [service, /loses 172\.22\.0\.1; PoolForceDeleted/.test(what)]),
    [['default/first', true]],
  )
})

void test('a Service: its address and pool, or the sentence that kubectl would print', () => {
  const simulate = (annotations: Readonly<Record<string, string>>, type = 'LoadBalancer') =>
    simulateService(
      readService({
        metadata: { namespace: 'default', name: 'new', annotations },
        spec: { type, ports: [{ port: 80 }], ipFamilies: ['IPv4'] },
      }),
      lab.pools,
      lab.taken,
    )
  const optIn = { 'lb.kubesphere.io/v1alpha1': 'openelb' }
  const addressKey = 'eip.openelb.kubesphere.io/v1alpha1'
  assert.deepEqual(simulate({ ...optIn, [poolKey]: 'pool' }), {
    ...{ kind: 'assign', certain: false, warnings: [] },
    addresses: [{ address: '172.22.0.0', eip: 'pool' }],
  })
  const asked = simulate({ ...optIn, [addressKey]: '172.22.0.77' })
  assert.deepEqual(asked.kind === 'assign' ? [asked.addresses, asked.certain] : asked, [
    [{ address: '172.22.0.77', eip: 'pool' }],
    true,
  ])
  assert.equal(simulate(optIn).kind, 'wait')
  assert.equal(simulate({ ...optIn, [addressKey]: '192.168.0.3' }).kind, 'refuse')
  assert.equal(simulate({}).kind, 'ignore')
  assert.equal(simulate(optIn, 'ClusterIP').kind, 'ignore')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Allocation, readAllocation, readEip } from '../../../../src/core/model/index.ts'
import type { KubeObject } from '../../../../src/io/kube/interface.ts'
import { eipAllocations } from '../../../../src/io/kube/resources.ts'
import { isWithinQuota } from '../../../../src/io/pools/quota.ts'
import { type FakeCluster, openFakeCluster } from '../../webhook/fake-cluster.ts'

function recordObject(address: string, namespace: string, holderNamespace = namespace): KubeObject {
  return {
    apiVersion: 'network.kubesphere.io/v1alpha2',
    kind: 'EipAllocation',
    metadata: { name: address, labels: { 'bellhop.dev/eip': 'pool', 'bellhop.dev/namespace': namespace } },
    spec: { address, eip: 'pool', services: [{ namespace: holderNamespace, name: address, claim: address }] },
  }
}

function eipOf(maxPerNamespace: number | undefined): ReturnType<typeof readEip> {
  return readEip({ metadata: { name: 'pool' }, spec: { address: '192.0.2.0/24', maxPerNamespace } })
}

async function createRecord(cluster: FakeCluster, address: string, namespace = 'shop'): Promise<Allocation> {
  const answer = await cluster.client.create(eipAllocations, recordObject(address, namespace))
  assert.ok(answer.ok)
  const record = readAllocation(answer.value)
  assert.ok(record)
  return record
}

function viewOf(known: readonly Allocation[] = []): {
  readonly learnt: string[]
  readonly view: Parameters<typeof isWithinQuota>[1]
} {
  const learnt: string[] = []
  const taken = { ofEip: () => known } as unknown as Parameters<typeof isWithinQuota>[1]['taken']
  return { learnt, view: { learn: ({ name }) => void learnt.push(name), taken } }
}

void test('of ten that race for three, the first three in the store are within, whatever the order they look in', async () => {
  const cluster = openFakeCluster()
  const records = await Promise.all(Array.from({ length: 10 }, (_, index) => createRecord(cluster, `192.0.2.${index}`)))
  const eip = eipOf(3)
  const verdicts = await Promise.all(
    records.toReversed().map(async (record) => {
      const { view } = viewOf()
      const answer = await isWithinQuota(cluster.client, view, { eip, namespace: 'shop', record, timeoutMs: 1_000 })
      assert.ok(answer.ok)
      return [Number(record.resourceVersion), answer.value] as const
    }),
  )
  const within = verdicts.filter(([, value]) => value).map(([revision]) => revision)
  const order = verdicts.map(([revision]) => revision).toSorted((a, b) => a - b)
  assert.deepEqual(
    within.toSorted((a, b) => a - b),
    order.slice(0, 3),
  )
})

void test('other namespaces and later changes of earlier records do not count wrongly', async () => {
  const cluster = openFakeCluster()
  await createRecord(cluster, '192.0.2.1', 'other')
  const record = await createRecord(cluster, '192.0.2.2')
  const later = await createRecord(cluster, '192.0.2.3')
  const ref = { resource: eipAllocations, name: later.name }
  await cluster.client.patch(ref, { type: 'merge', body: { spec: { protocol: 'bgp' } } })
  const { view } = viewOf()
  const options = { eip: eipOf(1), namespace: 'shop', timeoutMs: 1_000 }
  assert.deepEqual(await isWithinQuota(cluster.client, view, { ...options, record }), { ok: true, value: true })
  const { view: second, learnt } = viewOf()
  assert.deepEqual(await isWithinQuota(cluster.client, second, { ...options, record: later }), {
    ok: true,
    value: false,
  })
  assert.deepEqual(learnt, ['192.0.2.2'])
})

void test('an address shared with a Service of another namespace counts too', async () => {
  const cluster = openFakeCluster()
  const shared = readAllocation(recordObject('192.0.2.1', 'other', 'shop'))
  assert.ok(shared)
  const record = await createRecord(cluster, '192.0.2.2')
  const { view } = viewOf([shared])
  const options = { eip: eipOf(1), namespace: 'shop', record, timeoutMs: 1_000 }
  assert.deepEqual(await isWithinQuota(cluster.client, view, options), { ok: true, value: false })
})

void test('no quota, no read', async () => {
  const cluster = openFakeCluster()
  const record = await createRecord(cluster, '192.0.2.2')
  const { view } = viewOf()
  const options = { eip: eipOf(undefined), namespace: 'shop', record, timeoutMs: 1_000 }
  assert.deepEqual(await isWithinQuota(cluster.client, view, options), { ok: true, value: true })
  assert.equal(cluster.calls.length, 1)
})

void test('a Service that moves within the Eip is not stopped by the address that it gives back; its neighbours are', async () => {
  const cluster = openFakeCluster()
  const createFor = async (address: string, name: string): Promise<Allocation> => {
    const object = recordObject(address, 'shop')
    const spec = { ...(object['spec'] as object), services: [{ namespace: 'shop', name, claim: `of-${name}` }] }
    const answer = await cluster.client.create(eipAllocations, { ...object, spec })
    const record = answer.ok ? readAllocation(answer.value) : undefined
    assert.ok(record)
    return record
  }
  await createFor('192.0.2.1', 'mover')
  const moved = await createFor('192.0.2.2', 'mover')
  const late = await createFor('192.0.2.3', 'late')
  const options = { eip: eipOf(1), namespace: 'shop', timeoutMs: 1_000 }
  const within = (record: Allocation): unknown => isWithinQuota(cluster.client, viewOf().view, { ...options, record })
  assert.deepEqual(await within(moved), { ok: true, value: true })
  assert.deepEqual(await within(late), { ok: true, value: false })
})

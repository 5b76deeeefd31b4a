// A "no" that rests on what a watch has not told yet.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eipAllocations, eips, namespaces } from '../../../src/io/kube/resources.ts'
import { failure, openFakeCluster } from './fake-cluster.ts'
import { addressOf, eipObject, openReplica, serviceObject } from './replica.ts'

const pool = 'eip.openelb.kubesphere.io/v1alpha2'

void test('an Eip becomes the default, or takes addresses, right after another has given them up', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster)
  const second = eipObject('second', '198.51.100.0/29', {}, true)
  const over = eipObject('over', '192.0.2.4')
  const refused = await replica.review('/validate-eip', 'CREATE', second)
  assert.match(refused.status?.message ?? '', /^already exists a default EIP: pool/)
  assert.match((await replica.review('/validate-eip', 'CREATE', over)).status?.message ?? '', /overlap with pool/)
  await cluster.client.delete({ resource: eips, name: 'pool' })
  assert.equal((await replica.review('/validate-eip', 'CREATE', second)).allowed, true)
  assert.equal((await replica.review('/validate-eip', 'CREATE', over)).allowed, true)
})

void test('an Eip whose last address was given back a moment ago may go, and may shrink', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster)
  const address = addressOf(await replica.create(serviceObject('web'))) ?? ''
  const oldObject = eipObject('pool', '192.0.2.0/29')
  const shrunk = eipObject('pool', '192.0.2.7')
  const remove = () => replica.review('/validate-eip', 'DELETE', undefined, { oldObject })
  const shrink = () => replica.review('/validate-eip', 'UPDATE', shrunk, { oldObject })
  assert.match((await remove()).status?.message ?? '', /1 address in use/)
  assert.match((await shrink()).status?.message ?? '', /no longer cover 192\.0\.2\.\d, in use/)
  await cluster.client.delete({ resource: eipAllocations, name: address })
  assert.equal((await shrink()).allowed, true)
  replica.see()
  assert.equal((await remove()).allowed, true)
})

void test('a Service gets an address of the Eip that was created just before it', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster, { eips: [] })
  const waits = await replica.create(serviceObject('early', { [pool]: 'pool' }))
  assert.match(waits.warnings.join(), /Eip pool, which does not exist/)
  openReplica(cluster)
  const served = await replica.create(serviceObject('web', { [pool]: 'pool' }))
  assert.deepEqual(served.warnings, [])
  assert.equal(addressOf(served), '192.0.2.0')
})

void test('a namespace that was labelled just before may use the pool bound to the label', async () => {
  const cluster = openFakeCluster()
  const bound = eipObject('bound', '198.51.100.0/29', { namespaceSelector: { team: 'a' } })
  const replica = openReplica(cluster, { eips: [bound] })
  const service = serviceObject('web', { [pool]: 'bound' })
  assert.equal((await replica.create(service)).status?.code, 403)
  cluster.put(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { team: 'a' } } })
  const waiting = serviceObject('web', { 'eip.openelb.kubesphere.io/v1alpha1': '203.0.113.9' })
  const edited = await replica.review('/validate-service', 'UPDATE', service, { oldObject: waiting })
  assert.equal(edited.allowed, true)
  assert.equal(addressOf(await replica.create(service)), '198.51.100.0')
})

void test('an API server that does not say: refused by what is known', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster)
  await cluster.client.delete({ resource: eips, name: 'pool' })
  cluster.before = ({ verb }) => (verb === 'list' ? { kind: 'refuse', ...failure('Timeout') } : undefined)
  const refused = await replica.review('/validate-eip', 'CREATE', eipObject('over', '192.0.2.4'))
  assert.match(refused.status?.message ?? '', /overlap with pool/)
})

void test('what contradicts itself is refused without a question to the API server', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster)
  const refused = await replica.create(serviceObject('web', { 'eip.openelb.kubesphere.io/v1alpha1': 'x' }))
  assert.equal(refused.status?.code, 422)
  assert.equal((await replica.review('/validate-eip', 'CREATE', eipObject('bad', 'x'))).allowed, false)
  assert.deepEqual(cluster.calls, [])
})

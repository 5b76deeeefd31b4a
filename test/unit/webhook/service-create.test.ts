import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eipAllocations } from '../../../src/io/kube/resources.ts'
import { openFakeCluster } from './fake-cluster.ts'
import { addressOf, eipObject, openReplica, serviceObject } from './replica.ts'

const askAddress = 'eip.openelb.kubesphere.io/v1alpha1'
const askPool = 'eip.openelb.kubesphere.io/v1alpha2'

void test('the answer carries pool, address, protocol, label and claim, and the record has the same claim', async () => {
  const cluster = openFakeCluster()
  const answer = await openReplica(cluster).create(serviceObject('web'))
  const { annotations = {}, labels } = answer.object.metadata
  assert.equal(answer.allowed, true)
  assert.equal(annotations[askPool], 'pool')
  assert.equal(annotations['protocol.openelb.kubesphere.io/v1alpha1'], 'bgp')
  assert.equal(labels?.[askPool], 'pool')
  const [record] = cluster.objects(eipAllocations)
  assert.equal(record?.metadata.name, addressOf(answer))
  const spec = record?.['spec'] as { services: { claim: string; namespace: string; name: string }[] } | undefined
  assert.deepEqual(
    spec?.services.map(({ claim, namespace, name }) => [claim, namespace, name]),
    [[annotations['bellhop.dev/claim'], 'shop', 'web']],
  )
  assert.equal(cluster.calls.length, 1)
})

void test('two replicas, last free address, two creates at once: one gets it, one waits with a warning (part of ADM-09)', async () => {
  const cluster = openFakeCluster()
  const eips = [eipObject('pool', '192.0.2.1')]
  const replicas = [openReplica(cluster, { eips }), openReplica(cluster, { eips })] as const
  const answers = await Promise.all([replicas[0].create(serviceObject('a')), replicas[1].create(serviceObject('b'))])
  assert.ok(answers.every(({ allowed }) => allowed))
  assert.deepEqual(
    answers.map(addressOf).filter((address) => address !== undefined),
    ['192.0.2.1'],
  )
  const waiting = answers.find((answer) => addressOf(answer) === undefined)
  assert.equal(waiting?.warnings.length, 1)
  assert.match(waiting?.warnings[0] ?? '', /Eip pool has no free IPv4 address/)
  assert.equal(cluster.objects(eipAllocations).length, 1)
})

void test('with --unavailable=refuse the loser of that race is refused, in the same sentence', async () => {
  const cluster = openFakeCluster()
  const options = { eips: [eipObject('pool', '192.0.2.1')], unavailable: 'refuse' } as const
  const answers = await Promise.all(['a', 'b'].map((name) => openReplica(cluster, options).create(serviceObject(name))))
  const refused = answers.find(({ allowed }) => !allowed)
  assert.equal(refused?.status?.code, 403)
  assert.match(refused?.status?.message ?? '', /Eip pool has no free IPv4 address/)
})

void test('a dry run answers with an address and leaves nothing behind (part of ADM-02)', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster)
  const answer = await replica.create(serviceObject('web'), { dryRun: true })
  assert.ok(addressOf(answer))
  assert.equal(cluster.objects(eipAllocations).length, 0)
  assert.equal(replica.taken.size, 0)
})

void test('called again for one request, also at a replica that has not seen the claim yet: one claim (part of ADM-04)', async () => {
  const cluster = openFakeCluster()
  const first = await openReplica(cluster).create(serviceObject('web'))
  const again = await openReplica(cluster, { start: 0.9 }).create(first.object)
  assert.equal(addressOf(again), addressOf(first))
  assert.equal(
    again.object.metadata.annotations?.['bellhop.dev/claim'],
    first.object.metadata.annotations?.['bellhop.dev/claim'],
  )
  assert.deepEqual(again.warnings, [])
  assert.equal(cluster.objects(eipAllocations).length, 1)
})

void test('the same with a name that is still to be generated (part of ADM-03)', async () => {
  const cluster = openFakeCluster()
  const { metadata, ...rest } = serviceObject('x')
  const { name: _, ...unnamed } = metadata
  const first = await openReplica(cluster).create({ ...rest, metadata: { ...unnamed, generateName: 'web-' } })
  const again = await openReplica(cluster, { start: 0.9 }).create(first.object)
  assert.ok(addressOf(first))
  assert.equal(addressOf(again), addressOf(first))
  const other = await openReplica(cluster).create({ ...rest, metadata: { ...unnamed, generateName: 'web-' } })
  assert.notEqual(addressOf(other), addressOf(first))
})

void test('a create that failed after us and is tried again uses the record it left', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster)
  const first = await replica.create(serviceObject('web'))
  const second = await replica.create(serviceObject('web'))
  assert.equal(addressOf(second), addressOf(first))
  assert.equal(cluster.objects(eipAllocations).length, 1)
  const other = await replica.create(serviceObject('web', { [askAddress]: '192.0.2.6' }))
  assert.equal(addressOf(other), '192.0.2.6')
})

void test('the record it left is gone, or is another by now, and its watch has not told: claimed anew', async () => {
  const cluster = openFakeCluster()
  const options = {
    eips: [{ ...eipObject('pool', '192.0.2.0/29'), spec: { address: '192.0.2.0/29', maxPerNamespace: 1 } }],
  }
  const replica = openReplica(cluster, options)
  const first = addressOf(await replica.create(serviceObject('web'))) ?? ''
  await cluster.client.delete({ resource: eipAllocations, name: first })
  const anew = await replica.create(serviceObject('web'))
  assert.deepEqual(
    cluster.objects(eipAllocations).map(({ metadata }) => metadata.name),
    [addressOf(anew)],
  )
  await cluster.client.delete({ resource: eipAllocations, name: addressOf(anew) ?? '' })
  await openReplica(cluster, options).create(serviceObject('faster'))
  const refused = await replica.create(serviceObject('web'))
  assert.equal(refused.allowed, false)
  assert.match(refused.status?.message ?? '', /already has 1 address of Eip pool/)
})

void test('nobody is refused by a quota for a record that is gone, of which the watch has not told', async () => {
  const cluster = openFakeCluster()
  const spec = { address: '192.0.2.0/29', maxPerNamespace: 1 }
  const replica = openReplica(cluster, { eips: [{ ...eipObject('pool', spec.address), spec }] })
  const first = addressOf(await replica.create(serviceObject('first'))) ?? ''
  const refused = await replica.create(serviceObject('second'))
  assert.match(refused.status?.message ?? '', /already has 1 address of Eip pool/)
  await cluster.client.delete({ resource: eipAllocations, name: first })
  const second = await replica.create(serviceObject('second'))
  assert.ok(addressOf(second), second.status?.message)
})

void test('a Service copied with its address and claim gets its own address (part of ADM-10)', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster)
  const first = await replica.create(serviceObject('web'))
  const { labels, annotations } = first.object.metadata
  const copy = await replica.create({
    ...first.object,
    metadata: { name: 'copy', labels: labels ?? {}, annotations: annotations ?? {} },
  })
  assert.ok(addressOf(copy))
  assert.notEqual(addressOf(copy), addressOf(first))
  assert.notEqual(copy.object.metadata.annotations?.['bellhop.dev/claim'], annotations?.['bellhop.dev/claim'])
})

void test('an address asked for that another has, unseen by this replica: the warning says who', async () => {
  const cluster = openFakeCluster()
  await openReplica(cluster).create(serviceObject('holder', { [askAddress]: '192.0.2.3' }))
  const answer = await openReplica(cluster).create(serviceObject('web', { [askAddress]: '192.0.2.3' }))
  assert.equal(answer.allowed, true)
  assert.equal(answer.object.metadata.labels, undefined)
  assert.match(answer.warnings.join('\n'), /shop\/holder/)
})

void test('maxPerNamespace under races of two replicas: reached, and not passed', async () => {
  const cluster = openFakeCluster()
  const eips = [eipObject('pool', '192.0.2.0/24', { maxPerNamespace: 3 })]
  const replicas = [openReplica(cluster, { eips }), openReplica(cluster, { eips, start: 0.5 })] as const
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      (index % 2 === 0 ? replicas[0] : replicas[1]).create(serviceObject(`s${index}`)),
    ),
  )
  assert.equal(answers.filter((answer) => addressOf(answer) !== undefined && answer.allowed).length, 3)
  const refused = answers.filter(({ allowed }) => !allowed)
  assert.equal(refused.length, 9)
  assert.ok(
    refused.every(({ status }) => status?.code === 403 && /already has 3 addresses of Eip pool/.test(status.message)),
  )
  assert.equal(cluster.objects(eipAllocations).length, 3)
})

void test('a slow API server: the Service is admitted within the budget, and told that it will get its address later', async () => {
  const cluster = openFakeCluster()
  cluster.before = () => ({ kind: 'refuse', error: { code: 'Timeout', message: 'no answer' } })
  const startMs = performance.now()
  const answer = await openReplica(cluster).create(serviceObject('web'))
  assert.ok(performance.now() - startMs < 2_900, 'within the timeout of the API server')
  assert.equal(answer.allowed, true)
  assert.match(answer.warnings.join('\n'), /no address yet.*Timeout.*controller/)
})

void test('an API server that never answers: the same', async () => {
  const cluster = openFakeCluster()
  cluster.before = () => new Promise(() => {})
  const startMs = performance.now()
  const answer = await openReplica(cluster).create(serviceObject('web'))
  assert.ok(performance.now() - startMs < 2_900)
  assert.deepEqual([answer.allowed, answer.warnings.length], [true, 1])
})

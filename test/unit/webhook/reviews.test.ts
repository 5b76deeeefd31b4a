import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { reviewHandlers } from '../../../webhook/reviews.ts'
import { openFakeCluster } from './fake-cluster.ts'
import { eipObject, openReplica, serviceObject } from './replica.ts'

const claim = 'bellhop.dev/claim'
const pool = 'eip.openelb.kubesphere.io/v1alpha2'

void test('what is not ours is let through unchanged', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster)
  for (const service of [
    serviceObject('a', {}, { type: 'ClusterIP' }),
    serviceObject('b', {}, { loadBalancerClass: 'example.org/other' }),
    serviceObject('c', { 'lb.kubesphere.io/v1alpha1': 'none' }),
  ]) {
    const answer = await replica.create(service)
    assert.equal(answer.allowed, true)
    assert.deepEqual(answer.object, service)
  }
  assert.equal(cluster.calls.length, 0)
})

void test('what contradicts itself is refused with 422, what policy forbids with 403; nothing is claimed', async () => {
  const cluster = openFakeCluster()
  const replica = openReplica(cluster, {
    eips: [eipObject('pool', '192.0.2.0/29'), eipObject('bound', '198.51.100.0/29', { namespaces: ['other'] })],
  })
  const malformed = await replica.create(serviceObject('a', { 'eip.openelb.kubesphere.io/v1alpha1': '1.2.3' }))
  assert.deepEqual([malformed.allowed, malformed.status?.code], [false, 422])
  assert.match(malformed.status?.message ?? '', /shop\/a asks for "1\.2\.3"/)
  const forbidden = await replica.create(serviceObject('b', { [pool]: 'bound' }))
  assert.deepEqual([forbidden.allowed, forbidden.status?.code], [false, 403])
  assert.deepEqual(
    replica.decisions.map(({ decision, reason }) => [decision, reason]),
    [
      ['refused', 'MalformedAddress'],
      ['refused', 'NamespaceNotAllowed'],
    ],
  )
  assert.deepEqual(
    cluster.calls.filter(({ verb }) => verb !== 'list'),
    [],
  )
})

void test('an update that drops label and claim gets both back (part of ADM-14)', async () => {
  const replica = openReplica(openFakeCluster())
  const { object: before } = await replica.create(serviceObject('web'))
  const after = serviceObject('web')
  const answer = await replica.review('/mutate-service', 'UPDATE', after, { oldObject: before })
  assert.equal(answer.object.metadata.annotations?.[claim], before.metadata.annotations?.[claim])
  assert.equal(answer.object.metadata.labels?.[pool], 'pool')
})

void test('updates of Services, Eips, BgpPeers and BgpConfs reach their judgements', async () => {
  const replica = openReplica(openFakeCluster())
  const { object } = await replica.create(serviceObject('web'))
  const bad = serviceObject('web', { 'eip.openelb.kubesphere.io/v1alpha1': 'x' })
  const update = await replica.review('/validate-service', 'UPDATE', bad, { oldObject: object })
  assert.equal(update.status?.code, 422)
  const overlap = await replica.review('/validate-eip', 'CREATE', eipObject('other', '192.0.2.4'))
  assert.match(overlap.status?.message ?? '', /^eip address overlap with pool/)
  const deletion = await replica.review('/validate-eip', 'DELETE', undefined, {
    oldObject: eipObject('pool', '192.0.2.0/29'),
  })
  assert.match(deletion.status?.message ?? '', /1 address in use/)
  const peer = await replica.review('/validate-bgppeer', 'CREATE', { metadata: { name: 'p' }, spec: {} })
  assert.equal(peer.allowed, false)
  const conf = await replica.review('/validate-bgpconf', 'CREATE', { metadata: { name: 'x' }, spec: { as: 1 } })
  assert.match(conf.warnings.join(), /only the BgpConf named default counts/)
})

void test('before everything is listed, reviews are let through: the controller judges later', async () => {
  const cluster = openFakeCluster()
  const answer = await openReplica(cluster, { isSynced: false }).create(serviceObject('web'))
  assert.equal(answer.allowed, true)
  assert.equal(cluster.calls.length, 0)
})

void test('what is no AdmissionReview v1 is a 400 with one sentence', async () => {
  const ignore = { add: () => {}, observe: () => {}, remove: () => {}, replaceAll: () => {} }
  const unused = undefined as never
  const handlers = reviewHandlers({
    ...{ client: unused, allocations: unused, pools: unused, random: unused, newNonce: unused, unavailable: 'wait' },
    ...{ clock: systemClock, log: silentLog, attempts: ignore, isSynced: () => true },
    metrics: { admissionDecisions: ignore, admissionDuration: ignore },
  })
  const good = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }
  const request = { uid: 'u', operation: 'CREATE', object: {} }
  for (const body of [
    undefined,
    [],
    { ...good, apiVersion: 'admission.k8s.io/v1beta1', request },
    good,
    { ...good, request: { ...request, uid: 7 } },
    { ...good, request: { ...request, operation: 'CONNECT' } },
    { ...good, request: { ...request, object: 'text' } },
  ]) {
    const answer = await handlers.get('/mutate-service')?.(body, performance.now())
    assert.equal(answer?.status, 400)
    assert.match(answer.message, /^the body is no AdmissionReview[^\n]+$/)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eipAllocations, eips, nodes, services } from '../../../src/io/kube/index.ts'
import { addressKey, claimKey, defaultPool, openStage, optIn, poolKey, type Stage } from './stage.ts'

const assigned = 'bellhop.dev/EipAssigned'

function scenario(name: string, run: (stage: Stage) => Promise<void>): void {
  void test(name, async () => {
    const stage = await openStage()
    try {
      stage.namespace('a')
      stage.namespace('b')
      stage.eip('pool', { address: '192.0.2.0/29' })
      await run(stage)
    } finally {
      await stage.close()
    }
  })
}

function serviceWrites(stage: Stage, key: string): readonly string[] {
  const [namespace = '', name = ''] = key.split('/')
  const path = `/api/v1/namespaces/${namespace}/services/${name}`
  return stage
    .writes()
    .filter((seen) => seen.path === path || seen.path.startsWith(`${path}/`))
    .map((seen) => `${seen.method} ${seen.path.slice(path.length)}`)
}

scenario('a Service with a claim of the webhook gets its status in one write', async (stage) => {
  await stage.start()
  stage.claimedService('a/web', '192.0.2.1', 'pool')
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  await stage.rest()
  const { status } = stage.get(services, 'a/web')!
  assert.deepEqual((status as { loadBalancer: unknown }).loadBalancer, {
    ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }],
  })
  assert.equal(stage.condition(services, 'a/web', assigned)?.status, 'True')
  assert.equal(stage.condition(services, 'a/web', assigned)?.reason, 'Assigned')
  assert.equal(serviceWrites(stage, 'a/web')[0], 'PATCH /status')
  const [event, ...more] = stage.events('AssignIP')
  assert.equal((event as { note?: string } | undefined)?.note, 'success to assign ip: 192.0.2.1')
  assert.equal(more.length, 0)
})

scenario('without a webhook the controller assigns at once (part of ADM-08, IPAM-01)', async (stage) => {
  await stage.start()
  const beganMs = stage.clock.nowMs()
  stage.service('a/web', { annotations: { ...optIn, [poolKey]: 'pool' } })
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  assert.ok(stage.clock.nowMs() - beganMs <= 5_000)
  const [address = ''] = stage.ingress('a/web')
  const spec = stage.get(eipAllocations, address)?.['spec'] as
    { services: { name: string; claim: string }[] } | undefined
  const holder = spec?.services[0]
  const service = stage.get(services, 'a/web')!
  assert.equal(holder?.name, 'web')
  assert.equal(holder?.claim, service.metadata.uid)
  assert.equal(service.metadata.labels?.[poolKey], 'pool')
  assert.equal(service.metadata.annotations?.[addressKey], address)
  assert.equal(service.metadata.annotations?.[claimKey], service.metadata.uid)
  await stage.until('Eip.status', () => (stage.get(eips, 'pool')?.['status'] as { usage?: number })?.usage === 1)
  const { used } = stage.get(eips, 'pool')!['status'] as { used: Record<string, string> }
  assert.deepEqual(used, { [address]: 'a/web' })
})

scenario('a Service of others is left alone (part of ADM-07, IPAM-02)', async (stage) => {
  stage.eip('default', { address: '198.51.100.0/29' }, defaultPool)
  await stage.start()
  stage.service('a/plain', { annotations: {} })
  stage.service('a/cloud', { annotations: optIn, spec: { loadBalancerClass: 'example.com/cloud' } })
  stage.service('a/internal', { annotations: optIn, spec: { type: 'ClusterIP' } })
  await stage.rest()
  for (const name of ['a/plain', 'a/cloud', 'a/internal']) assert.deepEqual(serviceWrites(stage, name), [])
})

scenario('a deleted Service gives its address back when every living speaker has seen it', async (stage) => {
  stage.node('n1')
  stage.lease('n1')
  await stage.start()
  stage.claimedService('a/web', '192.0.2.1', 'pool')
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  stage.lease('n1')
  await stage.rest(1_000)
  stage.api.remove(services, 'a/web')
  await stage.rest(3_000)
  assert.ok(stage.get(eipAllocations, '192.0.2.1'), 'deleted before the speaker had seen it')
  stage.lease('n1', stage.clock.wallMs() - 60_000)
  await stage.rest(1_000)
  assert.ok(stage.get(eipAllocations, '192.0.2.1'), 'deleted though the speaker was behind')
  stage.lease('n1')
  await stage.until('the record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined)
  assert.equal(stage.events('ReleaseIP').length, 1)
  await stage.until('Eip.status', () => (stage.get(eips, 'pool')?.['status'] as { usage?: number })?.usage === 0)
})

scenario('a speaker that is silent is waited for 10 minutes, or until its Node is gone', async (stage) => {
  stage.node('n1')
  stage.node('n2')
  stage.lease('n1')
  stage.lease('n2')
  await stage.start()
  stage.claimedService('a/one', '192.0.2.1', 'pool')
  await stage.until('ingress', () => stage.ingress('a/one').length > 0)
  stage.api.remove(services, 'a/one')
  stage.api.remove(nodes, 'n2')
  for (let minute = 0; minute < 9; minute++) await stage.rest(60_000)
  assert.ok(stage.get(eipAllocations, '192.0.2.1'), 'deleted while a silent speaker may announce it')
  await stage.until('the record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined, {
    stepMs: 1_000,
    maxMs: 120_000,
  })
})

scenario('a Service that waits is assigned when a pool appears, without being polled', async (stage) => {
  await stage.start()
  stage.service('a/web', { annotations: { ...optIn, [poolKey]: 'later' } })
  await stage.until('a condition', () => stage.condition(services, 'a/web', assigned) !== undefined)
  assert.equal(stage.condition(services, 'a/web', assigned)?.reason, 'UnknownPool')
  await stage.rest()
  const before = stage.writes().length
  await stage.rest(60_000)
  assert.equal(stage.writes().length, before)
  assert.equal(stage.events('AssignIPFailed').length, 1)
  stage.eip('later', { address: '198.51.100.7' })
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  assert.deepEqual(stage.ingress('a/web'), ['198.51.100.7'])
})

scenario('a full pool: the next Service gets the address when the first is gone (part of IPAM-05)', async (stage) => {
  stage.eip('one', { address: '198.51.100.7' })
  await stage.start()
  stage.service('a/first', { annotations: { ...optIn, [poolKey]: 'one' } })
  await stage.until('ingress', () => stage.ingress('a/first').length > 0)
  stage.service('a/second', { annotations: { ...optIn, [poolKey]: 'one' } })
  await stage.until('it waits', () => stage.condition(services, 'a/second', assigned)?.reason === 'PoolFull')
  stage.api.remove(services, 'a/first')
  await stage.until('ingress', () => stage.ingress('a/second').length > 0)
  assert.deepEqual(stage.ingress('a/second'), ['198.51.100.7'])
})

scenario('a claim whose Service is never stored ends after 60 s (part of ADM-06)', async (stage) => {
  await stage.start()
  stage.record('192.0.2.1', 'pool', [{ namespace: 'a', name: 'never', claim: 'x' }])
  stage.record('192.0.2.2', 'pool', [{ namespace: 'a', generateName: 'web-', claim: 'y' }])
  await stage.rest(55_000)
  assert.ok(stage.get(eipAllocations, '192.0.2.1'))
  assert.ok(stage.get(eipAllocations, '192.0.2.2'))
  await stage.until(
    'both records are gone',
    () => stage.get(eipAllocations, '192.0.2.1') === undefined && stage.get(eipAllocations, '192.0.2.2') === undefined,
    { maxMs: 15_000, stepMs: 500 },
  )
})

scenario('a generated name is bound to its claim (part of ADM-03)', async (stage) => {
  await stage.start()
  stage.record('192.0.2.1', 'pool', [{ namespace: 'a', generateName: 'web-', claim: 'y' }])
  const annotations = { ...optIn, [poolKey]: 'pool', [addressKey]: '192.0.2.1', [claimKey]: 'y' }
  stage.service('a/web-x7', { annotations, labels: { [poolKey]: 'pool' }, metadata: { generateName: 'web-' } })
  await stage.until('ingress', () => stage.ingress('a/web-x7').length > 0)
  await stage.rest(120_000)
  const { services: holders } = stage.get(eipAllocations, '192.0.2.1')!['spec'] as { services: { name: string }[] }
  assert.deepEqual(
    holders.map(({ name }) => name),
    ['web-x7'],
  )
  assert.deepEqual(stage.ingress('a/web-x7'), ['192.0.2.1'])
})

scenario('the Service is seen before its claim: the claim is looked up, and no second one made', async (stage) => {
  await stage.start()
  // The watch of the records stands still.
  stage.api.inject((seen) => seen.isWatch && seen.path.endsWith('/eipallocations'), 'silence', 1_000)
  for (const watch of stage.api.watches) if (watch.seen.path.endsWith('/eipallocations')) watch.freeze()
  stage.claimedService('a/web', '192.0.2.5', 'pool')
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  assert.deepEqual(stage.ingress('a/web'), ['192.0.2.5'])
  assert.equal(
    stage.writes().filter(({ method, path }) => method === 'POST' && path.endsWith('/eipallocations')).length,
    0,
  )
})

scenario(
  'a Service that is no longer of type LoadBalancer is released, and assigned again (part of IPAM-19)',
  async (stage) => {
    await stage.start()
    stage.claimedService('a/web', '192.0.2.1', 'pool')
    await stage.until('ingress', () => stage.ingress('a/web').length > 0)
    const service = stage.get(services, 'a/web')!
    // The API server itself drops the addresses of what is no load balancer.
    const status = { ...(service['status'] as object), loadBalancer: {} }
    stage.api.put(services, { ...service, spec: { ...(service['spec'] as object), type: 'ClusterIP' }, status })
    await stage.until('the record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined)
    assert.deepEqual(stage.ingress('a/web'), [])
    const released = stage.get(services, 'a/web')!
    assert.equal(released.metadata.labels?.[poolKey], undefined)
    assert.equal(released.metadata.annotations?.[claimKey], undefined)
    assert.equal(stage.condition(services, 'a/web', assigned), undefined)
    await stage.rest()
    assert.equal(stage.events('ReleaseIP').length, 1)
    stage.api.put(services, { ...released, spec: service['spec'] })
    await stage.until('ingress again', () => stage.ingress('a/web').length > 0)
  },
)

scenario('a Service that opts out is released, status and metadata (part of IPAM-18)', async (stage) => {
  await stage.start()
  stage.claimedService('a/web', '192.0.2.1', 'pool')
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  const service = stage.get(services, 'a/web')!
  const annotations = { ...service.metadata.annotations }
  delete (annotations as Record<string, string>)['lb.kubesphere.io/v1alpha1']
  stage.api.put(services, { ...service, metadata: { ...service.metadata, annotations } })
  await stage.until('the record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined)
  assert.deepEqual(stage.ingress('a/web'), [])
  const released = stage.get(services, 'a/web')!
  assert.equal(released.metadata.labels?.[poolKey], undefined)
  assert.equal(stage.condition(services, 'a/web', assigned), undefined)
  await stage.rest()
  assert.equal(stage.events('ReleaseIP').length, 1)
})

scenario('another address asked for: had first, then the old one given back (part of IPAM-16)', async (stage) => {
  await stage.start()
  stage.claimedService('a/web', '192.0.2.1', 'pool')
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  const service = stage.get(services, 'a/web')!
  const annotations = { ...service.metadata.annotations, [addressKey]: '192.0.2.4' }
  let without = false
  stage.api.store.onChange(({ collection }) => {
    if (collection === '/services' && stage.ingress('a/web').length === 0) without = true
  })
  stage.api.put(services, { ...service, metadata: { ...service.metadata, annotations } })
  await stage.until('the new address', () => stage.ingress('a/web').join() === '192.0.2.4')
  await stage.until('the old record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined)
  assert.equal(without, false)
})

scenario('an address is kept for a Service that is deleted and made again (part of IPAM-25)', async (stage) => {
  stage.eip('kept', { address: '198.51.100.7', retainSeconds: 300 })
  await stage.start()
  stage.service('a/web', { annotations: { ...optIn, [poolKey]: 'kept' } })
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  stage.api.remove(services, 'a/web')
  await stage.rest(200_000)
  const retained = stage.get(eipAllocations, '198.51.100.7')?.['status'] as { retainedUntil?: string } | undefined
  assert.ok(retained?.retainedUntil)
  stage.service('b/other', { annotations: { ...optIn, [poolKey]: 'kept' } })
  await stage.until('the other waits', () => stage.condition(services, 'b/other', assigned)?.status === 'False')
  await stage.until('the time is over, the other gets it', () => stage.ingress('b/other').length > 0, {
    stepMs: 1_000,
    maxMs: 150_000,
  })
})

scenario('maxPerNamespace holds with all Services at once (part of IPAM-24)', async (stage) => {
  stage.eip('few', { address: '198.51.100.0/28', maxPerNamespace: 2 })
  await stage.start()
  for (let at = 0; at < 10; at++) stage.service(`a/s${at}`, { annotations: { ...optIn, [poolKey]: 'few' } })
  const names = Array.from({ length: 10 }, (_, at) => `a/s${at}`)
  await stage.until('each has an answer', () =>
    names.every((name) => stage.condition(services, name, assigned) !== undefined),
  )
  await stage.rest()
  assert.equal(names.filter((name) => stage.ingress(name).length > 0).length, 2)
  assert.equal(stage.api.store.list(`network.kubesphere.io/eipallocations`, {}).length, 2)
})

scenario('many Services at once have distinct addresses, each with at most three writes', async (stage) => {
  stage.eip('wide', { address: '10.9.0.0/16' })
  await stage.start()
  const names = Array.from({ length: 100 }, (_, at) => `a/s${at}`)
  for (const name of names) stage.service(name, { annotations: { ...optIn, [poolKey]: 'wide' } })
  await stage.until('all have ingress', () => names.every((name) => stage.ingress(name).length > 0))
  await stage.rest()
  assert.equal(new Set(names.flatMap((name) => stage.ingress(name))).size, 100)
  for (const name of names) assert.ok(serviceWrites(stage, name).length <= 3, serviceWrites(stage, name).join())
})

scenario(
  'a status that somebody else keeps rewriting is written back less and less often (part of OPS-06)',
  async (stage) => {
    await stage.start()
    stage.claimedService('a/web', '192.0.2.1', 'pool')
    await stage.until('ingress', () => stage.ingress('a/web').length > 0)
    const before = serviceWrites(stage, 'a/web').length
    for (let second = 0; second < 600; second++) {
      const service = stage.get(services, 'a/web')!
      if (stage.ingress('a/web').join() === '192.0.2.1') {
        const managedFields = [
          {
            manager: 'cloud-controller',
            time: '2026-01-01T00:00:00Z',
            fieldsV1: { 'f:status': { 'f:loadBalancer': {} } },
          },
        ]
        stage.api.put(services, {
          ...service,
          metadata: { ...service.metadata, managedFields },
          status: { ...(service['status'] as object), loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } },
        })
      }
      await stage.clock.advance(1_000)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const writes = serviceWrites(stage, 'a/web').length - before
    assert.ok(writes >= 4 && writes <= 20, `${writes} writes in ten minutes`)
    const condition = stage.condition(services, 'a/web', assigned)
    assert.equal(condition?.reason, 'StatusContested')
    assert.match(condition?.message ?? '', /cloud-controller/)
  },
)

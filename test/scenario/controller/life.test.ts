// What becomes of an address when its Eip, its Service or the controller goes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bgpPeers, eipAllocations, eips, leases, services } from '../../../src/io/kube/index.ts'
import { addressKey, claimKey, openStage, optIn, poolKey, type Stage } from './stage.ts'

const assigned = 'bellhop.dev/EipAssigned'
const force = { 'bellhop.dev/force-delete': 'true' }
const range = { address: '192.0.2.0/24' }

function scenario(name: string, run: (stage: Stage) => Promise<void>): void {
  void test(name, async () => {
    const stage = await openStage()
    try {
      stage.namespace('a')
      stage.eip('pool', range)
      await run(stage)
    } finally {
      await stage.close()
    }
  })
}

const reasonOf = (stage: Stage, key: string): string | undefined => stage.condition(services, key, assigned)?.reason

function retainedUntil(stage: Stage, address: string): string | undefined {
  return (stage.get(eipAllocations, address)?.['status'] as { retainedUntil?: string } | undefined)?.retainedUntil
}

async function serve(stage: Stage, ...addresses: readonly string[]): Promise<readonly string[]> {
  const keys = addresses.map((address) => `a/s${address.split('.').at(-1)}`)
  addresses.forEach((address, at) => stage.claimedService(keys[at] ?? '', address, 'pool'))
  await stage.until('all have ingress', () => keys.every((key) => stage.ingress(key).length > 0))
  return keys
}

scenario('a force-deleted Eip takes its addresses away, made again it gives the same ones back', async (stage) => {
  const first = await stage.start()
  await stage.until('it leads', () => first.isLeading())
  const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
  const keys = await serve(stage, ...addresses)
  stage.eip('pool', range, force)
  stage.api.remove(eips, 'pool')
  await stage.until('no Service has an address', () => keys.every((key) => stage.ingress(key).length === 0))
  await stage.rest()
  for (const key of keys) {
    const condition = stage.condition(services, key, assigned)
    assert.equal(`${condition?.status} ${condition?.reason}`, 'False PoolForceDeleted')
    assert.match(
      condition?.message ?? '',
      /Eip pool was force-deleted; 192\.0\.2\.\d is kept for Service a\/s\d for 24 h/,
    )
  }
  assert.equal(stage.events('PoolForceDeleted').length, 3)
  for (const address of addresses) assert.ok(retainedUntil(stage, address), `${address} is not marked`)

  // The next leader knows it from the records alone.
  const before = stage.writes().length
  let closed = false
  void first.close().then(() => (closed = true))
  await stage.until('the first has closed', () => closed)
  const second = await stage.start()
  await stage.until('the next leads', () => second.isLeading())
  await stage.rest()
  assert.equal(stage.writes().length, before)

  stage.eip('pool', range)
  await stage.until('the same addresses', () =>
    keys.every((key, at) => stage.ingress(key).join() === addresses[at] && reasonOf(stage, key) === 'Assigned'),
  )
  await stage.rest()
  for (const address of addresses) assert.equal(retainedUntil(stage, address), undefined)
})

scenario('what a force-deleted Eip held is free after a day, and its Services choose anew', async (stage) => {
  await stage.start()
  const [key = ''] = await serve(stage, '192.0.2.1')
  stage.eip('pool', range, force)
  stage.api.remove(eips, 'pool')
  await stage.until('withdrawn', () => reasonOf(stage, key) === 'PoolForceDeleted')
  stage.eip('other', { address: '198.51.100.1' }, { 'eip.openelb.kubesphere.io/is-default-eip': 'true' })
  await stage.rest(10_000)
  assert.deepEqual(stage.ingress(key), [])
  const record = stage.get(eipAllocations, '192.0.2.1')!
  const leftMs = Date.parse(retainedUntil(stage, '192.0.2.1') ?? '') - stage.clock.wallMs()
  assert.ok(leftMs > 86_300_000 && leftMs <= 86_401_000, `${leftMs} ms are left`)
  // The rest of the day.
  const soon = new Date(stage.clock.wallMs() + 30_000).toISOString()
  stage.api.put(eipAllocations, { ...record, status: { retainedUntil: soon } })
  await stage.rest(25_000)
  assert.deepEqual(stage.ingress(key), [])
  await stage.until('another address', () => stage.ingress(key).join() === '198.51.100.1')
  await stage.until('the record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined)
})

scenario('an Eip that went without the annotation: kept and announced, the condition says it', async (stage) => {
  await stage.start()
  const [key = ''] = await serve(stage, '192.0.2.1')
  stage.api.remove(eips, 'pool')
  await stage.until('the condition', () => reasonOf(stage, key) === 'PoolGone')
  await stage.rest()
  assert.deepEqual(stage.ingress(key), ['192.0.2.1'])
  assert.equal(retainedUntil(stage, '192.0.2.1'), undefined)
})

scenario('an Eip that went while no controller ran: nobody knows how, so it is kept', async (stage) => {
  const first = await stage.start()
  const [key = ''] = await serve(stage, '192.0.2.1')
  let closed = false
  void first.close().then(() => (closed = true))
  await stage.until('it has closed', () => closed)
  stage.eip('pool', range, force)
  stage.api.remove(eips, 'pool')
  await stage.start()
  await stage.until('the condition', () => reasonOf(stage, key) === 'PoolGone')
  assert.deepEqual(stage.ingress(key), ['192.0.2.1'])
})

scenario('Services of a force-deleted Eip that are deleted leave nothing behind', async (stage) => {
  await stage.start()
  const [gone = '', early = ''] = await serve(stage, '192.0.2.1', '192.0.2.2')
  stage.api.remove(services, early)
  stage.eip('pool', range, force)
  stage.api.remove(eips, 'pool')
  await stage.until('withdrawn', () => reasonOf(stage, gone) === 'PoolForceDeleted')
  stage.api.remove(services, gone)
  await stage.until(
    'no record is left',
    () => stage.api.store.list(`${eipAllocations.group}/eipallocations`, {}).length === 0,
  )
})

scenario('a Service being deleted that hangs on a finalizer is withdrawn, then its address is free', async (stage) => {
  stage.node('n1')
  stage.lease('n1')
  await stage.start()
  const [key = ''] = await serve(stage, '192.0.2.1')
  stage.lease('n1')
  await stage.rest(1_000)
  const service = stage.get(services, key)!
  const metadata = { ...service.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['example.com/hang'] }
  stage.api.put(services, { ...service, metadata })
  await stage.until('its status is empty', () => stage.ingress(key).length === 0)
  await stage.rest(2_000)
  assert.ok(stage.get(eipAllocations, '192.0.2.1'), 'given back before the speaker had seen it')
  stage.lease('n1')
  await stage.until('the record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined)
  const onService = () => stage.writes().filter(({ path }) => path.includes('/services/')).length
  const before = onService()
  await stage.rest(5_000)
  assert.equal(onService(), before)
})

scenario('the claim of a create on its way survives the end of the Service that had the name before', async (stage) => {
  await stage.start()
  const [key = ''] = await serve(stage, '192.0.2.1')
  const holder = { namespace: 'a', name: 's1', claim: 'later', ports: [{ protocol: 'TCP', port: 80 }] }
  stage.record('192.0.2.9', 'pool', [holder])
  await stage.rest(1_000)
  stage.api.remove(services, key)
  await stage.until('the old record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined)
  await stage.rest(5_000)
  assert.ok(stage.get(eipAllocations, '192.0.2.9'), 'the claim was given up with the Service before')
  const annotations = { ...optIn, [poolKey]: 'pool', [addressKey]: '192.0.2.9', [claimKey]: 'later' }
  stage.service(key, { annotations, labels: { [poolKey]: 'pool' } })
  await stage.until('ingress', () => stage.ingress(key).join() === '192.0.2.9')
})

scenario(
  'a Service whose type changes keeps its address from others until the speakers have seen it',
  async (stage) => {
    stage.node('n1')
    stage.lease('n1')
    await stage.start()
    const [key = ''] = await serve(stage, '192.0.2.1')
    stage.lease('n1')
    await stage.rest(5_000)
    const service = stage.get(services, key)!
    const status = { ...(service['status'] as object), loadBalancer: {} }
    stage.api.put(services, { ...service, spec: { ...(service['spec'] as object), type: 'ClusterIP' }, status })
    await stage.rest(3_000)
    assert.ok(stage.get(eipAllocations, '192.0.2.1'), 'given back before the speaker had seen it')
    stage.lease('n1')
    await stage.until('the record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined)
  },
)

scenario('fifty settled Services: a controller that starts writes nothing', async (stage) => {
  const first = await stage.start()
  const addresses = Array.from({ length: 50 }, (_, at) => `192.0.2.${at + 1}`)
  await serve(stage, ...addresses)
  await stage.rest(6_000)
  let closed = false
  void first.close().then(() => (closed = true))
  await stage.until('it has closed', () => closed)
  const before = stage.writes().length
  const second = await stage.start()
  await stage.until('it leads', () => second.isLeading())
  await stage.rest(10_000)
  const writes = stage.writes().slice(before)
  assert.deepEqual(
    writes.map(({ method, path }) => `${method} ${path}`),
    [],
  )
})

scenario('three hundred addresses in use: 256 are listed, and the status says so', async (stage) => {
  stage.eip('wide', { address: '10.9.0.0/16' })
  for (let at = 0; at < 300; at++) {
    stage.claimedService(`a/w${at}`, `10.9.${Math.floor(at / 200)}.${(at % 200) + 1}`, 'wide')
  }
  await stage.start()
  const status = () =>
    stage.get(eips, 'wide')?.['status'] as { usage?: number; free?: number; used?: object; occupied?: boolean }
  await stage.until('usage', () => status()?.usage === 300)
  assert.equal(Object.keys(status().used ?? {}).length, 256)
  assert.equal(status().free, 65_236)
  const condition = stage.condition(eips, 'wide', 'UsedComplete')
  assert.equal(`${condition?.status} ${condition?.reason}`, 'False Truncated')
  assert.match(condition?.message ?? '', /256 of 300/)
})

scenario('finalizers of an OpenELB at work are left alone, and said so; when it has ended they go', async (stage) => {
  const finalizers = ['finalizer.lb.kubesphere.io/v1alpha1']
  const lease = (second: number) =>
    void stage.api.put(leases, {
      metadata: { namespace: 'openelb-system', name: 'openelb-controller' },
      spec: { holderIdentity: 'x', renewTime: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000Z` },
    })
  await stage.start()
  const [key = ''] = await serve(stage, '192.0.2.1')
  const service = stage.get(services, key)!
  stage.api.put(services, { ...service, metadata: { ...service.metadata, finalizers } })
  stage.api.put(bgpPeers, {
    metadata: { name: 'leaf', finalizers },
    spec: { conf: { neighborAddress: '192.168.0.2', peerAs: 50001 } },
  })
  const pool = stage.get(eips, 'pool')!
  stage.api.put(eips, {
    ...pool,
    metadata: { ...pool.metadata, finalizers: ['finalizer.ipam.kubesphere.io/v1alpha1'] },
  })
  const said = () => [
    stage.condition(services, key, 'bellhop.dev/SoleProvider')?.reason,
    stage.condition(bgpPeers, 'leaf', 'SoleProvider')?.reason,
    stage.condition(eips, 'pool', 'SoleProvider')?.reason,
  ]
  for (let second = 0; second < 30; second++) {
    lease(second)
    await stage.rest(1_000)
  }
  assert.deepEqual(said(), ['OtherProvider', 'OtherProvider', 'OtherProvider'])
  assert.match(stage.condition(eips, 'pool', 'SoleProvider')?.message ?? '', /openelb-system\/openelb-controller/)
  assert.deepEqual(stage.get(services, key)?.metadata.finalizers, finalizers)
  assert.equal(stage.events('OtherProvider').length, 3)
  await stage.until(
    'the finalizers are gone',
    () =>
      [stage.get(services, key), stage.get(bgpPeers, 'leaf'), stage.get(eips, 'pool')].every(
        (object) => (object?.metadata.finalizers ?? []).length === 0,
      ),
    { stepMs: 200, maxMs: 90_000 },
  )
  await stage.until('nothing is said any more', () => said().every((reason) => reason === undefined))
})

import assert from 'node:assert/strict'
import { eipAllocations, leases, services } from '../../../src/io/kube/index.ts'
import { scenario } from './lab.ts'
import { optIn, poolKey } from './stage.ts'

const isLeaseWrite = ({ method, path }: { method: string; path: string }): boolean =>
  method === 'PUT' && path.endsWith('/leases/bellhop-controller')

scenario('one of two replicas leads, and only one writes', async (stage) => {
  const [first, second] = [await stage.start(), await stage.start()]
  await stage.until('a leader', () => first.isLeading() || second.isLeading())
  for (let at = 0; at < 10; at++) stage.service(`a/s${at}`, { annotations: { ...optIn, [poolKey]: 'pool' } })
  await stage.until('all have ingress', () =>
    Array.from({ length: 10 }, (_, at) => stage.ingress(`a/s${at}`).length > 0).every(Boolean),
  )
  assert.equal(first.isLeading() && second.isLeading(), false)
  assert.equal(stage.api.store.list('network.kubesphere.io/eipallocations', {}).length, 10)
})

scenario(
  'a leader that ends in good order is followed at once, and nothing settled is written again (part of IPAM-26)',
  async (stage) => {
    const first = await stage.start()
    await stage.until('it leads', () => first.isLeading())
    stage.claimedService('a/web', '192.0.2.1', 'pool')
    stage.service('a/late', { annotations: { ...optIn, [poolKey]: 'pool' } })
    await stage.until('ingress', () => stage.ingress('a/web').length > 0 && stage.ingress('a/late').length > 0)
    const second = await stage.start()
    await stage.rest(5_000)
    const before = stage.writes().length
    let closed = false
    const beganMs = stage.clock.nowMs()
    void first.close().then(() => (closed = true))
    await stage.until('the other leads', () => closed && second.isLeading())
    assert.ok(stage.clock.nowMs() - beganMs < 5_000)
    await stage.rest(10_000)
    assert.deepEqual(
      stage
        .writes()
        .slice(before)
        .map(({ method, path }) => `${method} ${path}`),
      [],
    )
  },
)

scenario('a leader that cannot renew its Lease stops writing, and the next one goes on within 15 s', async (stage) => {
  const first = await stage.start('first')
  await stage.until('it leads', () => first.isLeading())
  const second = await stage.start('second')
  // The Lease goes on existing; only the first one can no longer write it.
  stage.api.inject((seen) => isLeaseWrite(seen) && holderOf(seen.body) === 'first', { status: 500 }, 10_000)
  const beganMs = stage.clock.nowMs()
  await stage.until('it gives up', () => !first.isLeading(), { stepMs: 200 })
  await stage.until('the other leads', () => second.isLeading(), { stepMs: 200 })
  assert.ok(stage.clock.nowMs() - beganMs <= 16_500, `${stage.clock.nowMs() - beganMs} ms`)
  stage.service('a/web', { annotations: { ...optIn, [poolKey]: 'pool' } })
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  assert.equal(first.isLeading(), false)
  assert.equal(stage.get(leases, 'bellhop-system/bellhop-controller')?.['spec'] !== undefined, true)
})

scenario('what happened while no controller ran is made good (part of IPAM-21)', async (stage) => {
  stage.record('192.0.2.1', 'pool', [{ namespace: 'a', name: 'gone', claim: 'x' }])
  stage.claimedService('a/kept', '192.0.2.2', 'pool')
  stage.service('a/new', { annotations: { ...optIn, [poolKey]: 'pool' } })
  await stage.start()
  await stage.until('ingress', () => stage.ingress('a/kept').length > 0 && stage.ingress('a/new').length > 0)
  await stage.until('the record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined, {
    stepMs: 500,
    maxMs: 70_000,
  })
  assert.deepEqual(stage.ingress('a/kept'), ['192.0.2.2'])
})

scenario('an API server that is away for a while changes nothing', async (stage) => {
  await stage.start()
  stage.claimedService('a/web', '192.0.2.1', 'pool')
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  // That it is not advertised is written after a while, too.
  await stage.rest(6_000)
  const before = stage.writes().length
  await stage.api.stop()
  for (let second = 0; second < 30; second++) {
    await stage.clock.advance(1_000)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await stage.api.start()
  await stage.rest(30_000)
  assert.equal(stage.writes().length, before)
  stage.api.remove(services, 'a/web')
  await stage.until('the record is gone', () => stage.get(eipAllocations, '192.0.2.1') === undefined, { stepMs: 200 })
})

function holderOf(body: unknown): string | undefined {
  return (body as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity
}

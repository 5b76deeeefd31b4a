import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAllocation } from '../../../../src/core/model/index.ts'
import type { WatchEvent } from '../../../../src/io/kube/interface.ts'
import { eipAllocations } from '../../../../src/io/kube/resources.ts'
import { silentLog } from '../../../../src/io/telemetry/log.ts'
import { openAllocations } from '../../../../src/io/pools/allocations.ts'
import { manualClock } from '../process/manual-clock.ts'
import { openFakeCluster } from '../../webhook/fake-cluster.ts'

function recordObject(address: string, metadata = {}): Parameters<ReturnType<typeof openFakeCluster>['put']>[1] {
  return {
    apiVersion: 'network.kubesphere.io/v1alpha2',
    kind: 'EipAllocation',
    metadata: { name: address, ...metadata },
    spec: { address, eip: 'pool', services: [{ namespace: 'shop', name: 'web', claim: 'c' }] },
  }
}

void test('what was learnt ahead of the watch is forgotten again when the watch never confirms it', async (t) => {
  const cluster = openFakeCluster()
  cluster.put(eipAllocations, recordObject('192.0.2.1'))
  const clock = manualClock()
  const allocations = openAllocations({ client: cluster.client, clock, log: silentLog })
  t.after(() => allocations.stop())
  await allocations.reflector.synced
  assert.deepEqual(
    allocations.taken.ofService('shop/web').map(({ name }) => name),
    ['192.0.2.1'],
  )

  for (const address of ['192.0.2.1', '192.0.2.2']) {
    const record = readAllocation(recordObject(address))
    assert.ok(record)
    allocations.learn(record)
  }
  assert.equal(allocations.taken.size, 2)
  await clock.advance(29_000)
  assert.equal(allocations.taken.size, 2)
  await clock.advance(2_000)
  assert.deepEqual(
    allocations.taken.ofService('shop/web').map(({ name }) => name),
    ['192.0.2.1'],
  )
})

void test('what was given back is free at once', async (t) => {
  const cluster = openFakeCluster()
  cluster.put(eipAllocations, recordObject('192.0.2.1'))
  const allocations = openAllocations({ client: cluster.client, clock: manualClock(), log: silentLog })
  t.after(() => allocations.stop())
  await allocations.reflector.synced
  allocations.forget('192.0.2.1')
  assert.equal(allocations.taken.size, 0)
})

void test('the watch is behind: what was given back does not come back, and what came after it does not go', async (t) => {
  const { client } = openFakeCluster()
  let tell: (event: WatchEvent) => void = () => assert.fail('nobody watches')
  const allocations = openAllocations({
    client: {
      ...client,
      watch: (resource, options, onEvent) => {
        tell = onEvent
        return client.watch(resource, options, onEvent)
      },
    },
    clock: manualClock(),
    log: silentLog,
  })
  t.after(() => allocations.stop())
  await allocations.reflector.synced
  await new Promise((resolve) => setImmediate(resolve))
  const name = '192.0.2.1'
  const [first, second] = [
    recordObject(name, { uid: 'first', resourceVersion: '101' }),
    recordObject(name, { uid: 'second', resourceVersion: '103' }),
  ]
  const learn = (object: typeof first): void => allocations.learn(readAllocation(object) ?? assert.fail())

  learn(first)
  allocations.forget(name)
  tell({ type: 'ADDED', object: first })
  assert.equal(allocations.taken.get(name), undefined, 'its creation is told after it was given back')
  learn(first)
  assert.equal(allocations.taken.get(name), undefined, 'an older list tells of it')
  learn(second)
  tell({ type: 'DELETED', object: { ...first, metadata: { ...first.metadata, resourceVersion: '102' } } })
  assert.equal(allocations.taken.get(name)?.uid, 'second', 'the end of the first is not the end of the second')
  tell({ type: 'ADDED', object: second })
  tell({ type: 'DELETED', object: { ...second, metadata: { ...second.metadata, resourceVersion: '104' } } })
  assert.equal(allocations.taken.get(name), undefined)
  learn(second)
  assert.equal(allocations.taken.get(name), undefined, 'a list of before tells of what the watch has seen end')
})

void test('that an address is had by somebody does not make unknown by whom, which the watch has told already', async (t) => {
  const cluster = openFakeCluster()
  cluster.put(eipAllocations, recordObject('192.0.2.1'))
  const allocations = openAllocations({ client: cluster.client, clock: manualClock(), log: silentLog })
  t.after(() => allocations.stop())
  await allocations.reflector.synced
  const known = allocations.taken.get('192.0.2.1') ?? assert.fail('not listed')
  allocations.learn({ ...known, uid: '', resourceVersion: '', holders: [] })
  assert.equal(allocations.taken.get('192.0.2.1'), known)
})

// What a view must survive, each against real HTTP. Numbers are issues of kubernetes-client/javascript in which users met
// the same with its informer.
import assert from 'node:assert/strict'

import { services } from '../../../src/io/kube/index.ts'
import { isList, isWatch, put, scenario, whenIn, whenWatching } from './bench.ts'
import { waitFor } from './wait.ts'

scenario('ECONNRESET in mid-watch: taken up where it broke, without a new list (#1496)', async (bench) => {
  await whenWatching(bench)
  bench.server.watches[0]?.reset()
  await waitFor('the watch is gone at the server', () => bench.server.watches.length === 0)
  put(bench.server, 'a', 'while away')
  await whenIn(bench, 'default/a', 'while away')
  assert.equal(bench.server.requestsFor(services, 'list').length, 1)
  assert.equal(bench.changes.filter((change) => change.startsWith('default/b')).length, 1)
})

scenario(
  '410 Gone on the watch: listed anew, only differences told',
  async (bench) => {
    await whenWatching(bench)
    bench.server.watches[0]?.reset()
    await waitFor('the watch is gone at the server', () => bench.server.watches.length === 0)
    put(bench.server, 'a', 'two')
    bench.server.remove(services, 'default/b')
    put(bench.server, 'c', 'one')
    bench.server.store.compact()
    put(bench.server, 'd', 'one')
    await whenIn(bench, 'default/d', 'one')
    assert.equal(bench.server.requestsFor(services, 'list').length, 2)
    assert.deepEqual(bench.changes.slice(3), [
      'default/b: one → -',
      'default/a: one → two',
      'default/c: - → one',
      'default/d: - → one',
    ])
  },
  { prepare: (server) => put(server, 'unchanged', 'one') },
)

scenario('an HTTP 410 in place of the watch is the same', async (bench) => {
  await whenWatching(bench)
  bench.server.inject(isWatch, { status: 410, reason: 'Expired' })
  bench.server.watches[0]?.end()
  await bench.until('a second list', () => bench.server.requestsFor(services, 'list').length === 2)
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
})

scenario('an ERROR event in the stream ends the watch, not the view', async (bench) => {
  await whenWatching(bench)
  const status = { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcdserver: leader changed' }
  bench.server.watches[0]?.write(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
  await bench.until('a second watch', () => bench.server.requestsFor(services, 'watch').length === 2)
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
  assert.equal(bench.server.requestsFor(services, 'list').length, 1)
})

scenario('a resourceVersion from the future (etcd restored from a backup): listed anew', async (bench) => {
  await whenWatching(bench)
  const status = {
    kind: 'Status',
    code: 504,
    reason: 'Timeout',
    message: 'Timeout: Too large resource version: 900, current: 100',
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
  }
  bench.server.watches[0]?.write(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
  await bench.until('a second list', () => bench.server.requestsFor(services, 'list').length === 2)
})

scenario(
  'a first list that fails: not synced before one succeeds',
  async (bench) => {
    await bench.until('three failed lists', () => bench.server.requests.length >= 3)
    assert.equal(bench.isSynced(), false)
    assert.equal(bench.view.store.size, 0)
    assert.equal(bench.view.currentUpToMs(), undefined)
    let resolved = false
    void bench.view.synced.then(() => (resolved = true))
    await bench.until('the view is synced', bench.isSynced)
    await waitFor('`synced` resolves', () => resolved)
    assert.equal(bench.view.store.size, 2)
  },
  { prepare: (server) => void server.inject(isList, { status: 503 }, 4) },
)

scenario(
  'resets, silence cut by the time limit and nonsense in place of the first list',
  async (bench) => {
    await bench.until('the view is synced', bench.isSynced, 1000)
    assert.equal(bench.view.store.size, 2)
    assert.ok(bench.server.requestsFor(services, 'list').length >= 5)
  },
  {
    manualTransport: true,
    prepare: (server) => {
      for (const fault of ['reset', 'silence', { raw: 'oops' }, { raw: '{"kind":"List"}' }] as const)
        server.inject(isList, fault)
    },
  },
)

scenario('503 on the watch again and again: the view comes back with the server', async (bench) => {
  await whenWatching(bench)
  const fault = bench.server.inject(isWatch, { status: 503 }, 5)
  bench.server.watches[0]?.reset()
  await bench.until('five refused watches', () => fault.left === 0)
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
  assert.equal(bench.server.requestsFor(services, 'list').length, 1)
})

scenario(
  'a slow server is waited for',
  async (bench) => {
    await waitFor('the view is synced', bench.isSynced)
    assert.equal(bench.server.requestsFor(services, 'list').length, 1)
  },
  { prepare: (server) => void server.inject(isList, { delayMs: 300 }) },
)

scenario('429 with Retry-After: not before the server said', async (bench) => {
  await whenWatching(bench)
  bench.server.inject(isWatch, { status: 429, headers: { 'retry-after': '7' } })
  bench.server.watches[0]?.reset()
  await bench.until('the refused watch', () => bench.server.requestsFor(services, 'watch').length === 2)
  const refusedMs = bench.clock.nowMs()
  await bench.until('the next watch', () => bench.server.requestsFor(services, 'watch').length === 3)
  const waitedMs = bench.clock.nowMs() - refusedMs
  assert.ok(waitedMs >= 6900 && waitedMs <= 12_000, `came back after ${waitedMs} ms`)
})

scenario('a garbage line ends that watch only', async (bench) => {
  await whenWatching(bench)
  bench.server.watches[0]?.write('{"type":"ADDED","obj\n')
  await bench.until('a second watch', () => bench.server.requestsFor(services, 'watch').length === 2)
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
})

scenario('garbage at the same place again is stepped over by a list', async (bench) => {
  await whenWatching(bench)
  for (let round = 1; round <= 2; round++) {
    bench.server.watches[0]?.write('nonsense\n')
    await bench.until(
      `request ${round + 2}`,
      () => bench.server.requests.length > round + 1 && bench.server.watches.length > 0,
    )
  }
  assert.equal(bench.server.requestsFor(services, 'list').length, 2)
})

scenario(
  'the API server away for ten minutes: the view stands, requests are few, and it comes back (#1933)',
  async (bench) => {
    await whenWatching(bench)
    const currentUpTo = bench.view.currentUpToMs()
    await bench.server.stop()
    let attempts = 0
    const before = bench.client.watch.bind(bench.client)
    Object.assign(bench.client, {
      watch: (...args: Parameters<typeof before>) => {
        attempts++
        return before(...args)
      },
    })
    const startedMs = bench.clock.nowMs()
    await bench.until('ten minutes', () => bench.clock.nowMs() - startedMs >= 600_000, 250)
    assert.equal(bench.view.store.size, 2)
    assert.equal(bench.view.currentUpToMs(), currentUpTo)
    assert.ok(attempts >= 40 && attempts <= 130, `${attempts} attempts in ten minutes`)
    await bench.server.start()
    const seen = bench.server.requests.length
    put(bench.server, 'a', 'two')
    await whenIn(bench, 'default/a', 'two')
    await bench.clock.advance(60_000)
    assert.equal(bench.server.requests.length - seen, 1, 'one watch takes it up again')
  },
)

scenario('a server that ends each watch at once is not hammered (#1933)', async (bench) => {
  await whenWatching(bench)
  const fault = bench.server.inject(isWatch, { raw: '' }, Infinity)
  bench.server.watches[0]?.end()
  const startedMs = bench.clock.nowMs()
  await bench.until('two minutes', () => bench.clock.nowMs() - startedMs >= 120_000, 250)
  const count = bench.server.requests.length
  assert.ok(count <= 40, `${count} requests in two minutes`)
  fault.remove()
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
})

scenario('an API server that was away and has forgotten all history: back soon after it is', async (bench) => {
  await whenWatching(bench)
  await bench.server.stop()
  const awayMs = bench.clock.nowMs()
  await bench.until('a minute', () => bench.clock.nowMs() - awayMs >= 60_000, 250)
  put(bench.server, 'a', 'two')
  bench.server.store.compact()
  await bench.server.start()
  await bench.until('the first watch', () => bench.server.requestsFor(services, 'watch').length === 2)
  const backMs = bench.clock.nowMs()
  await whenIn(bench, 'default/a', 'two')
  assert.ok(bench.clock.nowMs() - backMs <= 3000, `${bench.clock.nowMs() - backMs} ms after it was told to list`)
})

scenario('a server that says Gone to every watch is not hammered', async (bench) => {
  await whenWatching(bench)
  const fault = bench.server.inject(isWatch, { status: 410, reason: 'Expired' }, Infinity)
  bench.server.watches[0]?.end()
  const startedMs = bench.clock.nowMs()
  await bench.until('two minutes', () => bench.clock.nowMs() - startedMs >= 120_000, 250)
  const count = bench.server.requests.length
  assert.ok(count <= 60, `${count} requests in two minutes`)
  fault.remove()
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
})

// What a view does when all is well, and with defects of our own.
import assert from 'node:assert/strict'

import { services } from '../../../src/io/kube/index.ts'
import { put, scenario, textOf, whenIn, whenWatching } from './bench.ts'
import { waitFor } from './wait.ts'

scenario('lists, watches, and tells each change once', async (bench) => {
  await whenWatching(bench)
  assert.deepEqual(bench.changes, ['default/a: - → one', 'default/b: - → one'])
  put(bench.server, 'a', 'two')
  bench.server.remove(services, 'default/b')
  put(bench.server, 'c', 'one')
  await whenIn(bench, 'default/c', 'one')
  assert.deepEqual(bench.changes.slice(2), ['default/a: one → two', 'default/b: one → -', 'default/c: - → one'])
  assert.deepEqual(
    [...bench.view.store.entries()],
    [
      ['default/a', 'two'],
      ['default/c', 'one'],
    ],
  )
  assert.equal(bench.view.store.size, 2)
})

scenario(
  'what leaves the selection leaves the view',
  async (bench) => {
    await whenWatching(bench)
    assert.deepEqual([...bench.view.store.keys()], ['default/chosen'])
    put(bench.server, 'chosen', 'one', {})
    await whenIn(bench, 'default/chosen', undefined)
    put(bench.server, 'a', 'one', { pool: 'x' })
    await whenIn(bench, 'default/a', 'one')
    assert.equal(bench.server.requestsFor(services, 'watch')[0]?.query['labelSelector'], 'pool')
  },
  { labelSelector: 'pool', prepare: (server) => put(server, 'chosen', 'one', { pool: 'x' }) },
)

scenario(
  'an object of no interest is absent; one that becomes of none disappears',
  async (bench) => {
    await whenWatching(bench)
    assert.equal(bench.view.store.size, 1)
    put(bench.server, 'a', 'skip')
    await whenIn(bench, 'default/a', undefined)
    assert.equal(bench.changes.at(-1), 'default/a: one → -')
  },
  {
    read: (object) => (textOf(object) === 'skip' ? undefined : textOf(object)),
    prepare: (server) => put(server, 'b', 'skip'),
  },
)

scenario('a watch that ends in good order is taken up again', async (bench) => {
  await whenWatching(bench)
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
  const version = String(bench.server.store.version())
  bench.server.watches[0]?.end()
  await bench.until('a second watch', () => bench.server.requestsFor(services, 'watch').length === 2)
  assert.equal(bench.server.requestsFor(services, 'watch')[1]?.query['resourceVersion'], version)
})

scenario(
  'the continue token expires between two pages: the list begins again',
  async (bench) => {
    await bench.until('the view is synced', bench.isSynced)
    assert.equal(bench.view.store.size, 1202)
    const lists = bench.server.requestsFor(services, 'list').map(({ query }) => query['continue'] ?? 'first')
    assert.deepEqual(lists, ['first', 'token-1', 'first', 'token-2', 'token-3'])
    assert.ok(bench.changes.length === 1202, 'each object is told once')
  },
  {
    prepare: (server) => {
      for (let index = 0; index < 1200; index++) put(server, `s${index}`, 'one')
      server.inject(({ query }) => query['continue'] !== undefined, { status: 410, reason: 'Expired' })
    },
  },
)

scenario('an event cut in two by the network is one event', async (bench) => {
  await whenWatching(bench)
  const object = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: 'ü', resourceVersion: '5000' },
    spec: { text: 'größer' },
  }
  const line = `${JSON.stringify({ type: 'ADDED', object })}\n`
  bench.server.watches[0]?.write(line.slice(0, 60))
  await new Promise((resolve) => setImmediate(resolve))
  bench.server.watches[0]?.write(line.slice(60))
  await whenIn(bench, 'default/ü', 'größer')
})

scenario(
  'an exception in the handler is logged and ends nothing',
  async (bench) => {
    await whenWatching(bench)
    put(bench.server, 'a', 'two')
    put(bench.server, 'b', 'two')
    await whenIn(bench, 'default/b', 'two')
    assert.equal(bench.view.store.get('default/a'), 'two')
    assert.equal(bench.changes.length, 4)
    assert.equal(bench.server.requestsFor(services, 'watch').length, 1)
  },
  {
    onChange: () => {
      throw new Error('a defect in the handler')
    },
  },
)

scenario(
  'an object that cannot be read keeps what was known of it',
  async (bench) => {
    await whenWatching(bench)
    put(bench.server, 'a', 'throw')
    put(bench.server, 'b', 'two')
    await whenIn(bench, 'default/b', 'two')
    assert.equal(bench.view.store.get('default/a'), 'one')
  },
  {
    read: (object) => {
      const text = textOf(object)
      if (text === 'throw') throw new Error('a defect in the reader')
      return text
    },
  },
)

scenario(
  'bookmarks move the place where a watch goes on, and the time up to which the view is current',
  async (bench) => {
    await whenWatching(bench)
    const listedAt = bench.view.currentUpToMs() ?? Number.NaN
    // Changes of other kinds make versions that this watch sees no event of.
    for (let index = 0; index < 50; index++)
      bench.server.put({ ...services, plural: 'others' }, { metadata: { namespace: 'default', name: `o${index}` } })
    await bench.clock.advance(60_000)
    assert.equal(bench.view.currentUpToMs(), listedAt)
    bench.server.bookmark()
    await waitFor('the bookmark counts', () => bench.view.currentUpToMs() === bench.clock.wallMs())
    bench.server.store.compact()
    bench.server.watches[0]?.reset()
    await bench.until('a second watch', () => bench.server.requestsFor(services, 'watch').length === 2)
    assert.equal(bench.server.requestsFor(services, 'list').length, 1, 'a bookmark saves the new list')
    assert.equal(bench.server.requestsFor(services, 'watch')[0]?.query['allowWatchBookmarks'], 'true')
  },
)

scenario('after stop nothing is told any more', async (bench) => {
  await whenWatching(bench)
  await bench.view.stop()
  await waitFor('the watch is closed at the server', () => bench.server.watches.length === 0)
  const told = bench.changes.length
  put(bench.server, 'a', 'two')
  await bench.clock.advance(60_000)
  assert.equal(bench.changes.length, told)
  assert.equal(bench.view.store.get('default/a'), 'one')
})

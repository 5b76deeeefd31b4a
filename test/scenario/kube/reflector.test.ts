// What a view must survive, each against real HTTP. Thread numbers are issues of kubernetes-client/javascript in which
// users met the same with its informer. Pauses are on a clock of the test; requests are real.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  type KubeClient,
  type KubeObject,
  type Reflector,
  openClient,
  openReflector,
  services,
} from '../../../src/io/kube/index.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { type ManualClock, manualClock } from '../../unit/io/process/manual-clock.ts'
import { type FakeApiServer, openFakeApiServer } from './fake-api-server.ts'
import { advanceUntil, waitFor } from './wait.ts'

const isList = ({ method, isWatch }: { method: string; isWatch: boolean }): boolean => method === 'GET' && !isWatch
const isWatch = ({ isWatch }: { isWatch: boolean }): boolean => isWatch

interface Bench {
  readonly server: FakeApiServer
  readonly clock: ManualClock
  readonly client: KubeClient
  readonly view: Reflector<string>
  /** `key: before → after`. */
  readonly changes: string[]
  isSynced(): boolean
}

/** A server with services a and b, a reflector of their `spec.text`, the test, and everything closed again. */
function scenario(
  name: string,
  run: (bench: Bench) => Promise<void>,
  options: {
    prepare?: (server: FakeApiServer) => void | Promise<void>
    onChange?: (key: string) => void
    read?: (object: KubeObject) => string | undefined
    /** The transport's time limits on the test's clock too. */
    manualTransport?: boolean
    labelSelector?: string
  } = {},
): void {
  test(name, { timeout: 30_000 }, async () => {
    const server = await openFakeApiServer()
    const clock = manualClock()
    put(server, 'a', 'one')
    put(server, 'b', 'one')
    await options.prepare?.(server)
    const transportClock = options.manualTransport === true ? clock : systemClock
    const client = openClient(server.credentials, { log: silentLog, clock: transportClock, userAgent: 'test/1' })
    const changes: string[] = []
    const view = openReflector<string>(client, {
      resource: services,
      labelSelector: options.labelSelector,
      read: options.read ?? textOf,
      onChange: (key, was, is) => {
        changes.push(`${key}: ${was ?? '-'} → ${is ?? '-'}`)
        options.onChange?.(key)
      },
      clock,
      log: silentLog,
      random: () => 0.5,
    })
    try {
      await run({ server, clock, client, view, changes, isSynced: view.isSynced })
    } finally {
      await view.stop()
      client.close()
      await server.close()
    }
  })
}

function textOf(object: KubeObject): string | undefined {
  return (object['spec'] as { text?: string } | undefined)?.text
}

function put(server: FakeApiServer, name: string, text: string, labels: Record<string, string> = {}): void {
  server.put(services, { metadata: { namespace: 'default', name, labels }, spec: { text } })
}

async function whenWatching({ server, clock, view }: Bench): Promise<void> {
  await advanceUntil(clock, 'an open watch', () => server.watches.length > 0 && view.isSynced())
}

async function whenIn(bench: Bench, key: string, text: string | undefined): Promise<void> {
  await advanceUntil(bench.clock, `${key} is ${text} in the view`, () => bench.view.store.get(key) === text)
}

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

scenario('ECONNRESET in mid-watch: taken up where it broke, without a new list (#1496)', async (bench) => {
  await whenWatching(bench)
  bench.server.watches[0]?.reset()
  await waitFor('the watch is gone at the server', () => bench.server.watches.length === 0)
  put(bench.server, 'a', 'while away')
  await whenIn(bench, 'default/a', 'while away')
  assert.equal(bench.server.requestsFor(services, 'list').length, 1)
  assert.equal(bench.changes.filter((change) => change.startsWith('default/b')).length, 1)
})

scenario('a watch that ends in good order is taken up again', async (bench) => {
  await whenWatching(bench)
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
  const version = String(bench.server.store.version())
  bench.server.watches[0]?.end()
  await advanceUntil(bench.clock, 'a second watch', () => bench.server.requestsFor(services, 'watch').length === 2)
  assert.equal(bench.server.requestsFor(services, 'watch')[1]?.query['resourceVersion'], version)
})

scenario('410 Gone on the watch: listed anew, only differences told', async (bench) => {
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
  assert.deepEqual(bench.changes.slice(2), [
    'default/b: one → -',
    'default/a: one → two',
    'default/c: - → one',
    'default/d: - → one',
  ])
})

scenario('an HTTP 410 in place of the watch is the same', async (bench) => {
  await whenWatching(bench)
  bench.server.inject(isWatch, { status: 410, reason: 'Expired' })
  bench.server.watches[0]?.end()
  await advanceUntil(bench.clock, 'a second list', () => bench.server.requestsFor(services, 'list').length === 2)
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
})

scenario('an ERROR event in the stream ends the watch, not the view', async (bench) => {
  await whenWatching(bench)
  const status = { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcdserver: leader changed' }
  bench.server.watches[0]?.write(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
  await advanceUntil(bench.clock, 'a second watch', () => bench.server.requestsFor(services, 'watch').length === 2)
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
  await advanceUntil(bench.clock, 'a second list', () => bench.server.requestsFor(services, 'list').length === 2)
})

scenario(
  'the continue token expires between two pages: the list begins again',
  async (bench) => {
    await advanceUntil(bench.clock, 'the view is synced', bench.isSynced)
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

scenario(
  'a first list that fails: not synced before one succeeds',
  async (bench) => {
    await advanceUntil(bench.clock, 'three failed lists', () => bench.server.requests.length >= 3)
    assert.equal(bench.isSynced(), false)
    assert.equal(bench.view.store.size, 0)
    assert.equal(bench.view.currentUpToMs(), undefined)
    let resolved = false
    void bench.view.synced.then(() => (resolved = true))
    await advanceUntil(bench.clock, 'the view is synced', bench.isSynced)
    await waitFor('`synced` resolves', () => resolved)
    assert.equal(bench.view.store.size, 2)
  },
  { prepare: (server) => void server.inject(isList, { status: 503 }, 4) },
)

scenario(
  'resets, silence cut by the time limit and nonsense in place of the first list',
  async (bench) => {
    await advanceUntil(bench.clock, 'the view is synced', bench.isSynced, { stepMs: 1000 })
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
  await advanceUntil(bench.clock, 'five refused watches', () => fault.left === 0)
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

scenario(
  'a connection that dies without a word is cut after the time of the watch and replaced (#596)',
  async (bench) => {
    await whenWatching(bench)
    bench.server.watches[0]?.freeze()
    put(bench.server, 'a', 'unheard')
    const startedMs = bench.clock.nowMs()
    await advanceUntil(bench.clock, 'a second watch', () => bench.server.requestsFor(services, 'watch').length === 2, {
      stepMs: 1000,
    })
    const tookMs = bench.clock.nowMs() - startedMs
    const timeoutMs = Number(bench.server.requestsFor(services, 'watch')[0]?.query['timeoutSeconds']) * 1000
    assert.ok(tookMs >= timeoutMs && tookMs <= timeoutMs + 20_000, `replaced after ${tookMs} ms of ${timeoutMs}`)
    await whenIn(bench, 'default/a', 'unheard')
  },
  { manualTransport: true },
)

scenario(
  'a server that has sent bookmarks and falls silent is given up within minutes',
  async (bench) => {
    await whenWatching(bench)
    bench.server.bookmark()
    await waitFor('the bookmark counts', () => bench.view.currentUpToMs() === bench.clock.wallMs())
    bench.server.watches[0]?.freeze()
    const startedMs = bench.clock.nowMs()
    await advanceUntil(bench.clock, 'a second watch', () => bench.server.requestsFor(services, 'watch').length === 2, {
      stepMs: 1000,
    })
    assert.ok(bench.clock.nowMs() - startedMs <= 190_000)
  },
  { manualTransport: true },
)

scenario('429 with Retry-After: not before the server said', async (bench) => {
  await whenWatching(bench)
  bench.server.inject(isWatch, { status: 429, headers: { 'retry-after': '7' } })
  bench.server.watches[0]?.reset()
  await advanceUntil(bench.clock, 'the refused watch', () => bench.server.requestsFor(services, 'watch').length === 2)
  const refusedMs = bench.clock.nowMs()
  await advanceUntil(bench.clock, 'the next watch', () => bench.server.requestsFor(services, 'watch').length === 3)
  const waitedMs = bench.clock.nowMs() - refusedMs
  assert.ok(waitedMs >= 6900 && waitedMs <= 9200, `came back after ${waitedMs} ms`)
})

scenario('a garbage line ends that watch only', async (bench) => {
  await whenWatching(bench)
  bench.server.watches[0]?.write('{"type":"ADDED","obj\n')
  await advanceUntil(bench.clock, 'a second watch', () => bench.server.requestsFor(services, 'watch').length === 2)
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
})

scenario('garbage at the same place again is stepped over by a list', async (bench) => {
  await whenWatching(bench)
  for (let round = 1; round <= 2; round++) {
    bench.server.watches[0]?.write('nonsense\n')
    await advanceUntil(
      bench.clock,
      `request ${round + 2}`,
      () => bench.server.requests.length > round + 1 && bench.server.watches.length > 0,
    )
  }
  assert.equal(bench.server.requestsFor(services, 'list').length, 2)
})

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
    await advanceUntil(bench.clock, 'a second watch', () => bench.server.requestsFor(services, 'watch').length === 2)
    assert.equal(bench.server.requestsFor(services, 'list').length, 1, 'a bookmark saves the new list')
    assert.equal(bench.server.requestsFor(services, 'watch')[0]?.query['allowWatchBookmarks'], 'true')
  },
)

scenario(
  'the API server away for ten minutes: the view stands, requests are few, and it comes back (#1933)',
  async (bench) => {
    await whenWatching(bench)
    const currentUpTo = bench.view.currentUpToMs()
    await bench.server.stop()
    let attempts = 0
    const before = bench.client.watch
    Object.assign(bench.client, {
      watch: (...args: Parameters<typeof before>) => {
        attempts++
        return before(...args)
      },
    })
    const startedMs = bench.clock.nowMs()
    await advanceUntil(bench.clock, 'ten minutes', () => bench.clock.nowMs() - startedMs >= 600_000, { stepMs: 250 })
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
  await advanceUntil(bench.clock, 'two minutes', () => bench.clock.nowMs() - startedMs >= 120_000, { stepMs: 250 })
  const count = bench.server.requests.length
  assert.ok(count <= 40, `${count} requests in two minutes`)
  fault.remove()
  put(bench.server, 'a', 'two')
  await whenIn(bench, 'default/a', 'two')
})

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

// Calls against real HTTP: what each answer means, and what is done about time, tokens and connections.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import {
  type Answer,
  type Credentials,
  type KubeClient,
  type KubeErrorCode,
  leases,
  nodes,
  openClient,
  readCredentials,
  services,
} from '../../../src/io/kube/index.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { manualClock } from '../../unit/io/process/manual-clock.ts'
import { type FakeApiServer, type Fault, openFakeApiServer } from './fake-api-server.ts'
import { waitFor } from './wait.ts'

async function withServer(
  run: (server: FakeApiServer, client: KubeClient) => Promise<void>,
  credentialsOf?: (server: FakeApiServer) => Promise<Credentials>,
): Promise<void> {
  const server = await openFakeApiServer()
  const credentials = (await credentialsOf?.(server)) ?? server.credentials
  const client = openClient(credentials, { log: silentLog, clock: systemClock, userAgent: 'bellhop-test/1' })
  try {
    await run(server, client)
  } finally {
    client.close()
    await server.close()
  }
}

function valueOf<T>(answer: Answer<T>): T {
  assert.ok(answer.ok, answer.ok ? '' : `${answer.error.code}: ${answer.error.message}`)
  return answer.value
}

function codeOf(answer: Answer<unknown>): KubeErrorCode | 'ok' {
  return answer.ok ? 'ok' : answer.error.code
}

const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name, labels: { app: 'web' } },
  spec: { type: 'LoadBalancer' },
})
const refTo = (name: string) => ({ resource: services, namespace: 'default', name })

void test('an object is created, read, patched, replaced, listed and deleted', () =>
  withServer(async (server, client) => {
    const created = valueOf(await client.create(services, service('web')))
    assert.equal(codeOf(await client.create(services, service('web'))), 'AlreadyExists')
    assert.equal(valueOf(await client.get(refTo('web'))).metadata.uid, created.metadata.uid)
    const ingress = { loadBalancer: { ingress: [{ ip: '172.22.0.1' }] } }
    const patched = valueOf(
      await client.patch(refTo('web'), { type: 'merge', body: { status: ingress }, subresource: 'status' }),
    )
    assert.deepEqual(patched['status'], ingress)
    const labelled = await client.patch(refTo('web'), {
      type: 'json',
      body: [{ op: 'add', path: '/metadata/labels/pool', value: 'x' }],
    })
    assert.deepEqual(valueOf(labelled).metadata.labels, { app: 'web', pool: 'x' })
    const failed = await client.patch(refTo('web'), { type: 'json', body: [{ op: 'test', path: '/kind', value: 'x' }] })
    assert.equal(codeOf(failed), 'Invalid')
    assert.equal(codeOf(await client.replace(refTo('web'), created)), 'Conflict')
    const listed = valueOf(await client.list(services, { labelSelector: 'pool=x' }))
    assert.deepEqual(
      listed.items.map(({ kind, apiVersion, metadata }) => [apiVersion, kind, metadata.name]),
      [['v1', 'Service', 'web']],
    )
    assert.equal(codeOf(await client.delete(refTo('web'), { uid: 'another' })), 'Conflict')
    assert.equal(codeOf(await client.delete(refTo('web'), { uid: created.metadata.uid })), 'ok')
    assert.equal(codeOf(await client.get(refTo('web'))), 'NotFound')
    assert.equal(server.get(services, 'default/web'), undefined)
  }))

void test('requests go where the API server serves them, with the options as it spells them', () =>
  withServer(async (server, client) => {
    await client.create(services, service('dry'), { dryRun: true, fieldManager: 'bellhop' })
    assert.equal(server.get(services, 'default/dry'), undefined)
    await client.patch(
      { resource: leases, namespace: 'bellhop-system', name: 'x' },
      { type: 'apply', body: { metadata: { name: 'x' } }, fieldManager: 'me', force: true },
    )
    await client.list(nodes, { fieldSelector: 'metadata.name=n1', limit: 5, resourceVersion: '0' })
    assert.deepEqual(
      server.requests.map(({ method, path, query }) => ({ request: `${method} ${path}`, query })),
      [
        {
          request: 'POST /api/v1/namespaces/default/services',
          query: { dryRun: 'All', fieldManager: 'bellhop', fieldValidation: 'Ignore' },
        },
        {
          request: 'PATCH /apis/coordination.k8s.io/v1/namespaces/bellhop-system/leases/x',
          query: { fieldManager: 'me', fieldValidation: 'Ignore', force: 'true' },
        },
        {
          request: 'GET /api/v1/nodes',
          query: { fieldSelector: 'metadata.name=n1', limit: '5', resourceVersion: '0' },
        },
      ],
    )
  }))

const meanings: readonly (readonly [string, Fault, KubeErrorCode])[] = [
  ['400', { status: 400 }, 'Invalid'],
  ['401 twice', { status: 401 }, 'Unauthorized'],
  ['403', { status: 403 }, 'Forbidden'],
  ['404', { status: 404 }, 'NotFound'],
  ['409', { status: 409, reason: 'Conflict' }, 'Conflict'],
  ['409 AlreadyExists', { status: 409, reason: 'AlreadyExists' }, 'AlreadyExists'],
  ['410', { status: 410 }, 'Gone'],
  ['422', { status: 422, reason: 'Invalid' }, 'Invalid'],
  ['429', { status: 429 }, 'TooManyRequests'],
  ['500', { status: 500 }, 'Server'],
  ['503', { status: 503 }, 'Server'],
  ['504', { status: 504 }, 'Timeout'],
  ['no JSON', { raw: '<html>' }, 'MalformedAnswer'],
  ['JSON of another shape', { raw: '{"kind":"Pizza"}' }, 'MalformedAnswer'],
  ['a reset connection', 'reset', 'Unreachable'],
]
for (const [name, fault, code] of meanings) {
  void test(`${name} means ${code}`, () =>
    withServer(async (server, client) => {
      server.inject(() => true, fault, 2)
      const answer = await client.get(refTo('web'))
      assert.equal(codeOf(answer), code)
      assert.ok(!answer.ok && answer.error.message.startsWith('GET /api/v1/namespaces/default/services/web: '))
    }))
}

void test('Retry-After is passed on, as seconds or as a date', () =>
  withServer(async (server, client) => {
    server.inject(() => true, { status: 429, headers: { 'retry-after': '3' } })
    const seconds = await client.get(refTo('web'))
    assert.ok(!seconds.ok && seconds.error.retryAfterMs === 3000)
    const until = new Date(Date.now() + 60_000).toUTCString()
    server.inject(() => true, { status: 503, headers: { 'retry-after': until } })
    const date = await client.get(refTo('web'))
    assert.ok(!date.ok && (date.error.retryAfterMs ?? 0) > 55_000 && (date.error.retryAfterMs ?? 0) <= 60_000)
  }))

void test('a server that is not there is Unreachable', () =>
  withServer(async (server, client) => {
    await server.stop()
    assert.equal(codeOf(await client.list(services)), 'Unreachable')
    await server.start()
    assert.equal(codeOf(await client.list(services)), 'ok')
  }))

void test('a call without an answer ends at its time limit', async () => {
  const server = await openFakeApiServer()
  const clock = manualClock()
  const client = openClient(server.credentials, { log: silentLog, clock, userAgent: 'bellhop-test/1' })
  try {
    server.inject(() => true, 'silence')
    let answered = false
    const pending = client.get(refTo('web'), { timeoutMs: 2500 }).finally(() => (answered = true))
    await waitFor('the server has the request', () => server.requests.length === 1)
    await clock.advance(2499)
    assert.equal(answered, false)
    await clock.advance(1)
    assert.equal(codeOf(await pending), 'Timeout')
    assert.equal(clock.waiting, 0)
  } finally {
    client.close()
    await server.close()
  }
})

void test('a kept connection that had died meanwhile costs a read nothing', () =>
  withServer(async (server, client) => {
    server.put(services, service('web'))
    assert.equal(codeOf(await client.get(refTo('web'))), 'ok')
    // The first connection is kept and meets the reset; the second attempt opens a new one.
    server.inject(() => true, 'reset')
    assert.equal(codeOf(await client.get(refTo('web'))), 'ok')
    // A write is not repeated: it may have been done.
    server.inject(() => true, 'reset')
    assert.equal(codeOf(await client.create(services, service('other'))), 'Unreachable')
  }))

void test('after close nothing is under way and nothing begins', () =>
  withServer(async (server, client) => {
    server.inject(() => true, 'silence')
    const pending = client.get(refTo('web'))
    await waitFor('the server has the request', () => server.requests.length === 1)
    client.close()
    assert.equal(codeOf(await pending), 'Unreachable')
    assert.equal(codeOf(await client.get(refTo('web'))), 'Unreachable')
  }))

void test('a rotated token: 401, the file is read again, the call is repeated once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bellhop-credentials-'))
  try {
    await writeFile(join(directory, 'token'), 'first\n')
    await writeFile(join(directory, 'ca.crt'), '')
    await withServer(
      async (server, client) => {
        server.setToken('first')
        assert.equal(codeOf(await client.list(services)), 'ok')
        await writeFile(join(directory, 'token'), 'second')
        server.setToken('second')
        assert.equal(codeOf(await client.list(services)), 'ok')
        assert.deepEqual(
          server.requests.map(({ authorization }) => authorization),
          ['Bearer first', 'Bearer first', 'Bearer second'],
        )
        server.setToken('third')
        assert.equal(codeOf(await client.list(services)), 'Unauthorized')
        assert.equal(server.requests.length, 5, 'once, not for ever')
      },
      async (server) => {
        const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' }
        const credentials = await readCredentials({ serviceAccountDirectory: directory, environment })
        return { ...credentials, server: server.credentials.server }
      },
    )
  } finally {
    await rm(directory, { recursive: true })
  }
})

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { type CredentialsErrorCode, CredentialsError, readCredentials } from '../../../../src/io/kube/index.ts'
import { manualClock } from '../process/manual-clock.ts'

async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'bellhop-credentials-'))
  try {
    await run(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

const fails =
  (code: CredentialsErrorCode, text: RegExp) =>
  (error: unknown): boolean =>
    error instanceof CredentialsError && error.code === code && text.test(error.message)

void test('in a Pod: server from the environment, token and CA from the ServiceAccount', () =>
  withDirectory(async (directory) => {
    await writeFile(join(directory, 'token'), 'secret\n')
    await writeFile(join(directory, 'ca.crt'), 'PEM')
    const environment = {
      KUBERNETES_SERVICE_HOST: 'fd00::1',
      KUBERNETES_SERVICE_PORT: '6443',
      BELLHOP_SERVICEACCOUNT_DIR: directory,
    }
    const credentials = await readCredentials({ environment })
    assert.equal(credentials.server.href, 'https://[fd00::1]:6443/')
    assert.deepEqual(await credentials.identity(), { tls: { ca: 'PEM' }, authorization: 'Bearer secret' })
  }))

void test('a rotated token is seen within a minute, at once after forget; the TLS material stays the same value', () =>
  withDirectory(async (directory) => {
    await writeFile(join(directory, 'token'), 'one')
    await writeFile(join(directory, 'ca.crt'), 'PEM')
    const clock = manualClock()
    const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', BELLHOP_SERVICEACCOUNT_DIR: directory }
    const credentials = await readCredentials({ environment, clock })
    const first = await credentials.identity()
    await writeFile(join(directory, 'token'), 'two')
    await clock.advance(59_000)
    assert.equal((await credentials.identity()).authorization, 'Bearer one')
    await clock.advance(1000)
    const second = await credentials.identity()
    assert.equal(second.authorization, 'Bearer two')
    assert.equal(second.tls, first.tls)
    await writeFile(join(directory, 'token'), 'three')
    await writeFile(join(directory, 'ca.crt'), 'NEW PEM')
    credentials.forget()
    const third = await credentials.identity()
    assert.equal(third.authorization, 'Bearer three')
    assert.notEqual(third.tls, first.tls)
  }))

void test('a ServiceAccount that is not mounted is said in one sentence', () =>
  withDirectory((directory) =>
    assert.rejects(
      readCredentials({ environment: { KUBERNETES_SERVICE_HOST: 'x' }, serviceAccountDirectory: directory }),
      fails('UnreadableServiceAccount', /cannot be read: ENOENT.*automountServiceAccountToken/),
    ),
  ))

void test('neither Pod nor kubeconfig is said in one sentence', () =>
  withDirectory((directory) =>
    assert.rejects(readCredentials({ environment: { HOME: directory } }), fails('NoCluster', /Pass --kubeconfig/)),
  ))

const kubeconfig = (server: string, user: object): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    clusters: [{ name: 'k', cluster: { server, 'certificate-authority-data': Buffer.from('CA').toString('base64') } }],
    users: [{ name: 'u', user }],
  })

void test('a kubeconfig with a token, and one with a client certificate; it wins over the Pod when given', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'config')
    await writeFile(file, kubeconfig('https://192.0.2.1:6443', { token: 'abc' }))
    const environment = { KUBERNETES_SERVICE_HOST: 'x' }
    const byToken = await readCredentials({ kubeconfig: file, environment })
    assert.equal(byToken.server.href, 'https://192.0.2.1:6443/')
    const identity = await byToken.identity()
    assert.equal(identity.authorization, 'Bearer abc')
    assert.equal(String(identity.tls.ca), 'CA')
    const pem = (text: string): string => Buffer.from(text).toString('base64')
    const user = { 'client-certificate-data': pem('CERT'), 'client-key-data': pem('KEY') }
    await writeFile(file, kubeconfig('https://192.0.2.1:6443', user))
    const byCertificate = await readCredentials({ environment: { KUBECONFIG: file } })
    const { tls, authorization } = await byCertificate.identity()
    assert.deepEqual([String(tls.cert), String(tls.key), authorization], ['CERT', 'KEY', undefined])
  }))

void test('a kubeconfig that is none is said in one sentence', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'config')
    await writeFile(file, '{"kind":"Config"}')
    await assert.rejects(
      readCredentials({ kubeconfig: file }),
      fails('UnreadableKubeconfig', /names no cluster|cannot be used/),
    )
    await assert.rejects(
      readCredentials({ kubeconfig: join(directory, 'missing') }),
      fails('UnreadableKubeconfig', /ENOENT/),
    )
  }))

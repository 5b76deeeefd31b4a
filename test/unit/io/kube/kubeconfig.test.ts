import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { CredentialsError, readCredentials } from '../../../../src/io/kube/index.ts'

async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'bellhop-kubeconfig-'))
  try {
    await run(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

const two = `
apiVersion: v1
kind: Config
current-context: a
clusters:
  - { name: one, cluster: { server: 'https://192.0.2.1:6443', certificate-authority: pki/ca.crt } }
  - { name: two, cluster: { server: 'https://192.0.2.2:6443', insecure-skip-tls-verify: true, tls-server-name: api } }
contexts:
  - { name: a, context: { cluster: one, user: ada, namespace: web } }
  - { name: b, context: { cluster: two, user: bob } }
users:
  - { name: ada, user: { tokenFile: token, token: stale } }
  - { name: bob, user: { username: bob, password: geheim } }
`

void test('a kubeconfig: files beside it, the namespace of its context, another context', () =>
  withDirectory(async (directory) => {
    const kubeconfig = join(directory, 'config')
    await mkdir(join(directory, 'pki'))
    await writeFile(join(directory, 'pki/ca.crt'), 'CA')
    await writeFile(join(directory, 'token'), 'fresh\n')
    await writeFile(kubeconfig, two)
    const a = await readCredentials({ kubeconfig, environment: {} })
    assert.deepEqual([a.server.hostname, a.namespace], ['192.0.2.1', 'web'])
    const { tls, authorization } = await a.identity()
    assert.deepEqual([tls.ca, authorization], ['CA', 'Bearer fresh'])
    const b = await readCredentials({ kubeconfig, context: 'b', environment: {} })
    assert.deepEqual([b.server.hostname, b.namespace], ['192.0.2.2', undefined])
    const other = await b.identity()
    assert.equal(other.authorization, `Basic ${Buffer.from('bob:geheim').toString('base64')}`)
    assert.deepEqual([other.tls.servername, other.tls.rejectUnauthorized], ['api', false])
  }))

void test('of several files in KUBECONFIG the first that has an entry counts', () =>
  withDirectory(async (directory) => {
    const [first, second] = [join(directory, 'first'), join(directory, 'second')]
    await writeFile(first, 'current-context: b\nusers: [{ name: bob, user: { token: mine } }]\n')
    await writeFile(second, two)
    const credentials = await readCredentials({ environment: { KUBECONFIG: `${first}:${second}` } })
    assert.equal(credentials.server.hostname, '192.0.2.2')
    assert.equal((await credentials.identity()).authorization, 'Bearer mine')
  }))

void test('a user that a plugin has to be asked for', () =>
  withDirectory(async (directory) => {
    const [kubeconfig, plugin] = [join(directory, 'config'), join(directory, 'plugin')]
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'asked' },
    }
    await writeFile(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`)
    await chmod(plugin, 0o755)
    const exec = `{ apiVersion: client.authentication.k8s.io/v1, command: ${plugin}, interactiveMode: Never }`
    await writeFile(kubeconfig, two.replace('{ tokenFile: token, token: stale }', `{ exec: ${exec} }`))
    await mkdir(join(directory, 'pki'))
    await writeFile(join(directory, 'pki/ca.crt'), 'CA')
    const credentials = await readCredentials({ kubeconfig, environment: {} })
    assert.deepEqual([credentials.server.hostname, credentials.namespace], ['192.0.2.1', 'web'])
    assert.equal((await credentials.identity()).authorization, 'Bearer asked')
  }))

void test('what cannot be used is said in one sentence', () =>
  withDirectory(async (directory) => {
    const kubeconfig = join(directory, 'config')
    const refused = async (text: string, said: RegExp, context?: string): Promise<void> => {
      await writeFile(kubeconfig, text)
      await assert.rejects(
        readCredentials({ kubeconfig, context, environment: {} }),
        (error) =>
          error instanceof CredentialsError && error.code === 'UnreadableKubeconfig' && said.test(error.message),
      )
    }
    await refused(two, /has no context c$/, 'c')
    await refused('clusters: []', /has no current-context/)
    await refused(two.replace('cluster: one', 'cluster: none'), /names no cluster/)
    await refused(two.replace('certificate-authority: pki/ca.crt', 'proxy-url: http://p'), /no proxy is used/)
    await refused(two, /ENOENT.*ca\.crt/)
  }))

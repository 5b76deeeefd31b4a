// A kubeconfig that needs nothing run: certificates, tokens and passwords in it or in files that it names. That is most of
// them, and reading one takes a few milliseconds; what an exec plugin or an auth provider has to be asked for is left to
// @kubernetes/client-node, which takes a second to load.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

import { booleanAt, listAt, objectAt, stringAt } from '../../core/model/field.ts'
import type { Identity, TlsMaterial } from './credentials.ts'

export interface ReadKubeconfig {
  readonly server: string
  /** Of the context. */
  readonly namespace: string | undefined
  /** Reads the files again: tokens are rotated in them. */
  readonly identity: () => Promise<Identity>
}

/** An entry of a list of the kubeconfig, and the folder that its relative paths start from. */
interface Named {
  readonly value: Readonly<Record<string, unknown>>
  readonly folder: string
}

/**
 * Of several files the first that has an entry counts (kubectl's rules for $KUBECONFIG). Undefined: its user is not plain.
 * Rejects with a sentence when it cannot be used.
 */
export async function readPlainKubeconfig(
  files: readonly string[],
  context: string | undefined,
): Promise<ReadKubeconfig | undefined> {
  const { parse } = await import('yaml')
  const documents = await Promise.all(
    files.map(async (file) => ({
      root: parse(await readFile(file, 'utf8')) as unknown,
      folder: dirname(resolve(file)),
    })),
  )
  const find = (list: string, field: string, name: string | undefined): Named | undefined => {
    for (const { root, folder } of documents) {
      const entry = listAt(root, list).find((each) => stringAt(each, 'name') === name)
      if (entry !== undefined) return { value: objectAt(entry, field), folder }
    }
    return undefined
  }
  const name =
    context ?? documents.map(({ root }) => stringAt(root, 'current-context')).find((each) => each !== undefined)
  if (name === undefined) throw new Error('it has no current-context')
  const chosen = find('contexts', 'context', name)
  if (chosen === undefined) throw new Error(`it has no context ${name}`)
  const cluster = find('clusters', 'cluster', stringAt(chosen.value, 'cluster'))
  const server = stringAt(cluster?.value, 'server')
  if (cluster === undefined || server === undefined) throw new Error(`its context ${name} names no cluster`)
  if (stringAt(cluster.value, 'proxy-url') !== undefined)
    throw new Error('its cluster has a proxy-url: no proxy is used')
  const user = find('users', 'user', stringAt(chosen.value, 'user')) ?? { value: {}, folder: '.' }
  if ('exec' in user.value || 'auth-provider' in user.value) return undefined
  return {
    server,
    namespace: stringAt(chosen.value, 'namespace'),
    identity: async () => ({ tls: await readTls(cluster, user), authorization: await readAuthorization(user) }),
  }
}

async function readTls(cluster: Named, user: Named): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all([
    readPem(cluster, 'certificate-authority'),
    readPem(user, 'client-certificate'),
    readPem(user, 'client-key'),
  ])
  const servername = stringAt(cluster.value, 'tls-server-name')
  const insecure = booleanAt(cluster.value, 'insecure-skip-tls-verify') === true
  return { ca, cert, key, servername, ...(insecure ? { rejectUnauthorized: false } : {}) }
}

// The data within counts before the file (client-go's clientcmd).
async function readPem({ value, folder }: Named, field: string): Promise<string | undefined> {
  const data = stringAt(value, `${field}-data`)
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8')
  const file = stringAt(value, field)
  return file === undefined ? undefined : readFile(resolve(folder, file), 'utf8')
}

// Of a token and its file the file counts, since it is rotated (client-go's rest.Config).
async function readAuthorization({ value, folder }: Named): Promise<string | undefined> {
  const file = stringAt(value, 'tokenFile')
  const token = file === undefined ? stringAt(value, 'token') : await readFile(resolve(folder, file), 'utf8')
  if (token !== undefined) return `Bearer ${token.trim()}`
  const username = stringAt(value, 'username')
  if (username === undefined) return undefined
  return `Basic ${Buffer.from(`${username}:${stringAt(value, 'password') ?? ''}`).toString('base64')}`
}

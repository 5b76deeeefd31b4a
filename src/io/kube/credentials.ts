// Who we are to the API server and how its certificate is checked. In a Pod: the mounted ServiceAccount, whose token
// kubelet rotates, so it is read again within a minute and at once after a 401. Elsewhere: a kubeconfig; where a plugin has
// to be asked for its user, by @kubernetes/client-node, which is loaded only then: it costs some 85 MB and a second.
import { access, readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { homedir } from 'node:os'
import { join } from 'node:path'

import { stringAt } from '../../core/model/field.ts'
import { type Clock, systemClock } from '../process/clock.ts'
import { type ReadKubeconfig, readPlainKubeconfig } from './kubeconfig.ts'

type Pem = string | Buffer | undefined

export interface TlsMaterial {
  readonly ca?: Pem
  readonly cert?: Pem
  readonly key?: Pem
  readonly servername?: string | undefined
  readonly rejectUnauthorized?: boolean | undefined
}

export interface Identity {
  /** The same object as before as long as nothing in it has changed: connections are kept by it. */
  readonly tls: TlsMaterial
  /** Value of the Authorization header. */
  readonly authorization?: string | undefined
}

export interface Credentials {
  /** `https://host:port`, optionally with a path; `http:` for a local proxy and in tests. */
  readonly server: URL
  /** The namespace that the context of a kubeconfig names. */
  readonly namespace?: string | undefined
  /** Identity for the next request, at most 60 s old. Rejects with a CredentialsError. */
  identity(): Promise<Identity>
  /** Forgets what is cached: the server has refused it. */
  forget(): void
}

export type CredentialsErrorCode = 'NoCluster' | 'UnreadableServiceAccount' | 'UnreadableKubeconfig'

export class CredentialsError extends Error {
  readonly code: CredentialsErrorCode
  constructor(code: CredentialsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CredentialsError'
    this.code = code
  }
}

export interface CredentialsOptions {
  /** Default: $BELLHOP_SERVICEACCOUNT_DIR, else where kubelet mounts it. */
  readonly serviceAccountDirectory?: string | undefined
  /** Path of a kubeconfig; when given it is used even in a Pod. Default outside: $KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig?: string | undefined
  /** Context of the kubeconfig; default: its current one. When given, a kubeconfig is used even in a Pod. */
  readonly context?: string | undefined
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly clock?: Clock
}

const defaultDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'
const rereadMs = 60_000

/** Finds the cluster and reads the credentials once, so that what is missing shows at the start: a CredentialsError. */
export async function readCredentials(options: CredentialsOptions = {}): Promise<Credentials> {
  const { kubeconfig, context, environment = process.env, clock = systemClock } = options
  const host = environment['KUBERNETES_SERVICE_HOST']
  const inCluster = kubeconfig === undefined && context === undefined && host !== undefined && host !== ''
  const directory = options.serviceAccountDirectory ?? environment['BELLHOP_SERVICEACCOUNT_DIR'] ?? defaultDirectory
  const credentials = inCluster
    ? serviceAccountCredentials(host, environment['KUBERNETES_SERVICE_PORT'] ?? '443', directory, clock)
    : await kubeconfigCredentials(kubeconfig, context, environment, clock)
  await credentials.identity()
  return credentials
}

function serviceAccountCredentials(host: string, port: string, directory: string, clock: Clock): Credentials {
  const read = async (): Promise<Identity> => {
    try {
      const [token, ca] = await Promise.all([
        readFile(join(directory, 'token'), 'utf8'),
        readFile(join(directory, 'ca.crt'), 'utf8'),
      ])
      return { tls: { ca }, authorization: `Bearer ${token.trim()}` }
    } catch (error) {
      throw new CredentialsError(
        'UnreadableServiceAccount',
        `The ServiceAccount in ${directory} cannot be read: ${messageOf(error)}. Is automountServiceAccountToken off?`,
        { cause: error },
      )
    }
  }
  const server = new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`)
  return { server, ...cached(read, clock) }
}

async function kubeconfigCredentials(
  path: string | undefined,
  context: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<Credentials> {
  const file = path ?? environment['KUBECONFIG'] ?? join(environment['HOME'] ?? homedir(), '.kube', 'config')
  const named = path === undefined ? file.split(':').filter((each) => each !== '') : [file]
  // kubectl passes over those of $KUBECONFIG that are not there.
  const there = await Promise.all(named.map(exists))
  const files = path === undefined ? named.filter((_, at) => there[at]) : named
  if (files.length === 0) {
    throw new CredentialsError(
      'NoCluster',
      `No cluster is known: this is no Pod (KUBERNETES_SERVICE_HOST is not set) and there is no ${file}. Pass --kubeconfig or set KUBECONFIG.`,
    )
  }
  const unusable = (error: unknown): CredentialsError => {
    const message = `The kubeconfig ${file} cannot be used: ${messageOf(error)}`
    return new CredentialsError('UnreadableKubeconfig', message, { cause: error })
  }
  try {
    const { server, namespace, identity } =
      (await readPlainKubeconfig(files, context)) ?? (await readByClientNode(files, context))
    const read = (): Promise<Identity> => identity().catch((error: unknown) => Promise.reject(unusable(error)))
    return { server: new URL(server), namespace, ...cached(read, clock) }
  } catch (error) {
    throw unusable(error)
  }
}

// For users that a plugin or a provider has to be asked for.
async function readByClientNode(files: readonly string[], context: string | undefined): Promise<ReadKubeconfig> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  for (const [at, file] of files.entries()) {
    const one = at === 0 ? config : new KubeConfig()
    one.loadFromFile(file)
    if (at > 0) config.mergeConfig(one, true)
  }
  if (context !== undefined) config.setCurrentContext(context)
  const server = config.getCurrentCluster()?.server
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace
  if (server === undefined) throw new Error('its current context names no cluster')
  const identity = async (): Promise<Identity> => {
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    return { tls: tlsOf(options), authorization: authorizationOf(options) }
  }
  return { server, namespace, identity }
}

function tlsOf({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): TlsMaterial {
  return { ca: ca as Pem, cert: cert as Pem, key: key as Pem, servername, rejectUnauthorized }
}

function authorizationOf({ headers, auth }: RequestOptions): string | undefined {
  if (typeof auth === 'string') return `Basic ${Buffer.from(auth).toString('base64')}`
  return stringAt(headers, 'Authorization')
}

function cached(read: () => Promise<Identity>, clock: Clock): Pick<Credentials, 'identity' | 'forget'> {
  let last: Identity | undefined
  let readAtMs = 0
  let fresh = false
  let reading: Promise<Identity> | undefined
  const readAgain = async (): Promise<Identity> => {
    try {
      const next = await read()
      last = last !== undefined && sameTls(last.tls, next.tls) ? { ...next, tls: last.tls } : next
      readAtMs = clock.nowMs()
      fresh = true
      return last
    } finally {
      reading = undefined
    }
  }
  return {
    identity: async () => {
      if (fresh && last !== undefined && clock.nowMs() - readAtMs < rereadMs) return last
      reading ??= readAgain()
      return reading
    },
    forget: () => void (fresh = false),
  }
}

function sameTls(a: TlsMaterial, b: TlsMaterial): boolean {
  return (
    String(a.ca) === String(b.ca) &&
    String(a.cert) === String(b.cert) &&
    String(a.key) === String(b.key) &&
    a.servername === b.servername &&
    a.rejectUnauthorized === b.rejectUnauthorized
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}

// An API server for tests: real HTTP on 127.0.0.1, a store in memory, and every way to misbehave that the real one and
// the network between have shown. It knows no schema: any group, version and plural exists.
//
// What it does not know: field owners, defaulting, admission, RBAC. What depends on these is tested against the real one.
import * as http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

import type { Credentials, KubeObject, Resource } from '../../../src/io/kube/index.ts'
import { apiVersionOf, keyOfRef } from '../../../src/io/kube/index.ts'
import { type Clock, pause, systemClock } from '../../../src/io/process/clock.ts'
import { type Target, readTarget } from './fake-path.ts'
import { type FakeStore, collectionOf, openStore, patched } from './fake-store.ts'
import { type OpenWatch, type ServedWatch, openServedWatch } from './fake-watch.ts'

export interface Seen {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly authorization: string | undefined
  readonly body: unknown
  readonly isWatch: boolean
}

/** What happens instead of an answer. */
export type Fault =
  | { readonly status: number; readonly reason?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The TCP connection is reset. */
  | 'reset'
  /** The request is read and nothing ever comes back. */
  | 'silence'
  /** 200 with this body. */
  | { readonly raw: string }
  /** The normal answer, so much later. */
  | { readonly delayMs: number }

export interface FakeApiServer {
  readonly store: FakeStore
  readonly credentials: Credentials
  readonly requests: readonly Seen[]
  /** Lists and watches of one resource, as seen. */
  requestsFor(resource: Resource, kind?: 'list' | 'watch'): readonly Seen[]
  /** Creates or updates behind everybody's back. */
  put(resource: Resource, object: Pick<KubeObject, 'metadata'> & Readonly<Record<string, unknown>>): KubeObject
  remove(resource: Resource, key: string): void
  get(resource: Resource, key: string): KubeObject | undefined
  /** For the next `times` requests that match. */
  inject(matches: (seen: Seen) => boolean, fault: Fault, times?: number): { readonly left: number; remove(): void }
  readonly watches: readonly OpenWatch[]
  /** Calls, watches aside, that a fault keeps waiting now. */
  readonly held: number
  /** A BOOKMARK with the newest version to every open watch. */
  bookmark(): void
  expireContinueTokens(): void
  /** Only this token is accepted; undefined: any. */
  setToken(token: string | undefined): void
  /** No more connections, the open ones reset; `start` takes the same port again. */
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

/** `clock`: of the faults that delay. */
export async function openFakeApiServer(clock: Clock = systemClock): Promise<FakeApiServer> {
  const store = openStore()
  const requests: Seen[] = []
  const faults: { matches: (seen: Seen) => boolean; fault: Fault; left: number }[] = []
  const watches = new Set<ServedWatch>()
  const pages = new Map<string, { items: readonly KubeObject[]; version: string }>()
  const sockets = new Set<Socket>()
  let server: http.Server
  let port = 0
  let token: string | undefined
  let tokens = 0
  let held = 0
  store.onChange((change) => {
    for (const watch of watches) watch.send(change)
  })

  function refuse(response: http.ServerResponse, code: number, reason: string, message: string, headers = {}): void {
    response.writeHead(code, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }))
  }

  function answer(response: http.ServerResponse, value: unknown, code = 200): void {
    response.writeHead(code, { 'content-type': 'application/json' })
    response.end(JSON.stringify(value))
  }

  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const seen: Seen = {
      method: request.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      authorization: request.headers.authorization,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
      isWatch: url.searchParams.get('watch') === '1',
    }
    requests.push(seen)
    const at = faults.find(({ matches, left }) => left > 0 && matches(seen))
    if (at !== undefined) {
      at.left--
      const { fault } = at
      if (fault === 'silence') return seen.isWatch ? undefined : holdUntil(closed(request.socket))
      if (fault === 'reset') return void request.socket.resetAndDestroy()
      if ('raw' in fault) return void response.writeHead(200).end(fault.raw)
      if ('status' in fault)
        return refuse(response, fault.status, fault.reason ?? 'Injected', 'injected by the test', fault.headers)
      const delay = pause(clock, fault.delayMs)
      await (seen.isWatch ? delay : holdUntil(delay))
    }
    if (token !== undefined && seen.authorization !== `Bearer ${token}`)
      return refuse(response, 401, 'Unauthorized', 'Unauthorized')
    const target = readTarget(seen.path)
    if (target === undefined) return refuse(response, 404, 'NotFound', 'no such path')
    if (target.name !== undefined) return serveObject(seen, request.headers['content-type'] ?? '', target, response)
    if (seen.method === 'POST') return create(seen, target, response)
    return seen.isWatch ? serveWatch(seen, target, response) : serveList(seen, target, response)
  }

  async function holdUntil(end: Promise<void>): Promise<void> {
    held++
    await end
    held--
  }

  function create(seen: Seen, { collection, namespace }: Target, response: http.ServerResponse): void {
    const object = seen.body as KubeObject
    const name = object.metadata.name ?? `${object.metadata.generateName ?? ''}${store.version()}`
    const key = keyOfRef({ namespace, name })
    if (store.get(collection, key) !== undefined)
      return refuse(response, 409, 'AlreadyExists', `${collection} "${name}" already exists`)
    const whole = {
      ...object,
      metadata: { ...object.metadata, name, ...(namespace === undefined ? {} : { namespace }) },
    }
    answer(response, seen.query['dryRun'] === 'All' ? whole : store.put(collection, key, whole), 201)
  }

  function serveObject(seen: Seen, contentType: string, target: Target, response: http.ServerResponse): void {
    const { collection, namespace, name = '', subresource } = target
    const key = keyOfRef({ namespace, name })
    const known = store.get(collection, key)
    const applies = seen.method === 'PATCH' && contentType.startsWith('application/apply-patch')
    if (known === undefined && applies && subresource === undefined) return create(seen, target, response)
    if (known === undefined) return refuse(response, 404, 'NotFound', `${collection} "${name}" not found`)
    if (seen.method === 'GET') return answer(response, known)
    if (seen.method === 'DELETE') {
      const wanted = (seen.body as { preconditions?: { uid?: string; resourceVersion?: string } } | undefined)
        ?.preconditions
      const { uid, resourceVersion } = known.metadata
      if ((wanted?.uid ?? uid) !== uid || (wanted?.resourceVersion ?? resourceVersion) !== resourceVersion)
        return refuse(response, 409, 'Conflict', 'Precondition failed')
      store.put(collection, key, undefined)
      return answer(response, { kind: 'Status', apiVersion: 'v1', status: 'Success' })
    }
    let next: KubeObject
    if (seen.method === 'PUT') {
      next = seen.body as KubeObject
      const version = next.metadata.resourceVersion
      if (version !== undefined && version !== known.metadata.resourceVersion)
        return refuse(response, 409, 'Conflict', 'the object has been modified')
    } else {
      const outcome = patched(known, contentType, seen.body, subresource)
      if (!outcome.ok)
        return refuse(response, outcome.status, outcome.status === 409 ? 'Conflict' : 'Invalid', outcome.message)
      next = outcome.object
    }
    answer(response, seen.query['dryRun'] === 'All' ? next : store.put(collection, key, next))
  }

  function serveList(seen: Seen, { collection, namespace }: Target, response: http.ServerResponse): void {
    const { limit, labelSelector, fieldSelector } = seen.query
    const from = seen.query['continue']
    const page =
      from === undefined
        ? {
            items: store.list(collection, { namespace, labelSelector, fieldSelector }),
            version: String(store.version()),
          }
        : pages.get(from)
    if (page === undefined) return refuse(response, 410, 'Expired', 'The provided continue parameter is too old')
    const count = limit === undefined ? page.items.length : Number(limit)
    const rest = page.items.slice(count)
    let more: string | undefined
    if (rest.length > 0) pages.set((more = `token-${++tokens}`), { items: rest, version: page.version })
    // As the real one: items of a list carry neither apiVersion nor kind.
    const items = page.items.slice(0, count).map((item) => ({ ...item, apiVersion: undefined, kind: undefined }))
    answer(response, {
      apiVersion: 'v1',
      kind: 'List',
      metadata: { resourceVersion: page.version, continue: more },
      items,
    })
  }

  function serveWatch(seen: Seen, { collection, namespace }: Target, response: http.ServerResponse): void {
    const { labelSelector, fieldSelector } = seen.query
    const selectors = { namespace, labelSelector, fieldSelector }
    const watch = openServedWatch({ store, seen, collection, selectors, response })
    if (watch === undefined) return
    watches.add(watch)
    response.on('close', () => watches.delete(watch))
  }

  async function start(): Promise<void> {
    server = http.createServer((request, response) => void handle(request, response).catch(() => request.destroy()))
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    port = (server.address() as AddressInfo).port
  }

  async function stop(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.resetAndDestroy()
    await closed
  }

  await start()
  return {
    store,
    credentials: {
      server: new URL(`http://127.0.0.1:${port}`),
      identity: () => Promise.resolve({ tls: anonymous }),
      forget: () => {},
    },
    requests,
    requestsFor: (resource, kind) =>
      requests.filter(
        ({ path, method, isWatch }) =>
          method === 'GET' &&
          path.startsWith(`/${resource.group === '' ? 'api' : 'apis'}/${apiVersionOf(resource)}/`) &&
          path.endsWith(`/${resource.plural}`) &&
          (kind === undefined || isWatch === (kind === 'watch')),
      ),
    put: (resource, object) => {
      const { namespace, name = '' } = object.metadata
      const whole = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }
      return store.put(collectionOf(resource), keyOfRef({ namespace, name }), whole)!
    },
    remove: (resource, key) => void store.put(collectionOf(resource), key, undefined),
    get: (resource, key) => store.get(collectionOf(resource), key),
    inject(matches, fault, times = 1) {
      const entry = { matches, fault, left: times }
      faults.push(entry)
      return {
        get left() {
          return entry.left
        },
        remove: () => void (entry.left = 0),
      }
    },
    get watches() {
      return [...watches]
    },
    get held() {
      return held
    },
    bookmark: () => {
      for (const watch of watches) watch.bookmark()
    },
    expireContinueTokens: () => pages.clear(),
    setToken: (next) => void (token = next),
    stop,
    start,
    close: stop,
  }
}

const anonymous = {}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve()
    else socket.once('close', () => resolve())
  })
}

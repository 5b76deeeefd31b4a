// The API server as the lab's own programs see it, as admin: from this machine by a Unix socket that the agent on the
// master forwards.
import {
  type Answer,
  type Credentials,
  type KubeClient,
  type KubeObject,
  type Resource,
  openClient,
} from '../../src/io/kube/index.ts'
import { openTransport } from '../../src/io/kube/transport.ts'
import { systemClock } from '../../src/io/process/clock.ts'
import { silentLog } from '../../src/io/telemetry/log.ts'

export interface SocketOptions {
  readonly server: string
  readonly socket: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export interface ApiAccess {
  readonly client: KubeClient
  /**
   * One request by its path, for what the client has no words for (subresources, deletion at once). Rejects with one
   * sentence unless the answer is a 2xx.
   */
  readonly request: (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ) => Promise<unknown>
  isReady(): Promise<boolean>
  close(): void
}

// Connections are made with the TLS options as they stand: `socketPath` takes them to the socket, the certificate is still
// checked against the address.
export function throughSocket({ server, socket, ...tls }: SocketOptions): Credentials {
  const identity = { tls: { ...tls, socketPath: socket } }
  return { server: new URL(server), identity: () => Promise.resolve(identity), forget: () => {} }
}

export function openApi(credentials: Credentials): ApiAccess {
  const client = openClient(credentials, { log: silentLog, clock: systemClock, userAgent: 'bellhop-lab/1' })
  const transport = openTransport(credentials, { clock: systemClock, userAgent: 'bellhop-lab/1' })
  const request: ApiAccess['request'] = async (method, path, body) => {
    const answer = await transport.send({
      method,
      path,
      timeoutMs: 30_000,
      body: body === undefined ? undefined : JSON.stringify(body),
      contentType: method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    })
    return valueOf(answer)
  }
  return {
    client,
    request,
    async isReady() {
      // The answer is the word `ok`, which is no JSON: what a ready server says is malformed to the transport.
      const answer = await transport.send({ method: 'GET', path: '/readyz', timeoutMs: 2000 })
      return !answer.ok && answer.error.code === 'MalformedAnswer'
    },
    close() {
      client.close()
      transport.close()
    },
  }
}

/** The value of an answer; throws its error as one sentence. */
export function valueOf<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value
  throw new ApiError(answer.error.code, answer.error.message)
}

export class ApiError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'ApiError'
    this.code = code
  }
}

/** Server-side apply as the lab, for objects that it makes itself. */
export async function applyObject(api: ApiAccess, resource: Resource, object: KubeObject): Promise<KubeObject> {
  const { namespace, name = '' } = object.metadata
  return valueOf(
    await api.client.patch(
      { resource, namespace, name },
      { type: 'apply', body: object, fieldManager: 'lab', force: true },
    ),
  )
}

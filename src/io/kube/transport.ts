// One HTTP/1.1 request to the API server, as a whole answer or as a stream. Knows connections, time limits and
// credentials; knows no kinds. Short calls share kept-alive connections; each stream has one of its own, so that no
// call ever waits behind a watch.
import * as http from 'node:http'
import * as https from 'node:https'
import type { Socket } from 'node:net'

import type { Clock } from '../process/clock.ts'
import type { Credentials, Identity, TlsMaterial } from './credentials.ts'
import { kubeError, readRefusal } from './error.ts'
import type { Answer } from './interface.ts'

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With the query. */
  readonly path: string
  readonly contentType?: string
  readonly body?: string | undefined
  /** Until the whole answer is in; of a stream, until its head is. */
  readonly timeoutMs: number
}

export interface Transport {
  /** The JSON of a 2xx answer. Everything else is an error. */
  send(exchange: Exchange): Promise<Answer<unknown>>
  /** The body of a 2xx answer as it comes; whoever gets it must consume or destroy it. */
  open(exchange: Exchange, signal: AbortSignal): Promise<Answer<http.IncomingMessage>>
  close(): void
}

export interface TransportOptions {
  readonly clock: Clock
  readonly userAgent: string
}

// The API server closes idle connections after 90 s: we let go first, so that no request meets a closing one.
const idleMs = 30_000
// With the kernel's ten probes a second apart a vanished peer is noticed in 25 s, also while a watch is silent.
const keepAliveProbeMs = 15_000
const maxConnections = 64

interface Agents {
  readonly tls: TlsMaterial
  readonly calls: http.Agent
  readonly streams: http.Agent
}

export function openTransport(credentials: Credentials, { clock, userAgent }: TransportOptions): Transport {
  const { server } = credentials
  const module = server.protocol === 'http:' ? http : https
  const basePath = server.pathname.replace(/\/$/, '')
  /** One for each exchange that has not ended. */
  const underway = new Set<AbortController>()
  let closed = false
  let agents: Agents | undefined

  function agentsFor(tls: TlsMaterial): Agents {
    if (agents?.tls === tls) return agents
    // What still runs on the old agents ends there; their idle connections end after idleMs.
    const material = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
    agents = {
      tls,
      calls: new module.Agent({ ...material, keepAlive: true, maxSockets: maxConnections, timeout: idleMs }),
      streams: new module.Agent({ ...material, keepAlive: false }),
    }
    return agents
  }

  /** Resolves with the head of the answer, or with what kept it from coming. */
  function exchangeOnce(
    { method, path, contentType, body }: Exchange,
    identity: Identity,
    kind: 'calls' | 'streams',
    signal: AbortSignal,
  ): Promise<Answer<http.IncomingMessage> & { readonly worthRetrying?: boolean }> {
    const name = nameOf(method, path)
    return new Promise((resolve) => {
      const headers: http.OutgoingHttpHeaders = { accept: 'application/json', 'user-agent': userAgent }
      if (identity.authorization !== undefined) headers['authorization'] = identity.authorization
      if (body !== undefined) {
        headers['content-type'] = contentType ?? 'application/json'
        headers['content-length'] = Buffer.byteLength(body)
      }
      const request = module.request(
        {
          agent: agentsFor(identity.tls)[kind],
          hostname: server.hostname.replace(/^\[|\]$/g, ''),
          port: server.port === '' ? undefined : server.port,
          method,
          path: basePath + path,
          headers,
          signal,
        },
        (response) => resolve({ ok: true, value: response }),
      )
      request.on('socket', (socket: Socket) => void socket.setKeepAlive(true, keepAliveProbeMs))
      // A failure after the head shows at the response; this listener then only keeps it from being thrown.
      request.on('error', (error: NodeJS.ErrnoException) => {
        const staleConnection = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        resolve({
          ok: false,
          error: kubeError('Unreachable', name, error.message),
          worthRetrying: staleConnection && method === 'GET',
        })
      })
      request.end(body)
    })
  }

  /** With the second chances: a kept connection that had died meanwhile (reads only), and a token that was rotated. */
  async function exchangeHead(
    exchange: Exchange,
    kind: 'calls' | 'streams',
    signal: AbortSignal,
  ): Promise<Answer<http.IncomingMessage>> {
    const name = nameOf(exchange.method, exchange.path)
    for (let attempt = 1; ; attempt++) {
      let identity: Identity
      try {
        identity = await credentials.identity()
      } catch (error) {
        return { ok: false, error: kubeError('Unauthorized', name, messageOf(error)) }
      }
      const answer = await exchangeOnce(exchange, identity, kind, signal)
      if (!answer.ok) {
        if (answer.worthRetrying === true && attempt === 1) continue
        return { ok: false, error: answer.error }
      }
      const response = answer.value
      const status = response.statusCode ?? 0
      if (status >= 200 && status < 300) return answer
      const body = await readBody(response, name)
      if (status === 401) {
        credentials.forget()
        if (attempt === 1) continue
      }
      return {
        ok: false,
        error: readRefusal({
          request: name,
          status,
          retryAfter: response.headers['retry-after'],
          body: body.ok ? (parseJson(body.value) ?? { message: firstLine(body.value) }) : undefined,
          wallMs: clock.wallMs(),
        }),
      }
    }
  }

  /** Runs `work` with a signal that fires at the time limit or at `close`; what came of the limit is a Timeout. */
  async function within<T>(
    { method, path, timeoutMs }: Exchange,
    controller: AbortController,
    work: (signal: AbortSignal) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const name = nameOf(method, path)
    if (closed) return { ok: false, error: kubeError('Unreachable', name, 'the client is closed') }
    let late = false
    const timer = clock.after(timeoutMs, () => {
      late = true
      controller.abort()
    })
    underway.add(controller)
    const answer = await work(controller.signal)
    timer.cancel()
    if (answer.ok || !late) return answer
    return { ok: false, error: kubeError('Timeout', name, `no complete answer within ${timeoutMs} ms`) }
  }

  return {
    async send(exchange) {
      const controller = new AbortController()
      const answer = await within(exchange, controller, async (signal): Promise<Answer<unknown>> => {
        const name = nameOf(exchange.method, exchange.path)
        const head = await exchangeHead(exchange, 'calls', signal)
        if (!head.ok) return head
        const body = await readBody(head.value, name)
        if (!body.ok) return body
        const value = parseJson(body.value)
        if (value !== undefined) return { ok: true, value }
        return { ok: false, error: kubeError('MalformedAnswer', name, `not JSON: ${firstLine(body.value)}`) }
      })
      underway.delete(controller)
      return answer
    },

    async open(exchange, signal) {
      const controller = new AbortController()
      const stop = (): void => controller.abort()
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop)
      const release = (): void => {
        underway.delete(controller)
        signal.removeEventListener('abort', stop)
      }
      const head = await within(exchange, controller, (limited) => exchangeHead(exchange, 'streams', limited))
      if (head.ok) head.value.once('close', release)
      else release()
      return head
    },

    close() {
      closed = true
      for (const controller of underway) controller.abort()
      agents?.calls.destroy()
      agents?.streams.destroy()
    },
  }
}

/** `GET /api/v1/services`: for messages; never with the query, which may be long. */
export function nameOf(method: string, path: string): string {
  return `${method} ${path.split('?', 1)[0] ?? path}`
}

function readBody(response: http.IncomingMessage, name: string): Promise<Answer<string>> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    // The response lives as long as its connection is kept: it must not keep the answer with it.
    let settle: typeof resolve | undefined = resolve
    const end = (answer: Answer<string>): void => {
      settle?.(answer)
      settle = undefined
    }
    const fail = (why: string): void => end({ ok: false, error: kubeError('Unreachable', name, why) })
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () => end({ ok: true, value: Buffer.concat(chunks.splice(0)).toString('utf8') }))
    response.on('error', (error) => fail(error.message))
    response.on('close', () => fail('the connection broke within the answer'))
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, 200)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

// HTTPS for the API server's admission reviews: one POST path per handler, JSON in, JSON out.
//
// It refuses what is no review at the door (content type, size, JSON), cuts slow clients, bounds connections and memory,
// answers in time, changes its certificate without closing a connection, and on shutdown answers what it has taken. What
// a review means is the handler's. HTTP/1.1 only: the API server itself asks a webhook's Service for nothing else, so
// that its calls spread over the replicas (kubernetes issue 75791).
import { type Server, createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express'
import type { Log } from '../telemetry/log.ts'
import type { ListenAddress } from './health.ts'

export interface ServingCertificate {
  readonly certificatePem: string
  readonly keyPem: string
}

/** `body` undefined: only `message`, as plain text. */
export type HandlerAnswer =
  { readonly status: 200; readonly body: unknown } | { readonly status: 400; readonly message: string }

/** `receivedMs`: monotonic time (performance.now) at which the request's head had arrived. */
export type ReviewHandler = (body: unknown, receivedMs: number) => Promise<HandlerAnswer>

export interface AdmissionServer {
  readonly port: number
  /** New connections get the new certificate, those there are stay. Throws when the PEM is unusable. */
  setCertificate(certificate: ServingCertificate): void
  /**
   * Asks callers to let go of their connections (`Connection: close`) for `lameDuckMs`, while the endpoints lose this
   * replica; then accepts nothing more, and resolves when everything taken is answered, or after `drainMs`.
   */
  close(options: { readonly lameDuckMs: number; readonly drainMs: number }): Promise<void>
}

/** As controller-runtime: an object may be 3 MiB, and an update carries two. */
export const maxBodyBytes = 7 * 1024 * 1024

// The API server gives up after 3 s (timeoutSeconds), so nobody waits for what comes later.
const requestTimeoutMs = 5_000
const answerTimeoutMs = 2_900
// The API server lets go of a connection that was idle for 90 s: it must be the first, or a review meets a closed one.
const idleConnectionMs = 120_000
// An API server has one connection for each review under way.
const mostConnections = 1_000
// Anyone in the cluster can connect. Reviews of Services and of our kinds are small and always read; bodies larger than
// that share a bound, far below the memory limit of the Pod.
const smallBodyBytes = 64 * 1024
const mostLargeBytes = 8 * maxBodyBytes
// A client that still sends what was refused by its length would see a broken connection instead of the sentence.
const drainRefusedMs = 1_000

/** Rejects when the address cannot be listened on, throws when the certificate is unusable. */
export async function openAdmissionServer(options: {
  readonly listen: ListenAddress
  readonly certificate: ServingCertificate
  readonly handlers: ReadonlyMap<string, ReviewHandler>
  readonly log: Log
  /** For tests: bounds of their own. */
  readonly requestTimeoutMs?: number
  readonly answerTimeoutMs?: number
  readonly mostConnections?: number
}): Promise<AdmissionServer> {
  const { listen, certificate, handlers, log } = options
  let closing = false
  const letGo = (response: Response): void => {
    if (closing && !response.headersSent) response.setHeader('connection', 'close')
  }
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use((_request, response, next) => {
    response.locals['receivedMs'] = performance.now()
    letGo(response)
    next()
  })
  app.use(checkRequest(handlers))
  app.use(boundLargeBodies())
  app.use(express.json({ limit: maxBodyBytes, type: () => true }))
  const timeoutMs = options.answerTimeoutMs ?? answerTimeoutMs
  for (const [path, handler] of handlers) app.post(path, answerWith(handler, { log, timeoutMs, letGo }))
  app.use(answerError(log))

  const server = createServer(
    {
      ...contextOf(certificate),
      requestTimeout: options.requestTimeoutMs ?? requestTimeoutMs,
      headersTimeout: options.requestTimeoutMs ?? requestTimeoutMs,
      handshakeTimeout: options.requestTimeoutMs ?? requestTimeoutMs,
      keepAliveTimeout: idleConnectionMs,
      connectionsCheckingInterval: 500,
      noDelay: true,
    },
    app,
  )
  server.maxConnections = options.mostConnections ?? mostConnections
  server.on('drop', () => log.warn('too many connections', { most: server.maxConnections }))
  const sockets = trackSockets(server)
  server.on('tlsClientError', (error) => log.debug('TLS handshake failed', { reason: error.message }))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    setCertificate: (next) => server.setSecureContext(contextOf(next)),
    async close({ lameDuckMs, drainMs }) {
      closing = true
      await new Promise((resolve) => setTimeout(resolve, lameDuckMs))
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      await waitAtMost(drainMs, closed)
      for (const socket of sockets) socket.destroy()
    },
  }
}

function contextOf({ certificatePem, keyPem }: ServingCertificate): {
  cert: string
  key: string
  minVersion: 'TLSv1.2'
} {
  return { cert: certificatePem, key: keyPem, minVersion: 'TLSv1.2' }
}

// Before the body is read, so that a wrong request costs nothing.
function checkRequest(handlers: ReadonlyMap<string, ReviewHandler>): RequestHandler {
  return (request, response, next) => {
    if (!handlers.has(request.path)) return refuse(response, 404, `nothing is served at ${request.path}`)
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      return refuse(response, 405, `${request.method} is not served here: admission reviews are POSTed`)
    }
    if (!isJson(request)) return refuse(response, 415, 'the content type of an admission review is application/json')
    if (lengthOf(request) > maxBodyBytes) {
      return afterBody(request, () => refuse(response, 413, `a review is at most ${maxBodyBytes} bytes long`))
    }
    next()
  }
}

function isJson(request: Request): boolean {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  return type.trim().toLowerCase() === 'application/json'
}

/** Bytes that the body may have: as announced, or 0 when nothing is. */
function lengthOf(request: Request): number {
  return Number(request.headers['content-length'] ?? 0)
}

function boundLargeBodies(): RequestHandler {
  let heldBytes = 0
  return (request, response, next) => {
    const announced = request.headers['content-length'] === undefined ? maxBodyBytes : lengthOf(request)
    if (announced <= smallBodyBytes) return next()
    if (heldBytes + announced > mostLargeBytes) {
      response.setHeader('retry-after', '1')
      return refuse(response, 503, 'too many large reviews are being read: try again')
    }
    heldBytes += announced
    response.once('close', () => (heldBytes -= announced))
    next()
  }
}

/** Throws the body away, for a while at most, and goes on. */
function afterBody(request: Request, next: () => void): void {
  const finish = (): void => {
    clearTimeout(timer)
    request.off('end', finish).off('close', finish)
    next()
  }
  const timer = setTimeout(finish, drainRefusedMs)
  request.once('end', finish).once('close', finish).resume()
}

function refuse(response: Response, status: number, sentence: string): void {
  if (response.destroyed) return
  response.setHeader('connection', 'close')
  response.status(status).type('text/plain').send(`${sentence}\n`)
}

interface Answering {
  readonly log: Log
  readonly timeoutMs: number
  /** Called before an answer is sent. */
  readonly letGo: (response: Response) => void
}

function answerWith(handler: ReviewHandler, { log, timeoutMs, letGo }: Answering): RequestHandler {
  return async (request, response) => {
    const body: unknown = request.body
    const receivedMs = response.locals['receivedMs'] as number
    const answer = await inTime(handler(body, receivedMs), receivedMs + timeoutMs - performance.now())
    if (response.destroyed) return log.debug('the caller did not wait for the answer', { path: request.path })
    letGo(response)
    if (answer === 'late') {
      log.error('a review was not answered in time', { path: request.path, timeoutMs })
      return void response.status(503).type('text/plain').send('the review was not answered in time\n')
    }
    if (answer.status === 200) response.json(answer.body)
    else response.status(answer.status).type('text/plain').send(`${answer.message}\n`)
  }
}

async function inTime<T>(work: Promise<T>, ms: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, ms, 'late')))
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

// Errors of the body parser carry the status they mean; anything else is a fault of ours, and the API server goes on
// without us (failurePolicy Ignore).
function answerError(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const { status, type, message } = error as { status?: number; type?: string; message?: string }
    if (type === 'request.aborted') return log.debug('the caller went away', { path: request.path })
    if (status === undefined || status >= 500) {
      log.error('a review was not answered', { path: request.path, error })
      response.status(500).type('text/plain').send('the review could not be answered\n')
      return
    }
    const tooLarge = type === 'entity.too.large'
    const sentence = tooLarge
      ? `a review is at most ${maxBodyBytes} bytes long`
      : `the review cannot be read: ${(message ?? '').replaceAll(/\s+/g, ' ')}`
    refuse(response, status, sentence)
  }
}

function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

function waitAtMost(ms: number, until: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void until.then(() => {
      clearTimeout(timer)
      return resolve()
    })
  })
}

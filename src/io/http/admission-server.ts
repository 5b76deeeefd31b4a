// HTTPS for the API server's admission reviews: one POST path per handler, JSON in, JSON out.
//
// It refuses what is no review at the door (content type, size, JSON), cuts slow clients, changes its certificate
// without closing a connection, and on shutdown answers what it has taken. What a review means is the handler's.
import { type Server, createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from 'express'
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
const idleConnectionMs = 120_000

/** Rejects when the address cannot be listened on, throws when the certificate is unusable. */
export async function openAdmissionServer(options: {
  readonly listen: ListenAddress
  readonly certificate: ServingCertificate
  readonly handlers: ReadonlyMap<string, ReviewHandler>
  readonly log: Log
  /** For tests. */
  readonly requestTimeoutMs?: number
}): Promise<AdmissionServer> {
  const { listen, certificate, handlers, log } = options
  let closing = false
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use((_request, response, next) => {
    response.locals['receivedMs'] = performance.now()
    if (closing) response.setHeader('connection', 'close')
    next()
  })
  app.use(checkRequest(handlers))
  app.use(express.json({ limit: maxBodyBytes, type: () => true }))
  for (const [path, handler] of handlers) app.post(path, answerWith(handler, log))
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
    const refuse = (status: number, message: string): void => {
      response.setHeader('connection', 'close')
      response.status(status).type('text/plain').send(`${message}\n`)
    }
    if (!handlers.has(request.path)) return refuse(404, `nothing is served at ${request.path}`)
    if (request.method !== 'POST')
      return refuse(405, `${request.method} is not served here: admission reviews are POSTed`)
    if (!isJson(request)) {
      return refuse(415, 'the content type of an admission review is application/json')
    }
    next()
  }
}

function isJson(request: Request): boolean {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  return type.trim().toLowerCase() === 'application/json'
}

function answerWith(handler: ReviewHandler, log: Log): RequestHandler {
  return async (request, response) => {
    const body: unknown = request.body
    const answer = await handler(body, response.locals['receivedMs'] as number)
    if (response.destroyed) return log.debug('the caller did not wait for the answer', { path: request.path })
    if (answer.status === 200) response.json(answer.body)
    else response.status(answer.status).type('text/plain').send(`${answer.message}\n`)
  }
}

// Errors of the body parser carry the status they mean; anything else is a fault of ours, and the API server goes on
// without us (failurePolicy Ignore).
function answerError(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const { status, type, message } = error as { status?: number; type?: string; message?: string }
    if (status === undefined || status >= 500) {
      log.error('a review was not answered', { path: request.path, error })
      response.status(500).type('text/plain').send('the review could not be answered\n')
      return
    }
    if (type === 'request.aborted') return log.debug('the caller went away', { path: request.path })
    response.setHeader('connection', 'close')
    const said = type === 'entity.too.large' ? `a review is at most ${maxBodyBytes} bytes long` : (message ?? '')
    response.status(status).type('text/plain').send(`the review cannot be read: ${said}\n`)
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

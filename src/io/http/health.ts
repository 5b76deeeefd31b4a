// GET /healthz, /readyz and /metrics on one plain HTTP listener of the node or pod address.
//
// /healthz answers 200 as long as the event loop turns: it never depends on the API server, so that an outage there
// restarts nothing (design §6). /readyz answers 503 with the reason until `ready` says true.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Exposition } from '../telemetry/metrics.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export interface HealthServer {
  /** The port really listened on (asked for 0: any). */
  readonly port: number
  close(): Promise<void>
}

/** Rejects when the address cannot be listened on. `ready` returns true, or the sentence that says what is missing. */
export async function openHealthServer(options: {
  readonly listen: ListenAddress
  readonly ready: () => true | string
  readonly exposition: Exposition
}): Promise<HealthServer> {
  const { listen, ready, exposition } = options
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'text/plain', 'only GET is served\n')
    const path = (request.url ?? '').split('?')[0] ?? ''
    switch (path) {
      case '/healthz':
        return answer(200, 'text/plain', 'ok\n')
      case '/readyz': {
        const state = ready()
        return state === true ? answer(200, 'text/plain', 'ok\n') : answer(503, 'text/plain', `${state}\n`)
      }
      case '/metrics':
        exposition.text().then(
          (text) => answer(200, exposition.contentType, text),
          (error: unknown) => answer(500, 'text/plain', `the metrics could not be written: ${String(error)}\n`),
        )
        return
      default:
        return answer(404, 'text/plain', 'served: /healthz, /readyz, /metrics\n')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

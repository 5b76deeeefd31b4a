// The lab's hand in a node's namespace, as a program: the lab itself runs outside and can open no connection there.
//
//   node node-agent.ts [SOCKET HOST PORT]
//
//   1. With arguments it forwards every connection to the Unix socket SOCKET to HOST:PORT: so the lab reaches the API
//      server. A socket in the file system is the same in all network namespaces.
//   2. It reads probes as lines of JSON from its standard input and answers each with a line: an HTTP status or an error.
//   3. It ends with its standard input, and so never outlives the lab.
import * as http from 'node:http'
import * as https from 'node:https'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

export interface ProbeRequest {
  readonly id: number
  readonly scheme: 'HTTP' | 'HTTPS'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly timeoutMs: number
}

export type ProbeAnswer =
  { readonly id: number; readonly status: number } | { readonly id: number; readonly error: string }

const [socket, host, port] = process.argv.slice(2)
if (socket !== undefined) {
  createServer((client) => {
    const server = connect(Number(port), host)
    client.pipe(server).pipe(client)
    client.on('error', () => server.destroy())
    server.on('error', () => client.destroy())
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  }).listen(socket, () => process.stdout.write('ready\n'))
} else {
  process.stdout.write('ready\n')
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const probe = JSON.parse(line) as ProbeRequest
    void send(probe).then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`))
  })
  .on('close', () => process.exit(0))

/** As kubelet does it: a new connection each time, no look at the certificate. */
function send({ id, scheme, host, port, path, timeoutMs }: ProbeRequest): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const options = { host, port, path, agent: false, timeout: timeoutMs, headers: { connection: 'close' } } as const
    const onResponse = (response: http.IncomingMessage): void => {
      response.resume()
      resolve({ id, status: response.statusCode ?? 0 })
    }
    const request =
      scheme === 'HTTPS'
        ? https.get({ ...options, rejectUnauthorized: false }, onResponse)
        : http.get(options, onResponse)
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    request.on('error', (error) => resolve({ id, error: error.message }))
  })
}

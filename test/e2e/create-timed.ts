// Creates Services over the API, one after the other, and watches each until its status has an address: runs in a
// namespace from which the API server is reached, prints a JSON array with wall times in milliseconds. kubectl's own start
// would hide what is measured.
//
//   node create-timed.ts KUBECONFIG [--no-ingress] < services.json      an array; --no-ingress: do not wait for addresses
import { readFileSync } from 'node:fs'
import { Agent, type RequestOptions, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { parse } from 'yaml'

export interface CreateTimes {
  readonly name: string
  readonly addressInAnswer: string | null
  readonly poolInAnswer: string | null
  readonly startMs: number
  readonly answeredMs: number
  readonly ingressMs: number | null
  readonly ingress: string | null
}

interface Kubeconfig {
  readonly clusters: readonly { cluster: { server: string; 'certificate-authority-data': string } }[]
  readonly users: readonly { user: Readonly<Record<string, string>> }[]
}

interface ServiceObject {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly annotations?: Record<string, string>
  }
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } }
}

const deadlineMs = 20_000
const config = parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Kubeconfig
const cluster = config.clusters[0]?.cluster
const user = config.users[0]?.user ?? {}
if (cluster === undefined) throw new Error('the kubeconfig has no cluster')
const server = new URL(cluster.server)
const decode = (data: string | undefined): Buffer | undefined =>
  data === undefined ? undefined : Buffer.from(data, 'base64')
const base: RequestOptions = {
  host: server.hostname,
  port: server.port,
  agent: new Agent({ keepAlive: true }),
  ca: decode(cluster['certificate-authority-data']),
  cert: decode(user['client-certificate-data']),
  key: decode(user['client-key-data']),
  headers: {
    'content-type': 'application/json',
    ...(user['token'] === undefined ? {} : { authorization: `Bearer ${user['token']}` }),
  },
}

const waitsForIngress = !process.argv.includes('--no-ingress')
const services = JSON.parse(await text(process.stdin)) as readonly ServiceObject[]
await call('GET', '/version') // the connection and its TLS handshake are not what is measured
const all: CreateTimes[] = []
for (const service of services) all.push(await createOne(service))
process.stdout.write(`${JSON.stringify(all)}\n`)
process.exit(0)

async function createOne(service: ServiceObject): Promise<CreateTimes> {
  const path = `/api/v1/namespaces/${service.metadata.namespace}/services`
  const watch = waitsForIngress ? await watchIngress(path, service.metadata.name) : undefined
  const startMs = now()
  const { status, body } = await call('POST', path, JSON.stringify(service))
  const answeredMs = now()
  if (status !== 201) throw new Error(`the create was answered ${status}: ${body}`)
  const annotations = (JSON.parse(body) as ServiceObject).metadata.annotations ?? {}
  const seen = await watch?.seen
  return {
    name: service.metadata.name,
    addressInAnswer: annotations['eip.openelb.kubesphere.io/v1alpha1'] ?? null,
    poolInAnswer: annotations['eip.openelb.kubesphere.io/v1alpha2'] ?? null,
    startMs,
    answeredMs,
    ingressMs: seen?.atMs ?? null,
    ingress: seen?.ip ?? null,
  }
}

function now(): number {
  return performance.timeOrigin + performance.now()
}

function call(method: string, target: string, payload?: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...base, method, path: target }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
    })
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}

interface Seen {
  readonly ip: string
  readonly atMs: number
}

/** Resolves once the watch is open; `seen` when the Service has an ingress address, or undefined at the deadline. */
function watchIngress(path: string, name: string): Promise<{ readonly seen: Promise<Seen | undefined> }> {
  const query = `watch=true&fieldSelector=metadata.name%3D${name}`
  return new Promise((opened, reject) => {
    const outgoing = request({ ...base, agent: false, method: 'GET', path: `${path}?${query}` }, (response) => {
      const seen = new Promise<Seen | undefined>((resolve) => {
        const limit = setTimeout(() => resolve(undefined), deadlineMs)
        let rest = ''
        response.setEncoding('utf8')
        response.on('error', () => undefined) // the watch is cut below, once it has told what it was opened for
        response.on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) {
            const event = JSON.parse(line) as { object: ServiceObject }
            const ip = event.object.status?.loadBalancer?.ingress?.[0]?.ip
            if (ip === undefined) continue
            clearTimeout(limit)
            resolve({ ip, atMs: now() })
            outgoing.destroy()
            return
          }
        })
      })
      opened({ seen })
    })
    outgoing.on('error', reject) // after `opened` it changes nothing
    outgoing.end()
  })
}

// Creates Services over the API, one after the other or some at once, and watches each until its status has an address: runs in a
// namespace from which the API server is reached, prints a JSON array with wall times in milliseconds. kubectl's own start
// would hide what is measured.
//
//   node create-timed.ts KUBECONFIG [--no-ingress] [--at-once N] < services.json
//
// The input is an array. --no-ingress: do not wait for addresses. --at-once: so many creates are under way all the time,
// and addresses are waited for when all are created.
import { readFileSync } from 'node:fs'
import { Agent, type RequestOptions, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
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

const { values: options, positionals } = parseArgs({
  options: { 'no-ingress': { type: 'boolean' }, 'at-once': { type: 'string', default: '1' } },
  allowPositionals: true,
})
const atOnce = Number(options['at-once'])
const deadlineMs = atOnce === 1 ? 20_000 : 120_000
const config = parse(readFileSync(positionals[0] ?? '', 'utf8')) as Kubeconfig
const cluster = config.clusters[0]?.cluster
const user = config.users[0]?.user ?? {}
if (cluster === undefined) throw new Error('the kubeconfig has no cluster')
const server = new URL(cluster.server)
const decode = (data: string | undefined): Buffer | undefined =>
  data === undefined ? undefined : Buffer.from(data, 'base64')
const base: RequestOptions = {
  host: server.hostname,
  port: server.port,
  agent: new Agent({ keepAlive: true, maxSockets: atOnce }),
  ca: decode(cluster['certificate-authority-data']),
  cert: decode(user['client-certificate-data']),
  key: decode(user['client-key-data']),
  headers: {
    'content-type': 'application/json',
    ...(user['token'] === undefined ? {} : { authorization: `Bearer ${user['token']}` }),
  },
}

const waitsForIngress = options['no-ingress'] !== true
const services = JSON.parse(await text(process.stdin)) as readonly ServiceObject[]
// The connections and their TLS handshakes are not what is measured.
await Promise.all(Array.from({ length: atOnce }, () => call('GET', '/version')))
const seenAt = new Map<string, Seen>()
const waiting = new Map<string, (seen: Seen) => void>()
await watchIngress() // also when nobody waits for it: what is compared must cost the same
const created: Created[] = []
const left = services.values()
await Promise.all(Array.from({ length: atOnce }, createOnes))
const all = await Promise.all(created.map(finish))
process.stdout.write(`${JSON.stringify(all)}\n`, () => process.exit(0))

type Created = Omit<CreateTimes, 'ingressMs' | 'ingress'>

async function createOnes(): Promise<void> {
  for (const service of left) {
    const one = await createOne(service)
    created.push(one)
    if (atOnce === 1) await finish(one)
  }
}

async function finish(one: Created): Promise<CreateTimes> {
  const seen = waitsForIngress ? await ingressOf(one.name) : undefined
  return { ...one, ingressMs: seen?.atMs ?? null, ingress: seen?.ip ?? null }
}

async function createOne(service: ServiceObject): Promise<Created> {
  const path = `/api/v1/namespaces/${service.metadata.namespace}/services`
  const startMs = now()
  const { status, body } = await call('POST', path, JSON.stringify(service))
  const answeredMs = now()
  if (status !== 201) throw new Error(`the create was answered ${status}: ${body}`)
  const annotations = (JSON.parse(body) as ServiceObject).metadata.annotations ?? {}
  return {
    name: service.metadata.name,
    addressInAnswer: annotations['eip.openelb.kubesphere.io/v1alpha1'] ?? null,
    poolInAnswer: annotations['eip.openelb.kubesphere.io/v1alpha2'] ?? null,
    startMs,
    answeredMs,
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

/** Resolves with the first address in the status of the Service, or undefined at the deadline. */
function ingressOf(name: string): Promise<Seen | undefined> {
  return new Promise((resolve) => {
    const known = seenAt.get(name)
    if (known !== undefined) return resolve(known)
    const limit = setTimeout(() => resolve(undefined), deadlineMs)
    waiting.set(name, (seen) => {
      clearTimeout(limit)
      resolve(seen)
    })
  })
}

/** One watch of all Services for the whole run, from now on; resolves when it is open. */
async function watchIngress(): Promise<void> {
  const { body } = await call('GET', '/api/v1/services?limit=1')
  const { resourceVersion } = (JSON.parse(body) as { metadata: { resourceVersion: string } }).metadata
  const path = `/api/v1/services?watch=true&resourceVersion=${resourceVersion}`
  return new Promise((opened, reject) => {
    const outgoing = request({ ...base, agent: false, method: 'GET', path }, (response) => {
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) takeEvent((JSON.parse(line) as { object: ServiceObject }).object)
      })
      opened()
    })
    outgoing.on('error', reject) // after `opened` it changes nothing
    outgoing.end()
  })
}

function takeEvent({ metadata, status }: ServiceObject): void {
  const ip = status?.loadBalancer?.ingress?.[0]?.ip
  if (ip === undefined || seenAt.has(metadata.name)) return
  const seen: Seen = { ip, atMs: now() }
  seenAt.set(metadata.name, seen)
  waiting.get(metadata.name)?.(seen)
}

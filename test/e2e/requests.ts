// A client as a program: runs in the client's namespace, sends HTTP requests over new connections (so that each has a
// source port of its own and ECMP spreads them), prints one line of JSON. Bounded in count and time.
//
//   node requests.ts URL --count 300 --parallel 10 --timeout-ms 2000
//   node requests.ts URL --until-first --deadline-ms 10000      stops at the first good answer
//   node requests.ts URL --until-closed --parallel 10           goes on until its standard input ends
import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'

export interface RequestsReport {
  readonly good: number
  readonly failed: number
  /** Answers by `node`, then by `pod`, as the pods name themselves. */
  readonly byNode: Readonly<Record<string, number>>
  readonly byPod: Readonly<Record<string, number>>
  /** Wall time of the first good answer, milliseconds. */
  readonly firstGoodMs: number | null
  /** Of the good ones, milliseconds. */
  readonly slowestMs: number
  readonly errors: readonly string[]
}

interface Answer {
  readonly pod: string
  readonly node: string
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '1' },
    'timeout-ms': { type: 'string', default: '2000' },
    'until-first': { type: 'boolean', default: false },
    'until-closed': { type: 'boolean', default: false },
    'deadline-ms': { type: 'string', default: '10000' },
    'pause-ms': { type: 'string', default: '0' },
  },
})
const url = new URL(positionals[0] ?? 'http://127.0.0.1/')
const timeoutMs = Number(options['timeout-ms'])
const pauseMs = Number(options['pause-ms'])

const byNode: Record<string, number> = {}
const byPod: Record<string, number> = {}
const errors = new Set<string>()
let good = 0
let failed = 0
let firstGoodMs: number | null = null
let slowestMs = 0

if (options['until-first']) {
  const deadline = Date.now() + Number(options['deadline-ms'])
  while (firstGoodMs === null && Date.now() < deadline) {
    await one(Math.min(timeoutMs, 100))
    if (firstGoodMs === null) await wait(5)
  }
} else {
  let left = options['until-closed'] ? Number.POSITIVE_INFINITY : Number(options.count)
  if (options['until-closed']) process.stdin.resume().once('end', () => (left = 0))
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await one(timeoutMs)
      if (pauseMs > 0) await wait(pauseMs)
    }
  }
  await Promise.all(Array.from({ length: Number(options.parallel) }, worker))
}
const report: RequestsReport = { good, failed, byNode, byPod, firstGoodMs, slowestMs, errors: [...errors].slice(0, 5) }
process.stdout.write(`${JSON.stringify(report)}\n`)

async function one(limitMs: number): Promise<void> {
  const startedMs = performance.now()
  try {
    const { pod, node } = await get(limitMs)
    good += 1
    slowestMs = Math.max(slowestMs, Math.round(performance.now() - startedMs))
    firstGoodMs ??= Date.now()
    byNode[node] = (byNode[node] ?? 0) + 1
    byPod[pod] = (byPod[pod] ?? 0) + 1
  } catch (error) {
    failed += 1
    errors.add(error instanceof Error ? error.message : String(error))
  }
}

function get(limitMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false, headers: { connection: 'close' } }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('end', () => {
        clearTimeout(limit)
        try {
          resolve(JSON.parse(body) as Answer)
        } catch {
          reject(new Error(`answer is no JSON: ${body.slice(0, 80)}`))
        }
      })
    })
    const limit = setTimeout(() => outgoing.destroy(new Error(`no answer within ${limitMs} ms`)), limitMs)
    outgoing.on('error', (error) => {
      clearTimeout(limit)
      reject(error)
    })
    outgoing.end()
  })
}

// What the client behind the spine sees, and when the leaves' kernels learn a route.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

import type { Lab } from '../lab/index.ts'
import type { CreateTimes } from './create-timed.ts'
import type { RequestsReport } from './requests.ts'

const node = join(import.meta.dirname, '../../node_modules/.bin/node')

export async function sendRequests(
  lab: Lab,
  address: string,
  options: Readonly<Record<string, string | number | true>>,
): Promise<RequestsReport> {
  const flags = Object.entries(options).flatMap(([key, value]) =>
    value === true ? [`--${key}`] : [`--${key}`, String(value)],
  )
  const program = join(import.meta.dirname, 'requests.ts')
  const text = await lab.read('client', [node, program, `http://${address}/`, ...flags], { timeoutMs: 120_000 })
  return JSON.parse(text) as RequestsReport
}

/** Creates the Service over one warm connection and resolves when its status has an address. */
export async function createTimed(lab: Lab, service: object): Promise<CreateTimes> {
  const program = join(import.meta.dirname, 'create-timed.ts')
  const input = JSON.stringify(service)
  return JSON.parse(await lab.read('master', [node, program, lab.files.kubeconfig], { input })) as CreateTimes
}

export interface RouteWatch {
  /** Wall time, milliseconds, of the first route to the address on each leaf; resolves when all have it. */
  readonly seen: Promise<Readonly<Record<'leaf1' | 'leaf2', { readonly address: string; readonly atMs: number }>>>
  stop(): void
}

/** Listens to the kernels' routing tables on both leaves for the first new host route of the pool. */
export function watchRoutes(lab: Lab, poolStart: string): RouteWatch {
  const stops: (() => void)[] = []
  const first = (leaf: 'leaf1' | 'leaf2'): Promise<{ address: string; atMs: number }> =>
    new Promise((resolve, reject) => {
      const child = spawn('ip', ['netns', 'exec', lab.namespace(leaf), 'ip', 'monitor', 'route'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const limit = setTimeout(() => reject(new Error(`${leaf} learnt no route to ${poolStart}… within 20 s`)), 20_000)
      stops.push(() => {
        clearTimeout(limit)
        child.kill('SIGKILL')
      })
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (!line.startsWith(poolStart)) return
        clearTimeout(limit)
        resolve({ address: line.split(' ')[0] ?? '', atMs: performance.timeOrigin + performance.now() })
      })
    })
  const seen = Promise.all([first('leaf1'), first('leaf2')]).then(([leaf1, leaf2]) => ({ leaf1, leaf2 }))
  seen.catch(() => undefined) // told to whoever awaits it; not lost when the claim failed before
  return { seen, stop: () => stops.forEach((stop) => stop()) }
}

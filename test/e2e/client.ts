// What the client behind the spine sees, and when the leaves' kernels learn a route.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { type Lab, waitFor } from '../lab/index.ts'
import type { CreateTimes } from './create-timed.ts'
import type { HeldConnection } from './connections.ts'
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
  const output = await lab.read('client', [node, program, `http://${address}/`, ...flags], { timeoutMs: 120_000 })
  return JSON.parse(output) as RequestsReport
}

export interface Traffic {
  /** Lets the requests under way end. */
  stop(): Promise<RequestsReport>
}

/** Sends requests over new connections, several at a time, until it is stopped; resolves when they are answered. */
export async function openTraffic(lab: Lab, address: string): Promise<Traffic> {
  await everyNodeAnswers(lab, address)
  const flags = ['--until-closed', '--parallel', '8', '--pause-ms', '20', '--timeout-ms', '5000']
  const stop = startClient(lab, 'requests.ts', `http://${address}/`, ...flags)
  return { stop: async () => JSON.parse(await stop()) as RequestsReport }
}

export interface Connections {
  /** What became of each. */
  close(): Promise<readonly HeldConnection[]>
}

/** Holds so many connections open and uses them, until they are closed. */
export async function openConnections(lab: Lab, address: string, count: number): Promise<Connections> {
  await everyNodeAnswers(lab, address)
  const close = startClient(lab, 'connections.ts', `http://${address}/`, String(count))
  return { close: async () => JSON.parse(await close()) as readonly HeldConnection[] }
}

/** A program in the client's namespace; the function ends its standard input and resolves with what it prints. */
function startClient(lab: Lab, program: string, ...args: readonly string[]): () => Promise<string> {
  const argv = ['netns', 'exec', lab.namespace('client'), node, join(import.meta.dirname, program), ...args]
  const child = spawn('ip', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  const output = text(child.stdout)
  return () => {
    child.stdin.end()
    return output
  }
}

/**
 * Waits until 30 connections in a row, spread over the nodes by ECMP, are answered: kube-proxy follows a Service at its
 * own pace, at most once a second, and what comes before is refused.
 */
export async function everyNodeAnswers(lab: Lab, host: string): Promise<void> {
  let seen = ''
  await waitFor(
    `every node lets connections to ${host} through`,
    async () => {
      const { good, errors } = await sendRequests(lab, host, { count: 30, parallel: 10 })
      seen = `${good} of 30 requests were answered: ${[...new Set(errors)].join('; ')}`
      return good === 30
    },
    { timeoutMs: 20_000, everyMs: 200, missing: () => seen },
  )
}

export interface CreateOptions {
  /** Do not wait for addresses. */
  readonly noIngress?: boolean
  /** So many creates are under way all the time; default: one after the other, each waited for. */
  readonly atOnce?: number
  readonly timeoutMs?: number
}

/** Creates the Services over warm connections; resolves when each has an address in its status. */
export async function createTimed(
  lab: Lab,
  services: readonly object[],
  { noIngress = false, atOnce = 1, timeoutMs = 120_000 }: CreateOptions = {},
): Promise<readonly CreateTimes[]> {
  const program = join(import.meta.dirname, 'create-timed.ts')
  const input = JSON.stringify(services)
  const flags = [...(noIngress ? ['--no-ingress'] : []), '--at-once', String(atOnce)]
  const argv = [node, program, lab.files.kubeconfig, ...flags]
  return JSON.parse(await lab.read('master', argv, { input, timeoutMs })) as readonly CreateTimes[]
}

export interface RouteWatch {
  /** Wall time, milliseconds, at which both leaves' kernels had a route to the address; rejects after 20 s. */
  routed(address: string): Promise<Readonly<Record<'leaf1' | 'leaf2', number>>>
  stop(): void
}

/** Listens to the kernels' routing tables on both leaves; resolves when it listens. */
export async function watchRoutes(lab: Lab): Promise<RouteWatch> {
  const leaves = ['leaf1', 'leaf2'] as const
  const seen = { leaf1: new Map<string, number>(), leaf2: new Map<string, number>() }
  const children = leaves.map((leaf) => {
    const argv = ['netns', 'exec', lab.namespace(leaf), 'ip', 'monitor', 'route']
    const child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'ignore'] })
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [address = ''] = line.split(' ')
      if (!seen[leaf].has(address)) seen[leaf].set(address, performance.timeOrigin + performance.now())
    })
    return child
  })
  // A route of our own, made and taken away until it is heard of, says that the listener listens.
  for (const leaf of leaves) {
    await waitFor(`the routes of ${leaf} are listened to`, async () => {
      await lab.exec(leaf, 'ip route add 198.51.100.1/32 dev lo; ip route del 198.51.100.1/32 dev lo')
      return seen[leaf].has('198.51.100.1')
    })
  }
  return {
    async routed(address) {
      const at = (leaf: 'leaf1' | 'leaf2'): Promise<number> =>
        waitFor(`${leaf} has a route to ${address}`, () => seen[leaf].get(address), { timeoutMs: 20_000, everyMs: 20 })
      return { leaf1: await at('leaf1'), leaf2: await at('leaf2') }
    },
    stop: () => children.forEach((child) => child.kill('SIGKILL')),
  }
}

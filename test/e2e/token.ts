// The API server as one of the programs sees it: with the token that its Pod has, by curl from a node.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { type Lab, type NodeName, nodes } from '../lab/index.ts'
import { podsDirectory } from '../lab/kubelet.ts'
import { expect } from './claim.ts'

/** A request that a program may try. */
export interface Try {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: object
}

export interface Answer {
  readonly status: number
  /** What the API server said to it. */
  readonly message: string
}

/** The token of a running Pod of the program. */
export function tokenOf(lab: Lab, program: string, node?: NodeName): string {
  const run = lab.pods().find((each) => each.programName() === program && (node === undefined || each.node === node))
  if (run === undefined) throw new Error(`no ${program} runs`)
  return readFileSync(join(podsDirectory(lab.files.state), run.pod.uid, 'serviceaccount', 'token'), 'utf8')
}

/** Tries it without lasting effect (dryRun): who may do it is judged all the same. */
export async function tryAs(lab: Lab, token: string, { method, path, body }: Try): Promise<Answer> {
  const url = new URL(path, 'https://kubernetes.default.svc')
  if (method !== 'GET') url.searchParams.set('dryRun', 'All')
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const argv = [
    ...['curl', '-sS', '-m', '20', '-k', '--connect-to', `::${nodes.master.address}:6443`, '-X', method],
    ...['-H', '@-', '-H', `Content-Type: ${type}`, '-w', '\n%{http_code}'],
    ...(body === undefined ? [] : ['--data-binary', JSON.stringify(body)]),
    url.href,
  ]
  // By standard input: whoever lists the processes does not see it.
  const said = await lab.read('master', argv, { input: `Authorization: Bearer ${token}\n` })
  const end = said.lastIndexOf('\n')
  const status = Number(said.slice(end + 1))
  return { status, message: status < 400 ? '' : messageIn(said.slice(0, end)) }
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { readonly message?: string }).message ?? text
  } catch {
    return text
  }
}

/** Every try is answered with 403; all are made before it fails, and those that were allowed are named. */
export async function expectForbidden(lab: Lab, token: string, tries: readonly Try[]): Promise<void> {
  const wrong: string[] = []
  await inTurns(tries, async (each) => {
    const { status, message } = await tryAs(lab, token, each)
    if (status !== 403) wrong.push(`${each.method} ${each.path} was answered with ${status} ${message}`)
  })
  expect(wrong.length === 0, wrong.join('; '))
}

export async function expectAllowed(lab: Lab, token: string, tries: readonly Try[]): Promise<void> {
  const wrong: string[] = []
  await inTurns(tries, async (each) => {
    const { status, message } = await tryAs(lab, token, each)
    if (status >= 300) wrong.push(`${each.method} ${each.path} was answered with ${status} ${message}`)
  })
  expect(wrong.length === 0, wrong.join('; '))
}

// A few at a time: each is a process of its own.
async function inTurns<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const work = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item)
  }
  await Promise.all(Array.from({ length: 4 }, work))
}

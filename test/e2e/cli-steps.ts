// `kubectl bellhop …` as an operator runs it, in the lab.
import { join } from 'node:path'
import type { Lab } from '../lab/index.ts'
import { expect } from './claim.ts'

/** Compiled, as it is shipped. */
const programOf = (lab: Lab): string => join(lab.files.state, 'programs/cli/main.js')

export interface CliSaid {
  readonly status: number | null
  readonly out: string
  readonly err: string
  readonly tookMs: number
}

/** With the admin's kubeconfig, from a place that reaches the API server; whatever its exit status. */
export async function bellhop(lab: Lab, args: readonly string[], timeoutMs = 120_000): Promise<CliSaid> {
  const startMs = performance.now()
  const argv = [process.execPath, programOf(lab), '--kubeconfig', lab.files.kubeconfig, ...args]
  const { status, stdout, stderr } = await lab.exec('master', argv, { timeoutMs })
  return { status, out: stdout, err: stderr, tookMs: performance.now() - startMs }
}

/** Fails when it ends with another status, with what it said. */
export async function bellhopSays(
  lab: Lab,
  args: readonly string[],
  wanted: number,
  timeoutMs?: number,
): Promise<CliSaid> {
  const said = await bellhop(lab, args, timeoutMs)
  const heard = `${said.out}${said.err}`.trim().slice(-1500)
  expect(said.status === wanted, `"${args.join(' ')}" ended with ${said.status} and not ${wanted}: ${heard}`)
  return said
}

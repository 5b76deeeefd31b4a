// Takes the steps of a page in a lab, in order, and compares what came with what the page shows. Rules: README.md.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

import { runCommand } from '../lab/command.ts'
import type { Lab } from '../lab/index.ts'
import { addresses } from '../lab/topology.ts'
import { waitFor } from '../lab/wait.ts'
import { type Place, type Step, readSteps } from './blocks.ts'
import { type Known, compareShown, nothingKnown, withLearned, withSaid } from './shape.ts'

const repository = join(import.meta.dirname, '../..')
/** What a reader would look at again until it has come about. */
const looks =
  /^(kubectl (-n \S+ )?(bellhop (status|explain|pools|peers|racks|services)|get|describe|events|logs|wait|rollout status|auth can-i)|curl|ip|ping|nft|ss) /
/** What ends with 1 when it finds something wrong, which is an answer. */
const judges = /^kubectl bellhop (status|explain|pools|peers|racks|services|simulate) ?/
const looksForMs = 40_000
const failures = /^(error|Error|curl: \(|The request is invalid|The \S+ ".*" is invalid)/

/** Whether a command may end with this status when it prints what is shown. */
function mayEndWith(status: number | null, what: string, shown: readonly string[] | undefined): boolean {
  if (status === 0 || shown === undefined) return status === 0
  return failures.test(shown[0] ?? '') || (status === 1 && judges.test(what))
}

export interface GuideReport {
  /** Commands, files and lines of configuration that were tried. */
  readonly tried: number
  /** Reasons of those that were not. */
  readonly untested: readonly string[]
  /** Steps that took two seconds or more. */
  readonly slow: readonly { readonly line: number; readonly seconds: number }[]
}

/** Rejects with the line of the page and what was wrong there. */
export async function runGuide(lab: Lab, path: string): Promise<GuideReport> {
  const steps = readSteps(readFileSync(path, 'utf8'))
  const folder = mkdtempSync(join(tmpdir(), 'bellhop-guide-'))
  try {
    const environment = furnish(lab, folder)
    // Addresses of the network stand for themselves wherever a page shows them.
    let known = withSaid(Object.values(addresses).flat().join(' '), nothingKnown)
    const untested: string[] = []
    const slow: { readonly line: number; readonly seconds: number }[] = []
    for (const step of steps) {
      const startMs = performance.now()
      try {
        if (step.kind === 'untested') untested.push(step.reason)
        else known = await takeStep(lab, step, { folder, environment, known })
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error)
        throw new Error(`${basename(path)}:${step.line}: ${what}`, { cause: error })
      }
      const seconds = (performance.now() - startMs) / 1000
      if (seconds >= 2) slow.push({ line: step.line, seconds })
    }
    return { tried: steps.length - untested.length, untested, slow }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The folder in which commands run, with what a checkout has; answers with the PATH on which kubectl is. */
function furnish(lab: Lab, folder: string): Readonly<Record<string, string>> {
  for (const name of ['manifests', 'charts']) {
    if (existsSync(join(repository, name))) symlinkSync(join(repository, name), join(folder, name))
  }
  const bin = join(folder, '.bin')
  mkdirSync(bin)
  symlinkSync(lab.files.kubectl, join(bin, 'kubectl'))
  const node = join(repository, 'node_modules/.bin/node')
  const compiled = join(lab.files.state, 'programs/cli/main.js')
  const program = existsSync(compiled) ? compiled : join(repository, 'cli/main.ts')
  const plugin = `#!/bin/sh\nexec '${node}' '${program}' "$@"\n`
  writeFileSync(join(bin, 'kubectl-bellhop'), plugin, { mode: 0o755 })
  return { PATH: `${bin}:${process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'}` }
}

interface Stand {
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  readonly known: Known
}

/** Answers with what is known after it. */
async function takeStep(lab: Lab, step: Exclude<Step, { kind: 'untested' }>, stand: Stand): Promise<Known> {
  switch (step.kind) {
    case 'file': {
      const known = withSaid(step.text, stand.known)
      writeFileSync(join(stand.folder, step.name), withLearned(step.text, known))
      return known
    }
    case 'configure': {
      const text = (await lab.router(step.router, ['configure terminal', ...step.lines])).trim()
      if (/^%|Unknown command/m.test(text)) throw new Error(`FRR does not take the configuration: ${text}`)
      return withSaid(step.lines.join('\n'), stand.known)
    }
    case 'ask': {
      const known = withSaid(step.command, stand.known)
      const command = withLearned(step.command, known)
      return untilShown(step.command, step.shown, known, true, async () => ({
        status: 0,
        text: await lab.router(step.router, [command]),
      }))
    }
    case 'command': {
      const known = withSaid(step.command, stand.known)
      const command = withLearned(step.command, known)
      const looking = command.split('\n').every((line) => looks.test(`${line.trim()} `))
      return untilShown(step.command, step.shown, known, looking, () => runShell(lab, step.place, command, stand))
    }
  }
}

interface Printed {
  readonly status: number | null
  /** Both streams, as a terminal shows them. */
  readonly text: string
}

async function runShell(lab: Lab, place: Place, command: string, { folder, environment }: Stand): Promise<Printed> {
  const argv = ['sh', '-c', `exec 2>&1; set -eu\n${command}`]
  const options = { cwd: folder, env: environment }
  const { status, stdout, stderr } =
    place === 'here' ? await runCommand(argv, options) : await lab.exec(place, argv, options)
  return { status, text: stdout + stderr }
}

/** Runs it, where it only looks again and again, until it prints what is shown; resolves with what is known then. */
async function untilShown(
  what: string,
  shown: readonly string[] | undefined,
  known: Known,
  looking: boolean,
  run: () => Promise<Printed>,
): Promise<Known> {
  let wrong = ''
  const attempt = async (): Promise<Known | undefined> => {
    const { status, text } = await run()
    if (!mayEndWith(status, what, shown)) {
      wrong = `it ended with ${status ?? 'a signal'} and printed:\n${text}`
      return undefined
    }
    if (shown === undefined) return known
    const comparison = compareShown(shown, text, known)
    if (comparison.same) return comparison.known
    wrong = `the page shows "${comparison.missing}", it printed:\n${text}`
    return undefined
  }
  if (looking) return waitFor(what, attempt, { timeoutMs: looksForMs, everyMs: 250, missing: () => wrong })
  const after = await attempt()
  if (after === undefined) throw new Error(`${what}: ${wrong}`)
  return after
}

// `make test` and `make test-long`: every stage of tests one after the other, then the table of cases.
//
//   unit, property, scenario   in this machine's loopback only
//   interop                    our BGP engine against real daemons, in namespaces
//   install                    the Helm chart, the overlays and the images, with helm and kustomize themselves
//   lab                        the whole network with a real control plane: the claims of `make lab-check`
//
// Stages run even when an earlier one failed, so that one run tells everything. Exit status 1 when anything failed.
import { globSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

import { readCommandLine, refuseCommandLine } from './command-line.ts'
import { type Outcome, casesTable } from './test/cases.ts'

interface Stage {
  readonly name: string
  readonly files: readonly string[]
  /** Test files at a time: those that own namespaces and daemons take turns. */
  readonly concurrency: number
}

const usage = `usage: node tools/test.ts [--long] [--only STAGE] [--no-lab]

  --long         the long variants too: full fuzzing, minutes of outage and of waiting (make test-long)
  --only STAGE   one of: unit, property, scenario, interop, install, e2e, lab
  --no-lab       everything that needs no control plane
`

const { values: options } = readCommandLine(usage, {
  long: { type: 'boolean', default: false },
  only: { type: 'string' },
  'no-lab': { type: 'boolean', default: false },
})
if (options.long) process.env['BELLHOP_TEST_LONG'] = '1'

const stages: readonly Stage[] = [
  stage('unit', 2),
  stage('property', 2),
  stage('scenario', 2),
  stage('interop', 1),
  stage('install', 1),
  ...(options['no-lab'] ? [] : [stage('e2e', 1)]),
]
const knownStages = [...stages.map(({ name }) => name), 'lab']
if (options.only !== undefined && !knownStages.includes(options.only)) {
  refuseCommandLine(usage, `no stage is named ${options.only}: the stages are ${knownStages.join(', ')}`)
}

const outcomes: Outcome[] = []
for (const { name, files, concurrency } of stages) {
  if ((options.only ?? name) !== name) continue
  if (files.length === 0) continue
  process.stdout.write(`\n== ${name}: ${files.length} files\n`)
  outcomes.push(...(await runFiles(files, concurrency)))
}
if (!options['no-lab'] && (options.only ?? 'lab') === 'lab') {
  process.stdout.write('\n== lab: the claims of `make lab-check`\n')
  const { runLabCheck } = await import('../test/e2e/lab-check.ts')
  outcomes.push(...(await runLabCheck({ all: options.long })))
}

const failed = outcomes.filter(({ passed }) => !passed)
process.stdout.write(`\n${casesTable(outcomes)}\n\n`)
for (const { name } of failed) process.stdout.write(`failed: ${name}\n`)
process.stdout.write(`${outcomes.length - failed.length} passed, ${failed.length} failed\n`)
process.exit(failed.length > 0 || outcomes.length === 0 ? 1 : 0)

function stage(name: string, concurrency: number): Stage {
  return { name, concurrency, files: globSync(`test/${name}/**/*.test.ts`).toSorted((a, b) => a.localeCompare(b)) }
}

/** Runs the files in processes of their own and prints as node's own runner does; resolves with one outcome per test. */
async function runFiles(files: readonly string[], concurrency: number): Promise<readonly Outcome[]> {
  const results: Outcome[] = []
  const stream = run({ files: [...files], concurrency, timeout: 600_000 })
  stream.on('test:pass', (test) => {
    // A suite passes when its tests do; a test that was skipped or left to do has shown nothing.
    if (test.details.type === 'suite' || test.skip !== undefined || test.todo !== undefined) return
    results.push({ name: test.name, passed: true })
  })
  stream.on('test:fail', (test) => {
    if (test.todo === undefined) results.push({ name: test.name, passed: false })
  })
  for await (const chunk of stream.compose(new spec())) process.stdout.write(chunk as Buffer)
  return results
}

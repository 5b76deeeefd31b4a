// `make bench`: every measure, a line each, and all of them in test/bench/out/results.json.
// A measure is judged as a ratio against a baseline of the same run, since machines are noisy.
import { mkdirSync, writeFileSync } from 'node:fs'

import { readCommandLine, refuseCommandLine } from '../../tools/command-line.ts'
import type { Measure, Report } from './measure.ts'

const suites: Readonly<Record<string, (report: Report) => Promise<void>>> = {
  'engine: encoding': async (report) => (await import('./bgp-encode.ts')).measure(report),
  'engine: 100,000 prefixes': async (report) => (await import('./bgp-transfer.ts')).measure(report),
  'engine: one change, 10,000 held': async (report) => (await import('./bgp-change.ts')).measure(report),
  'engine: memory': async (report) => (await import('./bgp-memory.ts')).measure(report),
  'allocator: a large pool': async (report) => (await import('./allocator.ts')).measure(report),
  'speaker: 1,000 Services': async (report) => (await import('./speaker/index.ts')).measure(report, [1_000]),
  'speaker: 10,000 Services': async (report) => (await import('./speaker/index.ts')).measure(report, [10_000]),
  'speaker: 10,000 host routes': async (report) => (await import('./host-routes.ts')).measure(report),
  'speaker: requests of 100 nodes': async (report) => (await import('./speaker-requests.ts')).measure(report),
  'lab: the time line of a Service': async (report) => (await import('./lab-timeline.ts')).measure(report),
  'lab: creates, when none exist': async (report) => (await import('./creates.ts')).measureEmpty(report),
  'lab: creates, when 10,000 exist': async (report) => (await import('./creates.ts')).measureFull(report),
}

const usage = `usage: node test/bench/run.ts [PATTERN]

  PATTERN   a regular expression: only the suites whose titles match, as 'none exist|encoding', of
${Object.keys(suites)
  .map((title) => `              ${title}\n`)
  .join('')}`
const [pattern = ''] = readCommandLine(usage, {}, 1).positionals
const only = new RegExp(pattern)
if (!Object.keys(suites).some((title) => only.test(title))) refuseCommandLine(usage, `no suite matches ${pattern}`)
const all: Measure[] = []
for (const [title, measure] of Object.entries(suites)) {
  if (!only.test(title)) continue
  process.stdout.write(`== ${title}\n`)
  await measure((...measures) => {
    all.push(...measures)
    for (const each of measures) process.stdout.write(`${line(each)}\n`)
  })
}
const out = new URL('./out/', import.meta.url)
mkdirSync(out, { recursive: true })
writeFileSync(new URL('results.json', out), `${JSON.stringify(all, undefined, 2)}\n`)
const missed = all.filter(({ ok }) => !ok)
process.stdout.write(`${all.length} measures, ${missed.length} over their bar; test/bench/out/results.json\n`)
process.exit(missed.length > 0 ? 1 : 0)

function line({ name, value, unit, baseline, ratio, bar, ok }: Measure): string {
  const against = ratio === null ? '' : `  ${round(ratio)} x baseline ${round(baseline ?? 0)} ${unit}`
  return `${ok ? 'ok  ' : 'MISS'} ${name.padEnd(44)} ${round(value)} ${unit}${against}  (bar ${bar})`
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

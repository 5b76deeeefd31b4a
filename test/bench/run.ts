// `make bench`: every measure, a line each, and all of them in test/bench/out/results.json.
// A measure is judged as a ratio against a baseline of the same run, since machines are noisy.
import { mkdirSync, writeFileSync } from 'node:fs'

import type { Measure } from './measure.ts'

const suites: readonly (readonly [string, () => Promise<{ readonly measure: () => Promise<readonly Measure[]> }>])[] = [
  ['engine: encoding', () => import('./bgp-encode.ts')],
  ['allocator: a large pool', () => import('./allocator.ts')],
  ['lab: the time line of a Service', () => import('./lab-timeline.ts')],
]

const all: Measure[] = []
for (const [title, load] of suites) {
  process.stdout.write(`== ${title}\n`)
  const { measure } = await load()
  for (const each of await measure()) {
    all.push(each)
    process.stdout.write(`${line(each)}\n`)
  }
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

// A finding or stage as it is printed: mark, name, sentence, and its lines below.
import type { Finding } from '../src/core/explain/index.ts'
import type { Paint } from './print.ts'

const marks = { ok: 'ok', warn: 'warn', fail: 'FAIL', unknown: '?' } as const

export function findingLines({ name, state, says, details }: Finding<string>, paint: Paint): readonly string[] {
  const colour = { ok: paint.good, warn: paint.warn, fail: paint.bad, unknown: paint.dim }[state]
  return [
    `  ${colour(marks[state].padEnd(4))}  ${name.padEnd(9)}  ${says}`,
    ...details.map((line) => `${' '.repeat(19)}${paint.dim(line)}`),
  ]
}

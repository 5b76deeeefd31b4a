// `pools`, `peers`, `racks`, `services`: a row for each object, what is wrong below, exit status 1 if something grave is.
import type { Reason } from '../src/core/model/index.ts'
import type { Paint } from './print.ts'

export interface Problem extends Reason {
  readonly grave: boolean
}

/** The last column. */
export function stateCell(problems: readonly Problem[], paint: Paint): string {
  const worst = problems.find(({ grave }) => grave) ?? problems[0]
  if (worst === undefined) return paint.good('ok')
  return worst.grave ? paint.bad(worst.code) : paint.warn(worst.code)
}

export function problemLines(problems: readonly Problem[], paint: Paint): readonly string[] {
  if (problems.length === 0) return []
  return [
    '',
    ...problems.map(({ code, message, grave }) => `${grave ? paint.bad(code) : paint.warn(code)}: ${message}`),
  ]
}

export function areGrave(rows: readonly { readonly problems: readonly Problem[] }[]): boolean {
  return rows.some(({ problems }) => problems.some(({ grave }) => grave))
}

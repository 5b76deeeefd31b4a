// The table at the end of `make test`: each case of the catalogue, whether a test that carries its ID passed.
import { existsSync, readFileSync } from 'node:fs'

export interface Outcome {
  /** Name of a test; the IDs of the cases that it covers stand at its start. */
  readonly name: string
  readonly passed: boolean
}

type State = 'passed' | 'FAILED' | 'not covered yet'

const catalogue = new URL('../../../shared/reference/cases.md', import.meta.url)

/** IDs stand at the start of a test's name, after an optional number of a claim: `3. RACK-01 RACK-02 leaf1 has …`. */
export function coveredIds(name: string): readonly string[] {
  const start = /^(?:\d+\.\s+)?((?:[A-Z0-9]+-\d\d[\s,:]+)+)/.exec(name)
  return start?.[1]?.match(/[A-Z0-9]+-\d\d/g) ?? []
}

/** Text of the table, ending with the line `cases: P passed, F failed, U uncovered`. */
export function casesTable(outcomes: readonly Outcome[]): string {
  const states = new Map<string, State>()
  for (const id of readCatalogue()) states.set(id, 'not covered yet')
  for (const { name, passed } of outcomes) {
    for (const id of coveredIds(name)) {
      states.set(id, passed && states.get(id) !== 'FAILED' ? 'passed' : 'FAILED')
    }
  }
  const count = (state: State): number => [...states.values()].filter((each) => each === state).length
  const rows = [...states].map(([id, state]) => `${id.padEnd(8)} ${state}`)
  const summary = `cases: ${count('passed')} passed, ${count('FAILED')} failed, ${count('not covered yet')} uncovered`
  return [...rows, summary].join('\n')
}

function readCatalogue(): readonly string[] {
  if (!existsSync(catalogue)) return []
  return [...readFileSync(catalogue, 'utf8').matchAll(/^\| ([A-Z0-9]+-\d\d) \|/gm)].flatMap(([, id]) =>
    id ? [id] : [],
  )
}

// docs/operations/failures.md promises that a test shows each row: what it names is there.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/operations/failures.md'), 'utf8')

/** The body rows of its tables, by cell. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (fails|-)/.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\||\|$/g, '').trim()))

const testNames = globSync(['test/e2e/claims/*.ts', 'test/{unit,scenario,interop,property}/**/*.test.ts'], {
  cwd: root,
})
  .filter((path) => !path.startsWith('test/unit/docs/'))
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n')

test('the tables can be read', () => {
  assert.ok(rows.length >= 25, `${rows.length} rows`)
  for (const row of rows) assert.equal(row.length, 5, row[0])
})

for (const row of rows) {
  test(`failures.md, "${row[0]}": what shows it is there`, () => {
    const named = [...(row[4] ?? '').matchAll(/`([^`]+)`/g)].flatMap(([, name]) => name ?? [])
    assert.ok(named.length > 0, 'nothing is named')
    for (const name of named) {
      if (name.includes('/')) assert.ok(existsSync(join(root, name)), `${name} is not there`)
      else assert.match(testNames, new RegExp(`['"\`][^'"\`\n]*\\b${name}\\b`), `no test is named ${name}`)
    }
  })
}

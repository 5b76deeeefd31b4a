// docs/reference/bgp.md says which test shows what: every one of them must exist.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const root = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/reference/bgp.md', root), 'utf8')
const links = [...page.matchAll(/\]\(\.\.\/\.\.\/(?<path>[^)]+)\)(?: “(?<name>[^”]+)”)?/g)].map(({ groups }) => ({
  path: groups?.['path'] ?? '',
  name: groups?.['name'],
}))

test('docs/reference/bgp.md: every test that it names exists', () => {
  assert.ok(links.length > 80, `${links.length} tests are named`)
  for (const { path, name } of links) {
    assert.ok(existsSync(new URL(path, root)), path)
    if (name === undefined) continue
    const source = readFileSync(new URL(path, root), 'utf8').replaceAll("\\'", "'")
    assert.ok(source.includes(name.replaceAll('\\|', '|')), `${path} has no test “${name}”`)
  }
})

test('docs/reference/bgp.md: every clause names a test', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && line.split(' | ').length === 4)
  const clauses = rows.filter((row) => !/^\| (Clause|-)/.test(row))
  assert.ok(clauses.length > 50)
  for (const row of clauses) assert.match(row, /\]\(\.\.\/\.\.\/test\//)
})

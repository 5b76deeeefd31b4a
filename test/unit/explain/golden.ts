// Printed answers, each in a file of its own that a person can read. BELLHOP_UPDATE_GOLDEN=1 writes them anew: read what
// has changed as somebody would whose Service does not work.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const goldenFolder = join(import.meta.dirname, 'golden')

export function expectGolden(name: string, lines: readonly string[]): void {
  const file = join(goldenFolder, `${name}.txt`)
  const text = `${lines.join('\n')}\n`
  if (process.env['BELLHOP_UPDATE_GOLDEN'] === '1') writeFileSync(file, text)
  assert.ok(existsSync(file), `there is no ${file}; BELLHOP_UPDATE_GOLDEN=1 writes it`)
  assert.equal(text, readFileSync(file, 'utf8'))
}

// The pages of docs/guide as steps: what the lab is going to run can be read.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { readSteps } from '../../guides/blocks.ts'

const folder = join(import.meta.dirname, '../../../docs/guide')

for (const page of globSync('*.md', { cwd: folder }).toSorted((a, b) => a.localeCompare(b))) {
  const text = readFileSync(join(folder, page), 'utf8')

  test(`docs/guide/${page}: every block can be run, or says why not`, () => {
    const steps = readSteps(text)
    const tried = steps.filter(({ kind }) => kind !== 'untested')
    if (page !== 'README.md') assert.ok(tried.length > 0, 'the page has nothing to run')
    assert.ok(steps.length - tried.length <= tried.length, 'more is left untried than tried')
  })

  test(`docs/guide/${page}: no command hides outside the blocks that are run`, () => {
    const hidden = text.split('\n').filter((line) => /^( {4,}|\t)(kubectl|curl|ip|vtysh) /.test(line))
    const inBlocks = new Set(
      readSteps(text).flatMap((step) => (step.kind === 'command' ? step.command.split('\n') : [])),
    )
    assert.deepEqual(
      hidden.filter((line) => !inBlocks.has(line)),
      [],
    )
  })
}

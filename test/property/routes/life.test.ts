// Host routes through random lives, against a model of the kernel: what others do there, requests that fail, restarts.
import { test } from 'node:test'
import * as fc from 'fast-check'

import { hardLife, plainLife } from './acts.ts'
import { live } from './life.ts'
import { modelKernel } from './model.ts'

const runs = process.env['BELLHOP_TEST_LONG'] === undefined ? 300 : 10_000

void test('whatever others do, once quiet ours is what is wanted, theirs is untouched, each repair is counted once', async () => {
  await fc.assert(
    fc.asyncProperty(plainLife, (acts) => live(acts, modelKernel(), { exact: true })),
    { numRuns: runs },
  )
})

void test('the same when requests fail: a refusal, a lost answer, a wrong one, a list with holes', async () => {
  await fc.assert(
    fc.asyncProperty(hardLife, (acts) => live(acts, modelKernel(), { exact: false })),
    { numRuns: runs },
  )
})

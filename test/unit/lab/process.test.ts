import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

import { readCommand, runCommand } from '../../lab/command.ts'
import { isAlive, readStartTime } from '../../lab/record.ts'
import { GiveUp, waitFor } from '../../lab/wait.ts'

test('a process is told from a later one of the same number by its start time', async () => {
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  const startTime = readStartTime(pid) ?? 0
  assert.ok(startTime > 0)
  assert.equal(isAlive({ pid, startTime }), true)
  assert.equal(isAlive({ pid, startTime: startTime - 1 }), false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(isAlive({ pid, startTime }), false)
})

test('a wait that fails says what was missing', async () => {
  await assert.rejects(
    waitFor('the tide is in', () => false, { timeoutMs: 20, everyMs: 5, missing: () => 'two metres' }),
    /the tide is in: not within 0\.02 s \(two metres\)/,
  )
  const failing = (): never => {
    throw new Error('no moon')
  }
  await assert.rejects(waitFor('the tide is in', failing, { timeoutMs: 20, everyMs: 5 }), /no moon/)
})

test('a wait ends with the first answer, and at once when there is no hope', async () => {
  let asked = 0
  assert.equal(await waitFor('a number', () => (++asked === 3 ? asked : undefined), { everyMs: 1 }), 3)
  const hopeless = (): never => {
    throw new GiveUp('etcd has ended')
  }
  await assert.rejects(waitFor('the API server is ready', hopeless, { timeoutMs: 60_000 }), /etcd has ended/)
})

test('a command tells its status and its output; one that must succeed rejects with its complaint', async () => {
  const { status, stdout, stderr } = await runCommand(['sh', '-c', 'cat; echo no >&2; exit 3'], { input: 'yes' })
  assert.deepEqual([status, stdout, stderr], [3, 'yes', 'no\n'])
  await assert.rejects(readCommand(['sh', '-c', 'echo no >&2; exit 3']), /ended with 3: no/)
  await assert.rejects(runCommand(['/no/such/program']), /cannot be run/)
})

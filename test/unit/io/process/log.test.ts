import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const module = new URL('../../../../src/io/telemetry/log.ts', import.meta.url).href

function linesOf(script: string): Record<string, unknown>[] {
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(child.status, 0, child.stderr)
  return child.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

void test('a line of JSON per call on standard output, with level, time, program, message and fields', () => {
  const [info, warn, refused, none] = linesOf(`
    import { openLog } from '${module}'
    const log = openLog({ program: 'speaker', level: 'info' })
    log.debug('not this one')
    log.info('ready', { peers: 2 })
    log.child({ peer: 'leaf1' }).warn('session down', { error: new Error('reset') })
    log.warn('refused', { error: { code: 'Conflict', message: 'changed' } })
    process.exit(0)
  `)
  assert.equal(none, undefined)
  const { time, ...rest } = info ?? {}
  assert.deepEqual(rest, { level: 'info', program: 'speaker', peers: 2, msg: 'ready' })
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/)
  assert.equal(warn?.['peer'], 'leaf1')
  assert.equal((warn['error'] as { message: string }).message, 'reset')
  assert.deepEqual(refused?.['error'], { code: 'Conflict', message: 'changed' })
})

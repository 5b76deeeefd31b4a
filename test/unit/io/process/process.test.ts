import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'

import { pause, systemClock } from '../../../../src/io/process/clock.ts'
import { openCommand, readServeAddress } from '../../../../src/io/process/config.ts'
import { onShutdown } from '../../../../src/io/process/shutdown.ts'
import { silentLog } from '../../../../src/io/telemetry/log.ts'
import { manualClock, settle } from './manual-clock.ts'

void test('the system clock fires later, in order, and not when cancelled', async () => {
  const fired: string[] = []
  systemClock.after(20, () => fired.push('late'))
  systemClock.after(0, () => fired.push('early'))
  systemClock.after(-5, () => fired.push('overdue'))
  systemClock.after(5, () => fired.push('cancelled')).cancel()
  assert.deepEqual(fired, [])
  const startMs = systemClock.nowMs()
  await pause(systemClock, 40)
  assert.deepEqual(new Set(fired), new Set(['early', 'late', 'overdue']))
  assert.equal(fired.at(-1), 'late')
  assert.ok(systemClock.nowMs() - startMs >= 39)
  assert.ok(Math.abs(systemClock.wallMs() - Date.now()) < 1000)
})

void test('a delay longer than setTimeout can is not none at all', async () => {
  let fired = false
  const timer = systemClock.after(Number.MAX_SAFE_INTEGER, () => (fired = true))
  await pause(systemClock, 5)
  timer.cancel()
  assert.equal(fired, false)
})

void test('a pause ends with its signal and leaves no timer', async () => {
  const clock = manualClock()
  const abort = new AbortController()
  let over = false
  const pausing = pause(clock, 1000, abort.signal).then(() => (over = true))
  await clock.advance(999)
  assert.equal(over, false)
  abort.abort()
  await pausing
  assert.equal(clock.waiting, 0)
  await pause(clock, 1000, abort.signal)
})

function shutdownBench(handler: (signal: string) => void | Promise<void>): {
  signals: EventEmitter
  exits: number[]
  clock: ReturnType<typeof manualClock>
  remove: () => void
} {
  const signals = new EventEmitter()
  const exits: number[] = []
  const clock = manualClock()
  const exit = (status: number): void => void exits.push(status)
  const remove = onShutdown(handler, { deadlineMs: 5000, log: silentLog, clock, exit, signals })
  return { signals, exits, clock, remove }
}

void test('the first signal runs the handler, once, and the process ends with it', async () => {
  const seen: string[] = []
  const { signals, exits, clock } = shutdownBench((signal) => void seen.push(signal))
  signals.emit('SIGTERM')
  signals.emit('SIGTERM')
  await settle()
  assert.deepEqual([seen, exits, clock.waiting], [['SIGTERM'], [0], 0])
})

void test('a handler that fails ends with status 1', async () => {
  const { signals, exits } = shutdownBench(() => Promise.reject(new Error('no')))
  signals.emit('SIGINT')
  await settle()
  assert.deepEqual(exits, [1])
})

void test('a handler that hangs is cut at the deadline', async () => {
  const { signals, exits, clock } = shutdownBench(() => new Promise(() => {}))
  signals.emit('SIGTERM')
  await clock.advance(4999)
  assert.deepEqual(exits, [])
  await clock.advance(1)
  assert.deepEqual(exits, [1])
})

void test('Ctrl-C twice ends at once; taken away, nothing happens', async () => {
  const { signals, exits, remove } = shutdownBench(() => new Promise(() => {}))
  signals.emit('SIGINT')
  signals.emit('SIGINT')
  assert.deepEqual(exits, [1])
  remove()
  assert.equal(signals.listenerCount('SIGTERM') + signals.listenerCount('SIGINT'), 0)
  await settle()
})

void test('serve addresses: IPv4, bracketed and bare IPv6, names', () => {
  assert.deepEqual(readServeAddress('0.0.0.0:9443'), { host: '0.0.0.0', port: 9443 })
  assert.deepEqual(readServeAddress('[::]:9443'), { host: '::', port: 9443 })
  assert.deepEqual(readServeAddress('fd00::1:9082'), { host: 'fd00::1', port: 9082 })
  assert.deepEqual(readServeAddress('localhost:0'), { host: 'localhost', port: 0 })
  for (const wrong of ['', '9443', ':9443', '0.0.0.0:', '0.0.0.0:x', '0.0.0.0:65536', '0.0.0.0:-1'])
    assert.throws(() => readServeAddress(wrong), /HOST:PORT|port/, wrong)
})

void test('options have defaults; a wrong one is one sentence', () => {
  const written: string[] = []
  const command = openCommand({ name: 'bellhop-test', description: 'A test.' })
    .exitOverride()
    .configureOutput({ writeErr: (text) => void written.push(text) })
  command.parse([], { from: 'user' })
  assert.deepEqual(command.opts(), { namespace: 'bellhop-system', logLevel: 'info' })
  command.parse(['--namespace=other', '--log-level=debug', '--kubeconfig=x'], { from: 'user' })
  assert.deepEqual(command.opts(), { namespace: 'other', logLevel: 'debug', kubeconfig: 'x' })
  for (const [argument, sentence] of [
    ['--log-level=loud', /argument 'loud' is invalid. Allowed choices are debug, info, warn, error/],
    ['--namespace=$(NAMESPACE)', /must be a Kubernetes name/],
    ['--nonsense', /unknown option '--nonsense'/],
    ['extra', /too many arguments/],
  ] as const) {
    written.length = 0
    assert.throws(() => command.parse([argument], { from: 'user' }))
    assert.match(written.join(''), sentence)
  }
})

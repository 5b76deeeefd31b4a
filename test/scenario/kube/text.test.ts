// Answers in plain text: as they are, cut where they are too long, and what went wrong as a value.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTextReader } from '../../../src/io/kube/text.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { openFakeApiServer } from './fake-api-server.ts'

void test('a log is read up to a limit; refusals and silence are errors', async () => {
  const server = await openFakeApiServer()
  const reader = openTextReader(server.credentials, { clock: systemClock, userAgent: 'test' })
  const read = (path: string, limitBytes = 100, timeoutMs = 30_000) => reader.read(path, { limitBytes, timeoutMs })
  try {
    server.inject(({ path }) => path === '/log', { raw: 'one\ntwo\n' }, 2)
    assert.deepEqual(await read('/log'), { ok: true, value: 'one\ntwo\n' })
    assert.deepEqual(await read('/log', 4), { ok: true, value: 'one\n' })
    server.inject(({ path }) => path === '/forbidden', { status: 403 }, 1)
    const forbidden = await read('/forbidden')
    assert.equal(forbidden.ok ? 'ok' : forbidden.error.code, 'Forbidden')
    server.inject(({ path }) => path === '/silent', 'silence', 1)
    const silent = await read('/silent', 100, 200)
    assert.equal(silent.ok ? 'ok' : silent.error.code, 'Timeout')
  } finally {
    reader.close()
    await server.close()
  }
})

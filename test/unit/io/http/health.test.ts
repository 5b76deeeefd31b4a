import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHealthServer } from '../../../../src/io/http/health.ts'
import { openMetrics } from '../../../../src/io/telemetry/metrics.ts'

void test('readiness says what is missing; health does not depend on it; metrics are served', async (t) => {
  let state: true | string = 'the Eips have not been listed yet'
  const { exposition } = openMetrics('webhook', '1')
  const server = await openHealthServer({ listen: { host: '127.0.0.1', port: 0 }, ready: () => state, exposition })
  t.after(() => server.close())
  const ask = async (path: string, method = 'GET'): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
    return [response.status, await response.text()]
  }
  assert.deepEqual(await ask('/healthz'), [200, 'ok\n'])
  assert.deepEqual(await ask('/readyz?verbose'), [503, 'the Eips have not been listed yet\n'])
  state = true
  assert.deepEqual(await ask('/readyz'), [200, 'ok\n'])
  const [status, text] = await ask('/metrics')
  assert.equal(status, 200)
  assert.match(text, /^bellhop_build_info/m)
  assert.equal((await ask('/other'))[0], 404)
  assert.equal((await ask('/healthz', 'POST'))[0], 405)
})

void test('an address in use is an error, not a silent server', async (t) => {
  const { exposition } = openMetrics('webhook', '1')
  const first = await openHealthServer({ listen: { host: '127.0.0.1', port: 0 }, ready: () => true, exposition })
  t.after(() => first.close())
  const second = openHealthServer({ listen: { host: '127.0.0.1', port: first.port }, ready: () => true, exposition })
  await assert.rejects(second, { code: 'EADDRINUSE' })
})

// Our restart: a router with graceful restart (RFC 4724) keeps the routes, and traffic never stops.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { waitFor } from '../lab/wait.ts'
import { self } from './engine.ts'
import { type Pair, describeWithEach, waitMs } from './pair.ts'

const gracefulRestart = { restartTimeMs: 60_000, notification: true }

describeWithEach('restarts', (pair, daemon) => {
  const lack = daemon.lacks.forward
  const traffic = lack === undefined ? 'no packet is lost' : `routes stay (no traffic: ${lack})`

  for (const how of ['restart', 'kill'] as const) {
    test(`we ${how === 'kill' ? 'are killed' : 'restart'} and come back: ${traffic}; End-of-RIB ends it`, async () => {
      const { at, over } = pair()
      await pair().begin({ gracefulRestart: true, forwards: true, passive: true })
      const gone = over === 4 ? '192.0.2.11/32' : '2001:db8::11/128'
      const peer = pair().peer({ gracefulRestart })
      await pair().engine.configure([peer])
      for (const prefix of [at.prefix, gone]) await pair().engine.setPaths(prefix, [self])
      await pair().engine.ask({ do: 'ready' })
      await pair().hops([at.engine])
      const ping = lack === undefined ? await startTraffic(pair()) : undefined

      if (how === 'kill') await pair().engine.kill()
      else await pair().engine.close('restart')
      await waitFor('the session seen down', async () => !(await pair().router.isUp()), { timeoutMs: waitMs })
      await pair().hops([at.engine])
      const engine = pair().startEngine()
      await engine.configure([peer])
      await engine.setPaths(at.prefix, [self])
      await engine.reaches('ESTABLISHED', waitMs)
      await pair().hops([at.engine], gone)
      await engine.ask({ do: 'ready' })
      // What was not announced again goes with End-of-RIB; what was, stays.
      await pair().hops([], gone)
      const [path] = await pair().hops([at.engine])
      assert.equal(path?.stale, false)
      if (ping !== undefined) {
        const { sent, received } = await ping()
        assert.ok(sent > 20, `${sent} packets`)
        assert.equal(received, sent)
      }
    })
  }

  test('we leave: the routes go, although graceful restart would keep them', async () => {
    await pair().begin({ gracefulRestart: true, passive: true })
    const { engine, at } = pair()
    await engine.configure([pair().peer({ gracefulRestart })])
    await engine.setPaths(at.prefix, [self])
    await engine.ask({ do: 'ready' })
    await pair().hops([at.engine])
    await engine.close('leave')
    await pair().hops([])
  })
})

/** From the router to the prefix, every 10 ms; the function given back ends it and counts. */
async function startTraffic({ network, at }: Pair): Promise<() => Promise<{ sent: number; received: number }>> {
  const [address = ''] = at.prefix.split('/')
  await network.run(network.engine, 'ip', 'addr', 'replace', at.prefix, 'dev', 'lo')
  await waitFor('a first answer', () => network.run(network.router, 'ping', '-c', '1', '-W', '1', address), {
    timeoutMs: waitMs,
  })
  const program = network.start(network.router, 'ping', '-q', '-i', '0.01', address)
  let said = ''
  program.process.stdout?.on('data', (chunk) => (said += String(chunk)))
  return async () => {
    await program.stop('SIGINT')
    await waitFor('the figures of ping', () => said.includes('packet loss'))
    const [, sent = '', received = ''] = /(\d+) packets transmitted, (\d+) received/.exec(said) ?? []
    return { sent: Number(sent), received: Number(received) }
  }
}

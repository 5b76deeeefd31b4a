// Watches whose connection is there and brings nothing any more.
import assert from 'node:assert/strict'

import { services } from '../../../src/io/kube/index.ts'
import { type Bench, isList, put, scenario, whenIn, whenWatching } from './bench.ts'
import { waitFor } from './wait.ts'

scenario(
  'a connection that dies without a word is cut after the time of the watch and replaced (#596)',
  async (bench) => {
    await whenWatching(bench)
    bench.server.watches[0]?.freeze()
    put(bench.server, 'a', 'unheard')
    const startedMs = bench.clock.nowMs()
    await bench.until('a second watch', () => bench.server.requestsFor(services, 'watch').length === 2, 1000)
    const tookMs = bench.clock.nowMs() - startedMs
    const timeoutMs = Number(bench.server.requestsFor(services, 'watch')[0]?.query['timeoutSeconds']) * 1000
    assert.ok(tookMs >= timeoutMs && tookMs <= timeoutMs + 20_000, `replaced after ${tookMs} ms of ${timeoutMs}`)
    await whenIn(bench, 'default/a', 'unheard')
  },
  { manualTransport: true },
)

scenario(
  'a server that has sent bookmarks and falls silent is given up within minutes',
  async (bench) => {
    await whenWatching(bench)
    bench.server.bookmark()
    await waitFor('the bookmark counts', () => bench.view.currentUpToMs() === bench.clock.wallMs())
    bench.server.watches[0]?.freeze()
    const startedMs = bench.clock.nowMs()
    await bench.until('a second watch', () => bench.server.requestsFor(services, 'watch').length === 2, 1000)
    assert.ok(bench.clock.nowMs() - startedMs <= 190_000)
  },
  { manualTransport: true },
)

/** A call that nobody answers, and one that is answered; `between` them, something else. */
async function awayAndBack({ server, client, until }: Bench, between = async (): Promise<void> => {}): Promise<void> {
  const call = async (what: string): Promise<boolean> => {
    let answered: boolean | undefined
    const ref = { resource: services, namespace: 'default', name: 'a' }
    void client.get(ref, { timeoutMs: 5000 }).then(({ ok }) => (answered = ok))
    await until(what, () => answered !== undefined)
    return answered === true
  }
  const silence = server.inject(isList, 'silence')
  assert.equal(await call('the call is given up'), false)
  silence.remove()
  await between()
  assert.equal(await call('the call is answered'), true)
}

scenario(
  'calls found nobody and succeed again: a watch that stays silent is taken up soon, whatever its connection says',
  async (bench) => {
    await whenWatching(bench)
    bench.server.watches[0]?.freeze()
    await awayAndBack(bench)
    put(bench.server, 'a', 'unheard')
    const startedMs = bench.clock.nowMs()
    await whenIn(bench, 'default/a', 'unheard')
    assert.ok(bench.clock.nowMs() - startedMs <= 21_000, `${bench.clock.nowMs() - startedMs} ms`)
  },
  { manualTransport: true },
)

scenario(
  'the same, and the watch has something to say: it is left alone; trouble every few seconds is doubted once in 30 s',
  async (bench) => {
    await whenWatching(bench)
    await awayAndBack(bench)
    await bench.until('a moment', () => bench.clock.nowMs() >= 8000)
    bench.server.bookmark()
    const startedMs = bench.clock.nowMs()
    await bench.until('half a minute', () => bench.clock.nowMs() - startedMs >= 20_000)
    assert.equal(bench.server.requestsFor(services, 'watch').length, 1)
    for (let round = 0; round < 10; round++) {
      await awayAndBack(bench)
      await bench.clock.advance(1000)
    }
    const watches = bench.server.requestsFor(services, 'watch').length
    assert.ok(watches >= 2 && watches <= 4, `${watches} watches`)
  },
  { manualTransport: true },
)

scenario(
  'the same, and the watch began after the last failure: its server is not in doubt',
  async (bench) => {
    await whenWatching(bench)
    const watches = (): number => bench.server.requestsFor(services, 'watch').length
    await awayAndBack(bench, async () => {
      bench.server.watches[0]?.reset()
      await bench.until('a second watch', () => watches() === 2)
      await whenWatching(bench)
    })
    const startedMs = bench.clock.nowMs()
    await bench.until('half a minute', () => bench.clock.nowMs() - startedMs >= 30_000)
    assert.equal(watches(), 2)
  },
  { manualTransport: true },
)

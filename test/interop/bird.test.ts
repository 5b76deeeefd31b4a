import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'

import { waitFor } from '../lab/wait.ts'
import { type Bird, type BirdOptions, birdIsMissing, startBird } from './bird.ts'
import { type Engine, routerPeer, self, startEngine } from './engine.ts'
import { type Network, addresses, openNetwork } from './network.ts'

const third = { id: 3, nextHop: addresses.third }
const prefix = '192.0.2.10/32'

describe('BIRD', { skip: birdIsMissing, timeout: 120_000 }, () => {
  let network: Network
  let bird: Bird | undefined
  let engine: Engine | undefined

  before(async () => {
    network = await openNetwork()
  })
  afterEach(async () => {
    await engine?.kill()
    await bird?.stop()
    engine = bird = undefined
  })
  after(() => network.close())

  async function begin(options: BirdOptions = {}): Promise<{ readonly router: Bird; readonly speaker: Engine }> {
    bird = await startBird(network, options)
    engine = startEngine(network)
    return { router: bird, speaker: engine }
  }

  async function hops(router: Bird, wanted: readonly string[], of = prefix): Promise<void> {
    let seen: readonly string[] = []
    await waitFor(
      `next hops of ${of} ${wanted.join(', ') || '(none)'}`,
      async () => {
        seen = await router.nextHops(of)
        return seen.join() === wanted.join()
      },
      { missing: () => `they are ${seen.join(', ') || '(none)'}` },
    )
  }

  test('we dial: two next hops over ADD-PATH, the old one withdrawn after the new one came', async () => {
    const { router, speaker } = await begin({ addPaths: true, protocol: ['passive yes;'] })
    await speaker.configure([routerPeer])
    await speaker.setPaths(prefix, [self, third])
    const report = await speaker.reaches('ESTABLISHED')
    assert.deepEqual(report.addPath, [4])
    await hops(router, [addresses.engine, addresses.third])
    await speaker.setPaths(prefix, [{ id: 4, nextHop: addresses.fourth }, third])
    await hops(router, [addresses.third, addresses.fourth])
    await speaker.setPaths(prefix, [])
    await hops(router, [])
  })

  test('without ADD-PATH: our own way alone', async () => {
    const { router, speaker } = await begin({ protocol: ['passive yes;'] })
    await speaker.configure([routerPeer])
    await speaker.setPaths(prefix, [third, self])
    const report = await speaker.reaches('ESTABLISHED')
    assert.deepEqual(report.addPath, [])
    await hops(router, [addresses.engine])
    await speaker.setPaths(prefix, [third])
    await hops(router, [addresses.third])
  })

  test('it dials: passive, MD5', async () => {
    const { router, speaker } = await begin({ protocol: ['neighbor port 17900;', 'password "sesame";'] })
    await speaker.configure([{ ...routerPeer, passive: true, password: 'sesame' }], 17900)
    await speaker.setPaths(prefix, [self])
    await speaker.reaches('ESTABLISHED')
    await hops(router, [addresses.engine])
  })

  test('both dial, both families on one session', async () => {
    const { router, speaker } = await begin({ families: ['ipv4', 'ipv6'], protocol: ['neighbor port 17900;'] })
    await speaker.configure([{ ...routerPeer, families: [4, 6] }], 17900)
    await speaker.setPaths(prefix, [self])
    await speaker.setPaths('2001:db8::10/128', [self])
    assert.deepEqual((await speaker.reaches('ESTABLISHED')).families, [4, 6])
    await hops(router, [addresses.engine])
    await hops(router, [addresses.engine6], '2001:db8::10/128')
    assert.equal((await speaker.session()).flaps, 0)
  })

  test('route refresh, enhanced: BIRD drops what does not come again', async () => {
    const { router, speaker } = await begin()
    await speaker.configure([routerPeer])
    await speaker.setPaths(prefix, [self], 20)
    await hops(router, [addresses.engine])
    const before = (await speaker.session()).messages
    await router.ask('reload', 'in', 'peer').catch(() => undefined)
    await waitFor('a refresh begun and ended by us', async () => {
      const { sent } = (await speaker.session()).messages
      return sent.refresh === before.sent.refresh + 2
    })
    await hops(router, [addresses.engine])
  })

  test('BIRD is killed and comes back', async () => {
    const { router, speaker } = await begin()
    await speaker.configure([routerPeer])
    await speaker.setPaths(prefix, [self])
    await hops(router, [addresses.engine])
    await router.stop('SIGKILL')
    await waitFor('one flap', async () => (await speaker.session()).flaps === 1)
    bird = await startBird(network)
    await hops(bird, [addresses.engine])
  })

  test('BIRD shuts the session down: the reason in the words of the RFC', async () => {
    const { router, speaker } = await begin()
    await speaker.configure([routerPeer])
    await speaker.reaches('ESTABLISHED')
    await router.stop('SIGTERM')
    await waitFor('a reason', async () => (await speaker.session()).lastError?.startsWith('Cease/'))
    assert.match((await speaker.session()).lastError ?? '', / received/)
  })
})

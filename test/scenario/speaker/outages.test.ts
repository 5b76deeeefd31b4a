// What routers are told while the API server is away, slow or silent, and how soon they hear of what changed meanwhile.
import assert from 'node:assert/strict'

import { bgpConfs, bgpPeers, eips, endpointSlices, leases, nodes, racks, services } from '../../../src/io/kube/index.ts'
import { type Stage, bothHops, mateHop, ownHop, scenario } from './stage.ts'

const hourMs = 3_600_000
const watched = [services, endpointSlices, nodes, racks, eips, bgpConfs, bgpPeers]
const any = (): boolean => true

/** Deletes Service b, runs `whileAway`, and says how long after it the router still had the route. */
async function staleMs(
  { router, removeService, until, clock }: Stage,
  whileAway: () => Promise<void>,
): Promise<number> {
  removeService('b')
  await whileAway()
  assert.deepEqual(router.routes()['172.22.0.11/32'], bothHops, 'nobody can have known')
  const backMs = clock.nowMs()
  await until('b is withdrawn', () => router.routes()['172.22.0.11/32'] === undefined, 120_000)
  return clock.nowMs() - backMs
}

function assertOnlyBChanged({ router }: Stage, toldBefore: number): void {
  const told = router.told.slice(toldBefore).toSorted()
  const expected = [ownHop, mateHop].map((hop) => `172.22.0.11/32 withdrawn via ${hop}`).toSorted()
  assert.deepEqual(told, expected)
  assert.deepEqual(router.sessions, { begun: 1, ended: 0 })
}

scenario(
  'the API server away for an hour, every node Unknown when it is back: routers hear nothing, each resource is listed once (part of BGP-20)',
  async (stage) => {
    const { api, router, netlink, pass, until, node, clock } = stage
    await pass(5000)
    const told = router.told.length
    const hostRoutes = [...netlink.routeTable.keys()]
    await api.stop()
    await pass(hourMs, 2000)
    node('master', 'Unknown')
    node('worker1', 'Unknown')
    api.store.compact()
    const seen = api.requests.length
    await api.start()
    const backMs = clock.nowMs()
    const renewedMs = (): number => {
      const lease = stage.get(leases, 'bellhop-system/speaker-master') as { spec?: { renewTime?: string } } | undefined
      return Date.parse(lease?.spec?.renewTime ?? '')
    }
    await until('the Lease is renewed', () => clock.wallMs() - renewedMs() < clock.nowMs() - backMs, 15_000)
    await pass(60_000)
    const since = api.requests.slice(seen)
    for (const resource of watched) {
      const lists = since.filter(
        ({ path, isWatch, method }) => !isWatch && method === 'GET' && path.endsWith(`/${resource.plural}`),
      )
      assert.equal(lists.length, 1, `lists of ${resource.plural}`)
    }
    const rest = since.filter(({ path }) => !path.includes('/leases'))
    // Of each resource the watch that is told Gone, the list, the watch from there; and the Speaker object's counts.
    assert.ok(rest.length <= 3 * watched.length + 2, `${rest.length} requests in the minute after the return`)
    assert.equal(router.told.length, told)
    assert.deepEqual(router.sessions, { begun: 1, ended: 0 })
    assert.deepEqual([...netlink.routeTable.keys()], hostRoutes)
    // It has not stopped looking.
    stage.endpoint('a', false)
    await until('a is withdrawn', () => router.routes()['172.22.0.10/32'] === undefined, 1000)
  },
)

scenario(
  'deleted while the API server was away: withdrawn soon after its return, nothing else changes',
  async (stage) => {
    const told = stage.router.told.length
    const took = await staleMs(stage, async () => {
      await stage.api.stop()
      await stage.pass(600_000)
      await stage.api.start()
    })
    assert.ok(took <= 20_000, `${took} ms after the return`)
    await stage.pass(60_000)
    assertOnlyBChanged(stage, told)
  },
)

scenario('the same, and the history is gone: 410 on every watch, then a list', async (stage) => {
  const told = stage.router.told.length
  const took = await staleMs(stage, async () => {
    await stage.api.stop()
    await stage.pass(600_000)
    stage.api.store.compact()
    await stage.api.start()
  })
  assert.ok(took <= 20_000, `${took} ms after the return`)
  await stage.pass(60_000)
  assertOnlyBChanged(stage, told)
})

scenario('half-open: connections live, no byte comes; answered again, the old watches stay dead', async (stage) => {
  const { api, pass } = stage
  const told = stage.router.told.length
  await pass(60_000)
  api.bookmark()
  await pass(1000)
  for (const watch of api.watches) watch.freeze()
  const took = await staleMs(stage, async () => {
    const silence = api.inject(any, 'silence', Infinity)
    await pass(60_000)
    silence.remove()
  })
  assert.ok(took <= 60_000, `${took} ms after the return`)
  await pass(60_000)
  assertOnlyBChanged(stage, told)
})

scenario('every answer takes 20 s: routes follow, late; and soon when the answers are quick again', async (stage) => {
  const { api, pass } = stage
  const told = stage.router.told.length
  const took = await staleMs(stage, async () => {
    const slow = api.inject(any, { delayMs: 20_000 }, Infinity)
    for (const watch of api.watches) watch.reset()
    await pass(10_000)
    slow.remove()
  })
  assert.ok(took <= 60_000, `${took} ms after the return`)
  await pass(60_000)
  assertOnlyBChanged(stage, told)
  const slow = api.inject(any, { delayMs: 20_000 }, Infinity)
  for (const watch of api.watches) watch.reset()
  stage.endpoint('a', false)
  await stage.until('a is withdrawn', () => stage.router.routes()['172.22.0.10/32'] === undefined, 60_000)
  slow.remove()
})

scenario(
  '429 with a Retry-After of ten minutes for five: the server is left alone, routes are right soon after',
  async (stage) => {
    const { api, pass } = stage
    const told = stage.router.told.length
    let asked = 0
    const took = await staleMs(stage, async () => {
      const refusals = api.inject(
        ({ path }) => !path.includes('/leases'),
        { status: 429, headers: { 'retry-after': '600' } },
        Infinity,
      )
      for (const watch of api.watches) watch.reset()
      const seen = api.requests.length
      await pass(300_000)
      asked = api.requests.slice(seen).filter(({ isWatch }) => isWatch).length
      refusals.remove()
    })
    assert.ok(asked <= 11 * watched.length, `${asked} watches were asked for in five minutes`)
    assert.ok(took <= 60_000, `${took} ms after the return`)
    await pass(60_000)
    assertOnlyBChanged(stage, told)
  },
)

// How a speaker goes: what routers hear, in which order, and what the kernel keeps.
import assert from 'node:assert/strict'

import { type Stage, mateHop, ownHop, scenario } from './stage.ts'

const addresses = ['172.22.0.10/32', '172.22.0.11/32']
const ways = addresses.flatMap((address) => [ownHop, mateHop].map((hop) => ({ address, hop })))

/** What the router was told from `before` on: tagged, withdrawn, NOTIFICATION, each sorted. */
function toldInOrder({ router }: Stage, before: number): readonly (readonly string[])[] {
  const told = router.told.slice(before)
  return [
    told.slice(0, ways.length).toSorted(),
    told.slice(ways.length, 2 * ways.length).toSorted(),
    told.slice(2 * ways.length),
  ]
}

scenario(
  'leaving: told in the Speaker object, GRACEFUL_SHUTDOWN, a second, withdrawn, Cease; nothing in the kernel',
  async (stage) => {
    const { router, netlink, status, stop, clock } = stage
    assert.ok(netlink.routeTable.size > 0)
    const before = router.told.length
    const startMs = clock.nowMs()
    await stop('leave')
    assert.deepEqual(toldInOrder(stage, before), [
      ways.map(({ address, hop }) => `${address} via ${hop} tagged`).toSorted(),
      ways.map(({ address, hop }) => `${address} withdrawn via ${hop}`).toSorted(),
      ['NOTIFICATION'],
    ])
    const tookMs = clock.nowMs() - startMs
    assert.ok(tookMs >= 1000 && tookMs <= 4000, `${tookMs} ms`)
    assert.equal(status().state, 'Leaving')
    assert.equal(netlink.routeTable.size + netlink.ruleTable.size, 0)
  },
)

scenario('leaving while the API server is away: the same, only that nobody is told', async (stage) => {
  const { api, router, stop, pass, clock, status } = stage
  await api.stop()
  await pass(60_000)
  const before = router.told.length
  const startMs = clock.nowMs()
  await stop('leave')
  assert.equal(
    toldInOrder(stage, before)[0]?.every((line) => line.endsWith(' tagged')),
    true,
  )
  assert.deepEqual(router.routes(), {})
  assert.equal(router.told.at(-1), 'NOTIFICATION')
  assert.ok(clock.nowMs() - startMs <= 12_000, `${clock.nowMs() - startMs} ms: a Pod has 15 s`)
  assert.equal(status().state, 'Running')
})

scenario(
  'drained: tagged, then withdrawn, the session stays and carries what others need; leaving takes that away',
  async (stage) => {
    const { router, stop, until, status } = stage
    const drainedFrom = router.told.length
    stage.drain()
    await until('the own ways are gone', () => addresses.every((each) => router.routes()[each]?.join() === mateHop))
    const drained = router.told.slice(drainedFrom)
    assert.ok(
      addresses.every((each) => drained.indexOf(`${each} via ${ownHop} tagged`) >= 0),
      drained.join(),
    )
    assert.equal(router.sessions.ended, 0)
    await until('it is told', () => status().state === 'Drained')
    const before = router.told.length
    await stop('leave')
    const told = router.told.slice(before)
    assert.deepEqual(
      told.filter((line) => line.includes(ownHop)),
      [],
    )
    assert.equal(told.at(-1), 'NOTIFICATION')
    assert.deepEqual(router.routes(), {})
  },
)

// What the Speaker object says, and how soon.
import assert from 'node:assert/strict'

import { leases } from '../../../src/io/kube/index.ts'
import { ownHop, mateHop, scenario } from './stage.ts'

scenario(
  'the session breaks: the Speaker object says so within 2 s, with the reason, and when it is back',
  async (stage) => {
    const { router, status, until, pass, clock } = stage
    await pass(30_000)
    const upSince = status().sessions[0]?.since
    router.shutDown()
    await until('it is told', () => status().up === 0, 2000)
    const [session] = status().sessions
    assert.equal(session?.lastError, 'Cease/Administrative Shutdown received')
    assert.ok(Date.parse(session?.since ?? '') > Date.parse(upSince ?? ''), 'since when')
    assert.ok(clock.wallMs() - Date.parse(session?.since ?? '') <= 2000)
    assert.equal(session.flaps, 1)
    // The router stays away: attempts that fail are no news.
    await pass(10_000)
    const before = stage.api.requests.filter(({ path }) => path.includes('/speakers/')).length
    await pass(100_000)
    const writes = stage.api.requests.filter(({ path }) => path.includes('/speakers/')).length - before
    assert.ok(writes <= 2, `${writes} writes in 100 s`)
    router.listen(true)
    await until('the session is up', () => router.sessions.begun === 2, 60_000)
    await until('it is told', () => status().up === 1, 2000)
    await pass(5000)
    router.fallSilent()
    await until('the hold timer has expired', () => router.sessions.ended === 2, 100_000)
    await until('it is told', () => status().sessions[0]?.flaps === 2, 2000)
    assert.match(status().sessions[0]?.lastError ?? '', /Hold Timer Expired sent/)
  },
)

scenario('every field that the Speaker object is to have is there and true', async (stage) => {
  const { status, until, pass, service, endpoint, netlink } = stage
  service('c', '172.22.0.12')
  endpoint('c', false)
  await until('c is not announced', () => stage.router.routes()['172.22.0.12/32'] === undefined)
  netlink.foreign.add('172.22.0.13 196')
  service('d', '172.22.0.13')
  await until('d is announced', () => stage.router.routes()['172.22.0.13/32']?.join() === [ownHop, mateHop].join())
  const [key] = netlink.routeTable.keys()
  netlink.routeTable.delete(key ?? '')
  await until('it is put back and told', () => status().routes.repaired === 1, 20_000)
  await pass(61_000)
  const { sessions, version, routes, exceptions, exceptionsTotal, prefixes, rack, as, routerId, state } = status()
  assert.deepEqual(
    { version, rack, as, routerId, state },
    { version: 'test', rack: 'leaf1', as: 50000, routerId: '127.0.0.1', state: 'Running' },
  )
  assert.deepEqual({ routes, prefixes }, { routes: { wanted: 3, present: 2, repaired: 1 }, prefixes: 3 })
  assert.deepEqual(
    exceptions.map(({ address, reason }) => `${address} ${reason}`),
    ['172.22.0.13 RouteForeign'],
  )
  assert.equal(exceptionsTotal, 1)
  const [session] = sessions
  assert.equal(session?.state, 'ESTABLISHED')
  assert.deepEqual([session.prefixesWanted, session.prefixesSent], [3, 3])
  assert.equal(stage.get(leases, 'bellhop-system/speaker-master')?.metadata.name, 'speaker-master')
})

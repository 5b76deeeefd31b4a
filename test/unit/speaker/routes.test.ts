import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePrefix } from '../../../src/core/address/index.ts'
import { type HostRoute, hostTable, localTable } from '../../../src/core/routes/index.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { removeAll } from '../../../speaker/cleanup.ts'
import { openRoutes } from '../../../speaker/routes.ts'
import { ip } from '../announce/fixtures.ts'
import { faultyNetlink } from '../../property/routes/faults.ts'
import { manualClock } from '../io/process/manual-clock.ts'
import { fakeNetlink } from './fakes.ts'

const x = '172.22.0.10'
const y = '172.22.0.11'

function open(subnet?: string) {
  const netlink = fakeNetlink()
  const clock = manualClock()
  let told = 0
  const prefix = parsePrefix(subnet ?? '')
  const routes = openRoutes({
    ...{ netlink, clock, log: silentLog },
    ownSubnets: () => (prefix === undefined ? [] : [prefix]),
    onChange: () => told++,
  })
  const want = (text: string, hostAccess = false): void => routes.set(text, { address: ip(text), hostAccess })
  return { netlink, clock, routes, want, told: () => told }
}

void test('a route for each wanted address, rules with it; both go (part of ROUTE-01)', async () => {
  const { netlink, routes, want, clock } = open()
  routes.start()
  await routes.settled()
  assert.equal(netlink.ruleTable.size, 0)
  want(x)
  await routes.settled()
  assert.deepEqual([...netlink.routeTable.keys()], [`${x} 196`])
  assert.equal(netlink.ruleTable.size, 6)
  routes.set(x, undefined)
  await routes.settled()
  assert.equal(netlink.routeTable.size, 0)
  await clock.advance(15_000)
  await routes.settled()
  assert.equal(netlink.ruleTable.size, 0, 'rules go with the resync')
  await routes.stop()
})

void test('nothing is removed before start; then what is ours and not wanted goes (part of ROUTE-06)', async () => {
  const { netlink, routes, want } = open()
  for (const text of [x, y]) netlink.routeTable.set(`${text} 196`, { address: ip(text), table: hostTable })
  want(x)
  await routes.settled()
  assert.equal(netlink.changes.length, 0)
  routes.start()
  await routes.settled()
  assert.deepEqual([...netlink.routeTable.keys()], [`${x} 196`])
  assert.equal(netlink.changes.includes(`add ${x} 196`), false, 'what was there was not touched')
  assert.equal(routes.state().repaired, 0)
  await routes.stop()
})

void test('a route deleted by hand is back within 15 s and counted (part of ROUTE-04)', async () => {
  const { netlink, routes, want, clock, told } = open()
  want(x)
  routes.start()
  await routes.settled()
  netlink.routeTable.clear()
  const before = told()
  await clock.advance(15_000)
  await routes.settled()
  assert.deepEqual([...netlink.routeTable.keys()], [`${x} 196`])
  assert.equal(routes.state().repaired, 1)
  assert.ok(told() > before)
  netlink.ruleTable.clear()
  await clock.advance(15_000)
  await routes.settled()
  assert.equal(netlink.ruleTable.size, 6)
  await routes.stop()
})

void test('a foreign route is left and reported; gone: ours takes its place (part of ROUTE-05)', async () => {
  const { netlink, routes, want, clock } = open()
  netlink.foreign.add(`${x} 196`)
  want(x)
  routes.start()
  await routes.settled()
  assert.deepEqual(
    routes.exceptions().map(({ reason }) => reason),
    ['RouteForeign'],
  )
  assert.deepEqual(routes.state(), { wanted: 1, present: 0, repaired: 0 })
  netlink.foreign.clear()
  await clock.advance(15_000)
  await routes.settled()
  assert.deepEqual(routes.exceptions(), [])
  assert.equal(routes.state().present, 1)
  await routes.stop()
})

void test('hostAccess edited: in the new table before it leaves the old one', async () => {
  const { netlink, routes, want } = open()
  want(x)
  routes.start()
  await routes.settled()
  want(x, true)
  await routes.settled()
  assert.deepEqual(netlink.changes.slice(-2), [`add ${x} ${localTable}`, `remove ${x} ${hostTable}`])
  await routes.stop()
})

void test('hostAccess in a subnet of the node: our table, and the reason', async () => {
  const { netlink, routes, want } = open('172.22.0.0/16')
  want(x, true)
  routes.start()
  await routes.settled()
  assert.deepEqual([...netlink.routeTable.keys()], [`${x} 196`])
  assert.deepEqual(
    routes.exceptions().map(({ reason }) => reason),
    ['HostAccessRefused'],
  )
  await routes.stop()
})

void test('stop leaves everything in place; removeAll takes ours and says how many', async () => {
  const { netlink, routes, want } = open()
  want(x)
  want(y)
  routes.start()
  await routes.settled()
  await routes.stop()
  assert.equal(netlink.routeTable.size, 2)
  assert.deepEqual(await removeAll(netlink), { ok: true, value: { routes: 2, rules: 6 } })
  assert.equal(netlink.routeTable.size + netlink.ruleTable.size, 0)
})

function openFaulty() {
  const kernel = fakeNetlink()
  const netlink = faultyNetlink(kernel)
  const clock = manualClock()
  const routes = openRoutes({
    ...{ netlink, clock, log: silentLog, onChange: () => {} },
    ownSubnets: () => [],
  })
  return { kernel, netlink, clock, routes }
}

void test('what the kernel refused is asked for again after a second, then after 2, 4, 8, at last every 13', async () => {
  const { kernel, netlink, clock, routes } = openFaulty()
  routes.start()
  await routes.settled()
  // Rules first, in the order of the plan; then the route.
  netlink.fail([...Array<undefined>(6), 'refused'])
  routes.set(x, { address: ip(x), hostAccess: false })
  await routes.settled()
  assert.deepEqual([...kernel.routeTable.keys()], [])
  for (const waitMs of [1000, 2000, 4000, 8000, 13_000, 13_000]) {
    netlink.fail(['refused'])
    await clock.advance(waitMs - 1)
    await routes.settled()
    assert.deepEqual([...kernel.routeTable.keys()], [], `not before ${waitMs} ms`)
    await clock.advance(1)
    await routes.settled()
  }
  await clock.advance(15_000)
  await routes.settled()
  assert.deepEqual([...kernel.routeTable.keys()], [`${x} 196`])
  await routes.stop()
})

void test('a change asked for while the routes cannot be read is made all the same', async () => {
  const { kernel, netlink, routes } = openFaulty()
  netlink.fail(['refused'])
  routes.set(x, { address: ip(x), hostAccess: false })
  routes.start()
  await routes.settled()
  assert.deepEqual([...kernel.routeTable.keys()], [`${x} 196`])
  await routes.stop()
})

void test('a route whose move to the other table fails stays where it is until it succeeds', async () => {
  const { kernel, netlink, clock, routes } = openFaulty()
  routes.set(x, { address: ip(x), hostAccess: false })
  routes.start()
  await routes.settled()
  netlink.fail(['refused'])
  routes.set(x, { address: ip(x), hostAccess: true })
  await routes.settled()
  assert.deepEqual([...kernel.routeTable.keys()], [`${x} 196`])
  await clock.advance(1000)
  await routes.settled()
  assert.deepEqual([...kernel.routeTable.keys()], [`${x} 255`])
  await routes.stop()
})

void test('a removal whose answer was lost is no repair when the route is wanted again', async () => {
  const { kernel, netlink, clock, routes } = openFaulty()
  routes.set(x, { address: ip(x), hostAccess: false })
  routes.start()
  await routes.settled()
  netlink.fail(['unanswered'])
  routes.set(x, undefined)
  await routes.settled()
  routes.set(x, { address: ip(x), hostAccess: false })
  await routes.settled()
  assert.deepEqual([...kernel.routeTable.keys()], [`${x} 196`], 'it is back at once')
  await clock.advance(15_000)
  await routes.settled()
  assert.equal(routes.state().repaired, 0)
  await routes.stop()
})

void test('a Service that went while its exception stood leaves none behind', async () => {
  const { kernel, netlink, clock, routes } = openFaulty()
  kernel.foreign.add(`${x} 196`)
  routes.set(x, { address: ip(x), hostAccess: false })
  routes.start()
  await routes.settled()
  assert.equal(routes.exceptions().length, 1)
  netlink.fail(['refused'])
  routes.set(x, undefined)
  await clock.advance(15_000)
  await routes.settled()
  assert.deepEqual(routes.exceptions(), [])
  await routes.stop()
})

void test('a change asked for in the moment when a look is due that finds all in order is made all the same', async () => {
  const { netlink, routes, want, clock } = open()
  want(x)
  routes.start()
  await routes.settled()
  await clock.advance(13_000)
  await routes.settled()
  const kernel = { ...netlink }
  const { promise: mayGoOn, resolve } = Promise.withResolvers<void>()
  Object.assign(netlink, { addRoute: (route: HostRoute) => mayGoOn.then(() => kernel.addRoute(route)) })
  const z = '172.22.0.12'
  want(y)
  await clock.advance(0)
  want(z)
  await clock.advance(13_000)
  resolve()
  await routes.settled()
  assert.deepEqual([...netlink.routeTable.keys()].toSorted(), [`${x} 196`, `${y} 196`, `${z} 196`])
  await routes.stop()
})

void test('the kernel is not listed again and again when it has what it should, changes of our own included', async () => {
  const { netlink, routes, want, clock } = open()
  let lists = 0
  const kernel = { ...netlink }
  Object.assign(netlink, { routes: () => (lists++, kernel.routes()) })
  want(x)
  routes.start()
  await routes.settled()
  const before = lists
  for (const text of [y, '172.22.0.12']) {
    want(text)
    await routes.settled()
    await clock.advance(13_000)
    await routes.settled()
  }
  assert.equal(lists, before)
  netlink.routeTable.delete(`${x} 196`)
  await clock.advance(13_000)
  await routes.settled()
  assert.equal(lists, before + 1)
  assert.deepEqual([netlink.routeTable.size, routes.state().repaired], [3, 1])
  await routes.stop()
})

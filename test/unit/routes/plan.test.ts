import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePrefix } from '../../../src/core/address/index.ts'
import {
  differenceOf,
  hostTable,
  localTable,
  planRoute,
  planRoutes,
  planRules,
  preferenceOf,
  routeKey,
} from '../../../src/core/routes/index.ts'
import { ip } from '../announce/fixtures.ts'

const x = ip('172.22.0.10')

function subnets(...texts: readonly string[]) {
  return texts.map(parsePrefix).filter((prefix) => prefix !== undefined)
}

void test('an address goes to our table, with hostAccess to table local (part of ROUTE-02)', () => {
  assert.equal(planRoute({ address: x, hostAccess: false }, []).route.table, hostTable)
  assert.equal(planRoute({ address: x, hostAccess: true }, subnets('10.0.0.0/8')).route.table, localTable)
})

void test('hostAccess is refused in a subnet of the node itself (part of ROUTE-03)', () => {
  const { route, refused } = planRoute({ address: x, hostAccess: true }, subnets('172.22.0.0/16'))
  assert.equal(route.table, hostTable)
  assert.equal(refused?.code, 'HostAccessRefused')
})

void test('rules: only of families that have a route; what passOwn goes to comes first', () => {
  assert.equal(planRules([]).size, 0)
  const rules = [...planRules([6]).values()]
  assert.deepEqual(
    rules.map((rule) => [rule.family, rule.role, rule.role === 'protocol' ? rule.ipProtocol : 0]),
    [
      [6, 'end', 0],
      [6, 'passOwn', 0],
      [6, 'protocol', 6],
      [6, 'protocol', 17],
      [6, 'protocol', 132],
      [6, 'protocol', 58],
    ],
  )
  assert.ok(preferenceOf({ role: 'passOwn' }) < preferenceOf({ role: 'protocol' }))
  assert.ok(preferenceOf({ role: 'end' }) > preferenceOf({ role: 'protocol' }))
})

void test('an address that moves between tables is added in one and removed in the other', () => {
  const before = planRoutes([{ address: x, hostAccess: false }], [])
  const after = planRoutes([{ address: x, hostAccess: true }], [])
  const { add, remove } = differenceOf(after, before)
  assert.deepEqual(add.map(routeKey), ['172.22.0.10 255'])
  assert.deepEqual(remove.map(routeKey), ['172.22.0.10 196'])
})

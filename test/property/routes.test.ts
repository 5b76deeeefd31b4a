// The difference of two maps brings one to the other, and touches nothing that both have.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { differenceOf, planRoutes, routeKey } from '../../src/core/routes/index.ts'
import type { HostAddress } from '../../src/core/routes/index.ts'

const address = fc.record({
  address: fc.record({ family: fc.constant(4 as const), bits: fc.bigInt({ min: 0n, max: 40n }) }),
  hostAccess: fc.boolean(),
})
const addresses = fc.uniqueArray(address, { selector: ({ address }) => String(address.bits), maxLength: 30 })

void test('present + difference = wanted, and what is right is left alone', () => {
  fc.assert(
    fc.property(addresses, addresses, (wantedList: readonly HostAddress[], presentList: readonly HostAddress[]) => {
      const wanted = planRoutes(wantedList, [])
      const present = new Map(planRoutes(presentList, []))
      const { add, remove } = differenceOf(wanted, present)
      for (const route of [...add, ...remove]) {
        assert.notEqual(wanted.has(routeKey(route)), present.has(routeKey(route)))
      }
      for (const route of add) present.set(routeKey(route), route)
      for (const route of remove) present.delete(routeKey(route))
      assert.deepEqual([...present.keys()].toSorted(), [...wanted.keys()].toSorted())
    }),
  )
})

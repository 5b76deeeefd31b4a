import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { formatIp } from '../../src/core/address/index.ts'
import { chooseAddresses, isOurs, readRequest, sharingRefused } from '../../src/core/ipam/index.ts'
import { type Service, claimAnnotation } from '../../src/core/model/index.ts'
import { World, someAct } from './ipam-acts.ts'
import type { Cluster } from './ipam-cluster.ts'

const isLong = process.env['BELLHOP_TEST_LONG'] === '1'
/** Longer than anything is held or kept. */
const twoDaysMs = 172_800_000

test('whatever happens, once quiet every Service and every record agree', () => {
  fc.assert(
    fc.property(fc.array(someAct, { minLength: 1, maxLength: 30, size: 'max' }), (life) => {
      const world = new World()
      const { cluster, controller } = world
      for (const act of life) act(world)
      rest(world)
      for (const key of cluster.services.keys()) checkService(cluster, key)
      checkSharing(cluster)
      if (!world.quotaMayBeExceeded) checkQuota(cluster)
      // Twice: the address of a create that failed is held first, and then kept by the rule of its Eip.
      for (let round = 0; round < 2; round++) {
        controller.look()
        cluster.nowMs += twoDaysMs
        rest(world)
      }
      checkOwners(cluster)
    }),
    // The same lives each time: what has to be green before a change lands must not hang on luck. `--long` looks for more.
    isLong ? { numRuns: 20_000 } : { numRuns: 2_500, seed: 887_925_906 },
  )
})

function rest({ controller }: World): void {
  assert.equal(controller.settle(), undefined, 'the plans never came to rest')
}

// Each address in a status has a record that names the Service; who has none cannot have one now.
function checkService(cluster: Cluster, key: string): void {
  const service = cluster.service(key)
  assert.ok(service)
  const named = cluster.taken.ofService(key)
  if (!isOurs(service, cluster.pools, named.length > 0)) {
    assert.deepEqual(named, [], `${key} is not ours and holds nothing`)
    return
  }
  for (const ip of service.ingress) {
    const found = named.some((record) => formatIp(record.address) === formatIp(ip))
    assert.ok(found, `${key} has ${formatIp(ip)} in its status, and a record of it`)
  }
  // A claim whose Service was never seen, and an address withheld, are held besides.
  const claims = [service.annotations[claimAnnotation], service.uid]
  const own = named.filter(
    ({ holders, retainedUntil }) =>
      retainedUntil === undefined && holders.some(({ claim, name }) => name === service.name && claims.includes(claim)),
  )
  assert.equal(own.length, service.ingress.length, `${key} holds no more than its status says`)
  if (named.length === 0)
    assert.equal(canHave(cluster, service), false, `${key} waits although it could have an address`)
}

function canHave(cluster: Cluster, service: Service): boolean {
  const claimed = cluster.taken.ofClaim(service.annotations[claimAnnotation] ?? '')
  const read = readRequest(service, [], cluster.pools.primaryFamily, claimed)
  if (!read.ok) return false
  const { pools, taken, findService } = cluster
  const choice = chooseAddresses({ service, request: read.request, pools, taken, findService, start: 0 })
  return choice.kind === 'claim' || choice.kind === 'join'
}

// Nobody has an address together with another who may not share it, neither in the records nor in the statuses.
function checkSharing(cluster: Cluster): void {
  for (const record of cluster.records()) {
    const there = record.holders.filter(({ namespace, name }) => cluster.findService(namespace, name) !== undefined)
    for (const [at, { namespace, name }] of there.entries()) {
      const service = cluster.service(`${namespace}/${name}`)
      assert.ok(service)
      const refused = sharingRefused(service, { ...record, holders: there.slice(0, at) }, cluster.findService)
      assert.equal(refused, undefined, `${namespace}/${name} may share ${record.name}`)
    }
  }
  const announced = new Map<string, string>()
  for (const key of cluster.services.keys()) {
    for (const ip of cluster.service(key)?.ingress ?? []) {
      const other = announced.get(formatIp(ip))
      announced.set(formatIp(ip), key)
      if (other === undefined) continue
      const holders = cluster.taken.at(ip)?.holders.map(({ namespace, name }) => `${namespace}/${name}`) ?? []
      assert.ok(holders.includes(key) && holders.includes(other), `${key} and ${other} are both at ${formatIp(ip)}`)
    }
  }
}

function checkQuota({ pools, taken }: Cluster): void {
  for (const { name, maxPerNamespace = Number.POSITIVE_INFINITY } of pools.eips.values()) {
    for (const namespace of ['ns', 'other']) {
      const count = taken.countOf(name, namespace)
      assert.ok(count <= maxPerNamespace, `namespace ${namespace} has ${count} addresses of Eip ${name}`)
    }
  }
}

// When nothing is held or kept for anybody any more, every record is of a Service that is there and has its address.
function checkOwners(cluster: Cluster): void {
  for (const { name: address, holders } of cluster.records()) {
    assert.ok(holders.length > 0, `${address} has a holder`)
    for (const { namespace, name } of holders) {
      const service = cluster.service(`${namespace}/${name}`)
      assert.ok(service, `${address} is held by ${namespace}/${name}, which exists`)
    }
  }
}

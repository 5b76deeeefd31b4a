import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp } from '../../../../src/core/address/index.ts'
import { type Draft, TakenIndex, allocationObject } from '../../../../src/core/ipam/index.ts'
import { type Allocation, type Holder, readAllocation, readEip } from '../../../../src/core/model/index.ts'
import type { KubeError } from '../../../../src/io/kube/interface.ts'
import { eipAllocations } from '../../../../src/io/kube/resources.ts'
import { systemClock } from '../../../../src/io/process/clock.ts'
import { silentLog } from '../../../../src/io/telemetry/log.ts'
import { type ClaimRequest, type Claimer, claimAddresses } from '../../../../src/io/pools/claim.ts'
import { type FakeCluster, openFakeCluster } from '../../webhook/fake-cluster.ts'
import { waitUntil } from '../../webhook/wait-until.ts'

interface Replica extends Claimer {
  readonly known: Map<string, Allocation>
  readonly outcomes: string[]
}

function replicaOf(cluster: FakeCluster): Replica {
  const known = new Map<string, Allocation>()
  const outcomes: string[] = []
  return {
    client: cluster.client,
    clock: systemClock,
    log: silentLog,
    attempts: { add: ({ outcome }) => void outcomes.push(outcome), remove: () => {}, replaceAll: () => {} },
    allocations: {
      learn: (allocation) => void known.set(allocation.name, allocation),
      forget: (name) => void known.delete(name),
      taken: new TakenIndex(),
    },
    pools: { eips: new Map() },
    known,
    outcomes,
  }
}

function draft(address: string): Draft {
  const ip = parseIp(address)
  assert.ok(ip)
  return { address: ip, eip: 'pool', protocol: 'bgp' }
}

function holderOf(claim: string): Holder {
  const asked = { pool: undefined, address: undefined, loadBalancerIP: undefined }
  return { namespace: 'shop', name: claim, generateName: '', claim, ports: [], asked }
}

function requestOf(
  claim: string,
  candidates: Iterable<readonly Draft[]>,
  other: Partial<ClaimRequest> = {},
): ClaimRequest {
  return {
    candidates,
    holder: holderOf(claim),
    readCollisions: false,
    regains: false,
    dryRun: false,
    deadlineMs: systemClock.nowMs() + 2_000,
    ...other,
  }
}

function namesIn(cluster: FakeCluster): string[] {
  return cluster.objects(eipAllocations).map(({ metadata }) => metadata.name ?? '')
}

const timeout: KubeError = { code: 'Timeout', message: 'no answer' }

void test('the quiet case is one create', async () => {
  const cluster = openFakeCluster()
  const replica = replicaOf(cluster)
  const result = await claimAddresses(replica, requestOf('a', [[draft('192.0.2.1')], [draft('192.0.2.2')]]))
  assert.equal(result.kind, 'claimed')
  assert.deepEqual(
    cluster.calls.map(({ verb, name }) => [verb, name]),
    [['create', '192.0.2.1']],
  )
  assert.equal(replica.known.get('192.0.2.1')?.holders[0]?.claim, 'a')
})

void test('two replicas and one free address: one has it, the other learns that it is taken', async () => {
  const cluster = openFakeCluster()
  const replicas = [replicaOf(cluster), replicaOf(cluster)] as const
  const results = await Promise.all([
    claimAddresses(replicas[0], requestOf('a', [[draft('192.0.2.1')]])),
    claimAddresses(replicas[1], requestOf('b', [[draft('192.0.2.1')]])),
  ])
  assert.deepEqual(results.map(({ kind }) => kind).toSorted(), ['claimed', 'taken'])
  assert.deepEqual(namesIn(cluster), ['192.0.2.1'])
  assert.ok(replicas.every(({ known }) => known.has('192.0.2.1')))
})

void test('a storm of collisions: twenty claims over the same twenty candidates end with twenty addresses', async () => {
  const cluster = openFakeCluster()
  const candidates = Array.from({ length: 20 }, (_, index) => [draft(`192.0.2.${index + 1}`)])
  const results = await Promise.all(
    candidates.map((_, index) => claimAddresses(replicaOf(cluster), requestOf(`service-${index}`, candidates))),
  )
  assert.ok(results.every(({ kind }) => kind === 'claimed'))
  assert.equal(namesIn(cluster).length, 20)
})

void test('an address asked for is read on collision: the next decision can name the holder', async () => {
  const cluster = openFakeCluster()
  cluster.put(eipAllocations, allocationObject(draft('192.0.2.1'), holderOf('holder')))
  const replica = replicaOf(cluster)
  const result = await claimAddresses(replica, requestOf('a', [[draft('192.0.2.1')]], { readCollisions: true }))
  assert.equal(result.kind, 'taken')
  assert.equal(replica.known.get('192.0.2.1')?.holders[0]?.name, 'holder')
})

void test('dual stack: what was claimed for a pair that did not work out is given back', async () => {
  const cluster = openFakeCluster()
  cluster.put(eipAllocations, allocationObject(draft('2001:db8::1'), holderOf('holder')))
  const replica = replicaOf(cluster)
  const pairs = [
    [draft('192.0.2.1'), draft('2001:db8::1')],
    [draft('192.0.2.2'), draft('2001:db8::2')],
  ]
  const result = await claimAddresses(replica, requestOf('a', pairs))
  assert.deepEqual(result.kind === 'claimed' && result.drafts, pairs[1])
  const v6 = (end: string): string => `2001-0db8-0000-0000-0000-0000-0000-000${end}`
  assert.deepEqual(namesIn(cluster).toSorted(), ['192.0.2.2', v6('1'), v6('2')])
  assert.equal(replica.known.has('192.0.2.1'), false)
})

void test('dual stack: an address common to both pairs is claimed once', async () => {
  const cluster = openFakeCluster()
  cluster.put(eipAllocations, allocationObject(draft('2001:db8::1'), holderOf('holder')))
  const pairs = [
    [draft('192.0.2.1'), draft('2001:db8::1')],
    [draft('192.0.2.1'), draft('2001:db8::2')],
  ]
  const result = await claimAddresses(replicaOf(cluster), requestOf('a', pairs))
  assert.equal(result.kind === 'claimed' && result.records.length, 2)
  assert.equal(cluster.calls.filter(({ name }) => name === '192.0.2.1').length, 1)
})

void test('dual stack, second family exhausted: nothing is kept', async () => {
  const cluster = openFakeCluster()
  cluster.put(eipAllocations, allocationObject(draft('2001:db8::1'), holderOf('holder')))
  const result = await claimAddresses(replicaOf(cluster), requestOf('a', [[draft('192.0.2.1'), draft('2001:db8::1')]]))
  assert.equal(result.kind, 'taken')
  assert.equal(namesIn(cluster).length, 1)
})

void test('a dry run goes the same way and leaves nothing', async () => {
  const cluster = openFakeCluster()
  cluster.put(eipAllocations, allocationObject(draft('192.0.2.1'), holderOf('holder')))
  const replica = replicaOf(cluster)
  const candidates = [[draft('192.0.2.1')], [draft('192.0.2.2')]]
  const result = await claimAddresses(replica, requestOf('a', candidates, { dryRun: true }))
  assert.deepEqual(result.kind === 'claimed' && result.drafts, candidates[1])
  assert.deepEqual(namesIn(cluster), ['192.0.2.1'])
  assert.equal(replica.known.has('192.0.2.2'), false)
})

void test('a create whose answer was lost is found to be ours, not a second address', async () => {
  const cluster = openFakeCluster()
  let lost = 0
  cluster.before = ({ verb }) =>
    verb === 'create' && lost++ === 0 ? { kind: 'loseAnswer', error: timeout } : undefined
  const replica = replicaOf(cluster)
  const result = await claimAddresses(replica, requestOf('a', [[draft('192.0.2.1')], [draft('192.0.2.2')]]))
  assert.equal(result.kind === 'claimed' && result.records[0]?.name, '192.0.2.1')
  assert.deepEqual(namesIn(cluster), ['192.0.2.1'])
  assert.deepEqual(replica.outcomes, ['failed', 'taken'])
})

void test('a slow API server: the claim ends at its deadline, and what came of it after all is given back', async () => {
  const cluster = openFakeCluster()
  cluster.before = ({ verb }) => (verb === 'create' ? { kind: 'loseAnswer', error: timeout } : undefined)
  const replica = replicaOf(cluster)
  // The first create happens without our knowing; the looking at it fails too.
  const answers = cluster.before
  cluster.before = (call) =>
    call.verb === 'get' ? { kind: 'refuse', error: timeout } : call.verb === 'create' ? answers(call) : undefined
  const startMs = systemClock.nowMs()
  const result = await claimAddresses(
    replica,
    requestOf('a', [[draft('192.0.2.1')]], { deadlineMs: systemClock.nowMs() + 150 }),
  )
  assert.notEqual(result.kind, 'claimed')
  assert.ok(systemClock.nowMs() - startMs < 1_000)
  cluster.before = () => undefined
  await waitUntil('the record nobody was told of to be given back', () => namesIn(cluster).length === 0)
})

void test('Forbidden is not tried again', async () => {
  const cluster = openFakeCluster()
  cluster.before = () => ({ kind: 'refuse', error: { code: 'Forbidden', message: 'no' } })
  const result = await claimAddresses(replicaOf(cluster), requestOf('a', [[draft('192.0.2.1')], [draft('192.0.2.2')]]))
  assert.deepEqual(result, { kind: 'failed', error: { code: 'Forbidden', message: 'no' } })
  assert.equal(cluster.calls.length, 1)
})

void test('a record that someone touched after us is not given back', async () => {
  const cluster = openFakeCluster()
  cluster.put(eipAllocations, allocationObject(draft('2001:db8::1'), holderOf('holder')))
  cluster.before = ({ verb, name }) => {
    if (verb !== 'delete') return undefined
    const touched = cluster.object(eipAllocations, name)
    if (touched !== undefined) cluster.put(eipAllocations, touched)
    return undefined
  }
  const result = await claimAddresses(replicaOf(cluster), requestOf('a', [[draft('192.0.2.1'), draft('2001:db8::1')]]))
  assert.equal(result.kind, 'taken')
  assert.equal(namesIn(cluster).length, 2)
  assert.equal(readAllocation(cluster.object(eipAllocations, '192.0.2.1') ?? { spec: {} })?.holders[0]?.claim, 'a')
})

void test('an address that a Service has already is claimed again though another has used up the quota meanwhile', async () => {
  const cluster = openFakeCluster()
  const eip = readEip({ metadata: { name: 'pool' }, spec: { address: '192.0.2.0/24', maxPerNamespace: 1 } })
  assert.ok(eip)
  const replica = { ...replicaOf(cluster), pools: { eips: new Map([['pool', eip]]) } }
  cluster.put(eipAllocations, allocationObject(draft('192.0.2.9'), holderOf('meanwhile')))
  const candidates = [[draft('192.0.2.1')]]
  assert.equal((await claimAddresses(replica, requestOf('a', candidates))).kind, 'taken')
  assert.deepEqual(namesIn(cluster), ['192.0.2.9'])
  assert.equal((await claimAddresses(replica, requestOf('a', candidates, { regains: true }))).kind, 'claimed')
  assert.deepEqual(namesIn(cluster), ['192.0.2.9', '192.0.2.1'])
})

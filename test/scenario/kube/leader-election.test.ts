import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  type KubeClient,
  type LeaderElection,
  leases,
  microTime,
  openClient,
  runLeaderElection,
} from '../../../src/io/kube/index.ts'
import { type Clock, systemClock } from '../../../src/io/process/clock.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { type ManualClock, manualClock } from '../../unit/io/process/manual-clock.ts'
import { type FakeApiServer, openFakeApiServer } from './fake-api-server.ts'
import { advanceUntil, observed, waitFor } from './wait.ts'

interface Candidate {
  readonly election: LeaderElection
  readonly client: KubeClient
  /** `started` and `stopped` in order. */
  readonly terms: string[]
}

interface Hall {
  readonly server: FakeApiServer
  readonly clock: ManualClock
  candidate(
    identity: string,
    clock?: ManualClock,
    onStopped?: () => void | Promise<void>,
    transportClock?: Clock,
  ): Candidate
  /** Moves the clock until it holds. */
  until(what: string, holds: () => boolean, clock?: ManualClock): Promise<void>
  holder(): string | undefined
  lease(): Record<string, unknown>
}

const key = 'bellhop-system/controller'

function election(name: string, run: (hall: Hall) => Promise<void>): void {
  void test(name, { timeout: 120_000 }, async () => {
    const server = await openFakeApiServer()
    const clock = manualClock()
    const candidates: Candidate[] = []
    const busies: (() => boolean)[] = []
    const lease = (): Record<string, unknown> => (server.get(leases, key)?.['spec'] ?? {}) as Record<string, unknown>
    try {
      await run({
        server,
        clock,
        candidate(identity, ownClock = clock, onStopped, transportClock = systemClock) {
          const inner = openClient(server.credentials, { log: silentLog, clock: transportClock, userAgent: identity })
          const { client, busy } = observed(inner, server)
          if (transportClock === systemClock) busies.push(busy)
          const terms: string[] = []
          const election = runLeaderElection({
            client,
            namespace: 'bellhop-system',
            name: 'controller',
            identity,
            leaseDurationMs: 15_000,
            renewDeadlineMs: 10_000,
            retryPeriodMs: 2000,
            clock: ownClock,
            random: () => 0.5,
            log: silentLog,
            onStartedLeading: () => void terms.push('started'),
            onStoppedLeading: () => {
              terms.push('stopped')
              return onStopped?.()
            },
          })
          const made = { election, client, terms }
          candidates.push(made)
          return made
        },
        until: (what, holds, ownClock = clock) =>
          advanceUntil(ownClock, what, holds, { busy: () => busies.some((busy) => busy()) }),
        holder: () => lease()['holderIdentity'] as string | undefined,
        lease,
      })
    } finally {
      for (const { client } of candidates) client.close()
      await Promise.all(candidates.map(({ election }) => election.stop()))
      await server.close()
    }
  })
}

election('the first one leads, the second waits, and takes over at once when the first stops', async (hall) => {
  const first = hall.candidate('first')
  await waitFor('the first leads', () => first.election.isLeader())
  const second = hall.candidate('second')
  const startedMs = hall.clock.nowMs()
  await hall.until('a minute', () => hall.clock.nowMs() - startedMs >= 60_000)
  assert.deepEqual([first.terms, second.terms], [['started'], []])
  await first.election.stop()
  assert.deepEqual(first.terms, ['started', 'stopped'])
  assert.equal(hall.holder(), '')
  const stoppedMs = hall.clock.nowMs()
  await hall.until('the second leads', () => second.election.isLeader())
  assert.ok(hall.clock.nowMs() - stoppedMs <= 2500, 'within one retry period')
  assert.equal(hall.lease()['leaseTransitions'], 2)
})

election('times are written in microseconds and the Lease says for how long it holds', async (hall) => {
  const { election } = hall.candidate('first')
  await waitFor('it leads', () => election.isLeader())
  assert.match(String(hall.lease()['renewTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.equal(hall.lease()['acquireTime'], hall.lease()['renewTime'])
  assert.equal(hall.lease()['leaseDurationSeconds'], 15)
  const acquired = hall.lease()['acquireTime']
  await hall.until('a renewal', () => hall.lease()['renewTime'] !== acquired)
  assert.equal(hall.lease()['acquireTime'], acquired)
})

election(
  'a holder that vanished is replaced after its lease, counted from when we saw it last change',
  async (hall) => {
    hall.server.put(leases, {
      metadata: { namespace: 'bellhop-system', name: 'controller' },
      spec: {
        holderIdentity: 'vanished',
        leaseDurationSeconds: 15,
        // Its clock was hours ahead or behind: no matter.
        renewTime: microTime(hall.clock.wallMs() - 7_200_000),
      },
    })
    const { election } = hall.candidate('second')
    const startedMs = hall.clock.nowMs()
    await hall.until('it leads', () => election.isLeader())
    const tookMs = hall.clock.nowMs() - startedMs
    assert.ok(tookMs >= 15_000 && tookMs <= 20_000, `after ${tookMs} ms`)
  },
)

election('skewed clocks, wall clocks that jump: never two leaders', async (hall) => {
  const skewed = manualClock(hall.clock.wallMs() + 3_600_000)
  const first = hall.candidate('first')
  await waitFor('the first leads', () => first.election.isLeader())
  const second = hall.candidate('second', skewed)
  for (let round = 0; round < 100; round++) {
    await hall.until('a second', () => hall.clock.nowMs() >= (round + 1) * 1000)
    await hall.until('a second', () => skewed.nowMs() >= (round + 1) * 1000, skewed)
    if (round % 10 === 5) hall.clock.stepWall(round % 20 === 5 ? 86_400_000 : -86_400_000)
    assert.equal(second.election.isLeader(), false)
  }
  assert.deepEqual(first.terms, ['started'])
})

election(
  'the API server away: the leader steps down in time, before another may start, and leads again after',
  async (hall) => {
    const first = hall.candidate('first')
    await waitFor('it leads', () => first.election.isLeader())
    await hall.server.stop()
    const startedMs = hall.clock.nowMs()
    await hall.until('it steps down', () => !first.election.isLeader())
    const tookMs = hall.clock.nowMs() - startedMs
    assert.ok(tookMs <= 10_000, `led for ${tookMs} ms without a renewal; others may start after 15 s`)
    await hall.server.start()
    await hall.until('it leads again', () => first.election.isLeader())
    assert.deepEqual(first.terms, ['started', 'stopped', 'started'])
  },
)

election('renewals refused three times do not cost the term', async (hall) => {
  const first = hall.candidate('first')
  await waitFor('it leads', () => first.election.isLeader())
  const renewed = hall.lease()['renewTime']
  hall.server.inject(({ method }) => method === 'PUT', { status: 503 }, 3)
  await hall.until('a renewal', () => hall.lease()['renewTime'] !== renewed)
  assert.deepEqual(first.terms, ['started'])
})

election('one renewal that hangs does not cost the term', async (hall) => {
  const first = hall.candidate('first', hall.clock, undefined, hall.clock)
  await waitFor('it leads', () => first.election.isLeader())
  const renewed = hall.lease()['renewTime']
  const hanging = hall.server.inject(({ method }) => method === 'PUT', 'silence')
  await hall.until('a renewal', () => hall.lease()['renewTime'] !== renewed)
  assert.equal(hanging.left, 0)
  assert.deepEqual(first.terms, ['started'])
})

election('a Lease taken by another is noticed at the next renewal', async (hall) => {
  const first = hall.candidate('first')
  await waitFor('it leads', () => first.election.isLeader())
  const spec = { ...hall.lease(), holderIdentity: 'thief' }
  hall.server.put(leases, { metadata: { namespace: 'bellhop-system', name: 'controller' }, spec })
  const startedMs = hall.clock.nowMs()
  await hall.until('it steps down', () => !first.election.isLeader())
  assert.ok(hall.clock.nowMs() - startedMs <= 2500)
  assert.equal(hall.holder(), 'thief')
})

election('a Lease that someone annotated or deleted stays with its leader, annotation and all', async (hall) => {
  const first = hall.candidate('first')
  await waitFor('it leads', () => first.election.isLeader())
  const metadata = { namespace: 'bellhop-system', name: 'controller', annotations: { note: 'kept' } }
  hall.server.put(leases, { metadata, spec: hall.lease() })
  const renewed = hall.lease()['renewTime']
  await hall.until('a renewal', () => hall.lease()['renewTime'] !== renewed)
  assert.deepEqual(hall.server.get(leases, key)?.metadata.annotations, { note: 'kept' })
  hall.server.remove(leases, key)
  await hall.until('the Lease is back', () => hall.holder() === 'first')
  assert.deepEqual(first.terms, ['started'])
})

election('two that reach for a free Lease: one gets it', async (hall) => {
  const both = [hall.candidate('a'), hall.candidate('b')] as const
  await waitFor('somebody leads', () => both.some(({ election }) => election.isLeader()))
  const startedMs = hall.clock.nowMs()
  await hall.until('ten seconds', () => hall.clock.nowMs() - startedMs >= 10_000)
  assert.equal(both.filter(({ election }) => election.isLeader()).length, 1)
})

election('the Lease is released only after the work of the term has ended', async (hall) => {
  let finish: () => void = () => {}
  const work = new Promise<void>((resolve) => (finish = resolve))
  const first = hall.candidate('first', hall.clock, () => work)
  await waitFor('it leads', () => first.election.isLeader())
  const stopped = first.election.stop()
  assert.equal(first.election.isLeader(), false)
  // What would follow without waiting: one more call. The server has answered one sent later.
  await first.client.list(leases)
  assert.equal(hall.holder(), 'first')
  finish()
  await stopped
  assert.equal(hall.holder(), '')
})

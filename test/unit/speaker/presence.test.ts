// The Lease and the Speaker object: how often they are written, and what stands in them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SpeakerStatus, currentUpToAnnotation } from '../../../src/core/model/index.ts'
import type { Answer, KubeClient, KubeObject, ObjectRef, PatchOptions } from '../../../src/io/kube/index.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { openPresence } from '../../../speaker/presence.ts'
import { openReport } from '../../../speaker/report.ts'
import { node, session, speaker } from '../announce/fixtures.ts'
import { manualClock } from '../io/process/manual-clock.ts'

interface Write {
  readonly atMs: number
  readonly what: string
  readonly body: unknown
}

function open() {
  const clock = manualClock()
  const writes: Write[] = []
  const existing = new Set<string>()
  let failing = false
  const notFound: Answer<KubeObject> = { ok: false, error: { code: 'NotFound', message: 'not there', status: 404 } }
  const away: Answer<KubeObject> = { ok: false, error: { code: 'Unreachable', message: 'no connection' } }
  const done = (body: unknown): Answer<KubeObject> => ({ ok: true, value: body as KubeObject })
  const client = {
    patch: async ({ name }: ObjectRef, { body }: PatchOptions): Promise<Answer<KubeObject>> => {
      writes.push({ atMs: clock.nowMs(), what: `patch ${name}`, body })
      if (failing) return away
      return existing.has(name) ? done(body) : notFound
    },
    create: async (_resource: unknown, object: KubeObject): Promise<Answer<KubeObject>> => {
      writes.push({ atMs: clock.nowMs(), what: `create ${object.metadata.name}`, body: object })
      if (failing) return away
      existing.add(object.metadata.name ?? '')
      return done(object)
    },
  } as unknown as KubeClient
  return { clock, writes, client, fail: (on: boolean) => void (failing = on) }
}

function openLease(currentUpToMs: () => number | undefined = () => undefined) {
  const base = open()
  const outcomes: string[] = []
  const presence = openPresence({
    ...{ client: base.client, namespace: 'bellhop-system', nodeName: 'master', node: () => node('master') },
    ...{ currentUpToMs, clock: base.clock, random: () => 0.5, log: silentLog },
    onRenewal: (outcome) => void outcomes.push(outcome),
  })
  return { ...base, presence, outcomes }
}

void test('the Lease is made once, belongs to the Node, and is renewed every 10 s', async () => {
  const { clock, writes, presence } = openLease(() => Date.UTC(2026, 0, 1))
  presence.start()
  await clock.advance(30_500)
  assert.deepEqual(
    writes.map(({ atMs, what }) => [atMs, what]),
    [
      [0, 'patch speaker-master'],
      [0, 'create speaker-master'],
      [10_000, 'patch speaker-master'],
      [20_000, 'patch speaker-master'],
      [30_000, 'patch speaker-master'],
    ],
  )
  const lease = writes[1]?.body as KubeObject
  assert.equal(lease.metadata.ownerReferences?.[0]?.uid, 'uid-master')
  assert.equal(lease.metadata.annotations?.[currentUpToAnnotation], '2026-01-01T00:00:00.000Z')
  assert.equal((lease['spec'] as { leaseDurationSeconds: number }).leaseDurationSeconds, 40)
  await presence.stop()
})

void test('news is told within a second, and never more often than once a second', async () => {
  const { clock, writes, presence } = openLease()
  presence.start()
  await clock.advance(5000)
  writes.length = 0
  presence.hint()
  await clock.advance(0)
  assert.deepEqual(
    writes.map(({ atMs }) => atMs),
    [5000],
    'at once, when the last renewal is long ago',
  )
  for (let i = 0; i < 50; i++) {
    presence.hint()
    await clock.advance(100)
  }
  const gaps = writes.slice(1).map(({ atMs }, i) => atMs - (writes[i]?.atMs ?? 0))
  assert.ok(gaps.length >= 4 && gaps.every((gap) => gap >= 1000), JSON.stringify(gaps))
  await presence.stop()
})

void test('the API server away: renewing goes on, and works again when it is back', async () => {
  const { clock, outcomes, presence, fail } = openLease()
  presence.start()
  await clock.advance(1000)
  fail(true)
  await clock.advance(120_000)
  fail(false)
  await clock.advance(11_000)
  assert.equal(outcomes.at(-1), 'done')
  assert.ok(outcomes.filter((outcome) => outcome === 'failed').length <= 13, 'no hot loop')
  await presence.stop()
})

function openSpeakerObject(isAwaited?: () => boolean) {
  const base = open()
  let status = speaker([session('leaf1')])
  const report = openReport({
    ...{ client: base.client, nodeName: 'master', node: () => node('master'), status: () => status },
    ...{ clock: base.clock, log: silentLog, onWrite: () => {} },
    ...(isAwaited === undefined ? {} : { isAwaited }),
  })
  return { ...base, report, set: (next: typeof status) => void (status = next) }
}

void test('the Speaker object: made when missing, then left alone while nothing changes', async () => {
  const { clock, writes, report } = openSpeakerObject()
  report.start()
  await clock.advance(300_000)
  assert.deepEqual(
    writes.map(({ what }) => what),
    ['patch master', 'create master', 'patch master'],
  )
  await report.stop()
})

void test('after a start the word of the process before stands while routers that keep routes have no session, for 5 s at most', async () => {
  for (const upAfterMs of [1000, undefined]) {
    let awaited = true
    const { clock, writes, report, set } = openSpeakerObject(() => awaited)
    set(speaker([session('leaf1', { state: 'CONNECT' })]))
    report.start()
    report.changed()
    await clock.advance(1000)
    assert.equal(writes.length, 0)
    if (upAfterMs !== undefined) {
      awaited = false
      set(speaker([session('leaf1', { state: 'ESTABLISHED' })]))
      report.changed()
    }
    await clock.advance(5000)
    const { status } = (writes.at(-1) ?? assert.fail('nothing was written')).body as { status: SpeakerStatus }
    assert.equal(status.sessions[0]?.state, upAfterMs === undefined ? 'CONNECT' : 'ESTABLISHED')
    assert.equal(writes[0]?.atMs, upAfterMs === undefined ? 5000 : 1100)
    // Only after a start.
    awaited = true
    writes.length = 0
    set(speaker([session('leaf1', { state: 'ACTIVE', flaps: 1 })]))
    report.changed()
    await clock.advance(1000)
    assert.equal(writes.length, 1)
    await report.stop()
  }
})

void test('a session that changes is told at once, many changes at most once a second', async () => {
  const { clock, writes, report, set } = openSpeakerObject()
  report.start()
  await clock.advance(5000)
  writes.length = 0
  set(speaker([session('leaf1', { state: 'ACTIVE' })]))
  report.changed()
  await clock.advance(100)
  assert.deepEqual(
    writes.map(({ atMs }) => atMs),
    [5100],
  )
  for (let flaps = 1; flaps <= 30; flaps++) {
    set(speaker([session('leaf1', { flaps })]))
    report.changed()
    await clock.advance(100)
  }
  assert.ok(writes.length >= 3 && writes.length <= 5, `${writes.length} writes in 3 s`)
  await clock.advance(2000)
  assert.match(JSON.stringify(writes.at(-1)?.body), /"flaps":30/)
  await report.stop()
})

void test('a session that is being tried in vain is told once, not with every attempt', async () => {
  const { clock, writes, report, set } = openSpeakerObject()
  set(speaker([session('leaf1', { state: 'CONNECT', lastError: 'connection refused' })]))
  report.start()
  await clock.advance(1000)
  writes.length = 0
  for (let i = 0; i < 10; i++) {
    const state = i % 2 === 0 ? 'ACTIVE' : 'CONNECT'
    set(speaker([session('leaf1', { state, lastError: 'connection refused' })]))
    report.changed()
    await clock.advance(5000)
  }
  assert.equal(writes.length, 0)
  await report.stop()
})

void test('counts alone are written once a minute, the first prefix and the last at once', async () => {
  const { clock, writes, report, set } = openSpeakerObject()
  report.start()
  await clock.advance(1000)
  for (const prefixes of [1, 0, 1]) {
    writes.length = 0
    set(speaker([session('leaf1', { prefixesSent: prefixes })], { prefixes }))
    report.changed()
    await clock.advance(1000)
    assert.equal(writes.length, 1, `${prefixes} prefixes`)
  }
  writes.length = 0
  for (let prefixes = 2; prefixes <= 181; prefixes++) {
    set(speaker([session('leaf1', { prefixesSent: prefixes })], { prefixes }))
    report.changed()
    await clock.advance(1000)
  }
  assert.equal(writes.length, 3)
  await report.stop()
})

void test('a write that fails is tried again, ever more slowly', async () => {
  const { clock, writes, report, fail } = openSpeakerObject()
  fail(true)
  report.start()
  await clock.advance(120_000)
  const failed = writes.length
  assert.ok(failed >= 4 && failed <= 12, `${failed} tries in two minutes`)
  fail(false)
  await clock.advance(31_000)
  assert.equal(writes.at(-1)?.what, 'patch master')
  const settled = writes.length
  await clock.advance(55_000)
  assert.equal(writes.length, settled)
  await report.stop()
})

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Events, events as eventResource, openEvents } from '../../../../src/io/kube/index.ts'
import { silentLog } from '../../../../src/io/telemetry/log.ts'
import { type ManualClock, manualClock } from '../process/manual-clock.ts'
import { type RecordingClient, recordingClient } from './fake-client.ts'

const web = { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u1' }

function open(rates: { normalPerSecond?: number; warningPerSecond?: number } = {}): {
  events: Events
  client: RecordingClient
  clock: ManualClock
} {
  const clock = manualClock()
  const client = recordingClient(() => clock.nowMs())
  const events = openEvents({
    client,
    component: 'bellhop-controller',
    instance: 'pod-1',
    clock,
    log: silentLog,
    ...rates,
  })
  return { events, client, clock }
}

void test('an event is one create with everything the API server asks for', async () => {
  const { events, client, clock } = open()
  events.record(web, 'Normal', 'AssignIP', 'success to assign ip: 172.22.0.1')
  await clock.advance(0)
  const [{ resource, object } = { resource: undefined, object: undefined }] = client.creates
  assert.equal(resource, eventResource)
  assert.equal(object?.metadata.namespace, 'shop')
  assert.match(object?.metadata.name ?? '', /^web\.[0-9a-f]+$/)
  const { metadata: _, ...rest } = object ?? { metadata: {} }
  assert.deepEqual(rest, {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'bellhop-controller',
    reportingInstance: 'pod-1',
    action: 'AssignIP',
    reason: 'AssignIP',
    type: 'Normal',
    note: 'success to assign ip: 172.22.0.1',
    regarding: web,
  })
})

void test('events about cluster-scoped objects live in default', async () => {
  const { events, client, clock } = open()
  events.record({ apiVersion: 'v1', kind: 'Eip', name: 'pool' }, 'Normal', 'X', 'y')
  await clock.advance(0)
  assert.equal(client.creates[0]?.object.metadata.namespace, 'default')
})

void test('a note longer than 1024 bytes is cut between two characters', async () => {
  const { events, client, clock } = open()
  events.record(web, 'Normal', 'X', 'ü'.repeat(1000))
  await clock.advance(0)
  const note = String(client.creates[0]?.object['note'])
  assert.ok(Buffer.byteLength(note) <= 1024 && Buffer.byteLength(note) > 1000)
  assert.match(note, /^ü+…$/)
})

void test('the same again is counted in the series of the first, twice a minute at most', async () => {
  const { events, client, clock } = open()
  for (let second = 0; second < 90; second++) {
    events.record(web, 'Warning', 'AssignIPFailed', 'no address is free')
    await clock.advance(1000)
  }
  assert.equal(client.creates.length, 1)
  assert.ok(client.patches.length >= 2 && client.patches.length <= 3, `${client.patches.length} patches`)
  const last = client.patches.at(-1)
  assert.equal(last?.ref.name, client.creates[0]?.object.metadata.name)
  assert.ok(last !== undefined)
  const { series } = last.options.body as { series: { count: number; lastObservedTime: string } }
  assert.ok(series.count >= 60 && series.count <= 90, `count ${series.count}`)
  assert.match(series.lastObservedTime, /\.\d{6}Z$/)
})

void test('another message, another object, or the same after ten minutes is a new event', async () => {
  const { events, client, clock } = open()
  events.record(web, 'Normal', 'X', 'one')
  events.record(web, 'Normal', 'X', 'two')
  events.record({ ...web, uid: 'u2' }, 'Normal', 'X', 'one')
  await clock.advance(600_000)
  events.record(web, 'Normal', 'X', 'one')
  await clock.advance(0)
  assert.equal(client.creates.length, 4)
  assert.equal(new Set(client.creates.map(({ object }) => object.metadata.name)).size, 4)
})

void test('Normal events go out at their rate, the rest is dropped and counted; Warnings have their own', async () => {
  const { events, client, clock } = open()
  for (let index = 0; index < 1000; index++) events.record({ ...web, name: `s${index}` }, 'Normal', 'AssignIP', 'x')
  for (let index = 0; index < 100; index++) events.record({ ...web, name: `w${index}` }, 'Warning', 'Failed', 'x')
  await clock.advance(20_000)
  const normal = client.creates.filter(({ object }) => object['type'] === 'Normal')
  const warnings = client.creates.filter(({ object }) => object['type'] === 'Warning')
  assert.equal(warnings.length, 100)
  assert.ok((warnings.at(-1)?.atMs ?? 0) <= 1100)
  assert.equal(normal.length + events.dropped(), 1000)
  // A bucket's worth at once, then ten in each second.
  for (let second = 0; second < 20; second++) {
    const sent = normal.filter(({ atMs }) => atMs >= second * 1000 && atMs < (second + 1) * 1000).length
    assert.ok(sent <= (second === 0 ? 20 : 11), `${sent} in second ${second}`)
  }
})

void test('of a rush of Normal events a hundred are sent, then one a second; Warnings go on', async () => {
  const { events, client, clock } = open()
  const normal = (): number => client.creates.filter(({ object }) => object['type'] === 'Normal').length
  for (let second = 0; second < 30; second++) {
    for (let each = 0; each < 10; each++) {
      events.record({ ...web, name: `web-${second}-${each}` }, 'Normal', 'AssignIP', 'success')
    }
    await clock.advance(1_000)
  }
  assert.ok(normal() >= 120 && normal() <= 140, `${normal()} sent in 30 s`)
  events.record(web, 'Warning', 'AssignIPFailed', 'no')
  await clock.advance(0)
  assert.equal(client.creates.at(-1)?.object['type'], 'Warning')
})

void test('an event that could not be stored is tried again by the next of its kind', async () => {
  const { events, client, clock } = open()
  client.failWith({ code: 'Unreachable', message: 'away' })
  events.record(web, 'Normal', 'X', 'one')
  await clock.advance(10)
  assert.equal(events.dropped(), 1)
  client.failWith(undefined)
  events.record(web, 'Normal', 'X', 'one')
  await clock.advance(10)
  assert.equal(client.creates.length, 2)
})

void test('flush sends what waits, rates or not, and the counts', async () => {
  const { events, client, clock } = open({ normalPerSecond: 2 })
  for (let index = 0; index < 8; index++) events.record({ ...web, name: `s${index}` }, 'Normal', 'AssignIP', 'x')
  await clock.advance(0)
  assert.equal(client.creates.length, 2)
  events.record({ ...web, name: 's0' }, 'Normal', 'AssignIP', 'x')
  await events.flush()
  assert.equal(client.creates.length, 8)
  assert.deepEqual(
    client.patches.map(({ options }) => (options.body as { series: { count: number } }).series.count),
    [2],
  )
})

// What the metrics say of sessions.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureSessions } from '../../../speaker/measure.ts'
import { openMetrics } from '../../../src/io/telemetry/metrics.ts'
import type { SessionPlan } from '../../../src/core/announce/index.ts'
import type { SessionReport } from '../../../src/core/bgp/index.ts'
import { ceaseSubcodes, errorCodes, notification } from '../../../src/core/bgp/wire/index.ts'
import type { SessionStateName, SessionStatus } from '../../../src/core/model/index.ts'
import { Counts } from '../../../src/io/bgp/counts.ts'

const none = { notification: 0, update: 0, open: 0, keepalive: 0, refresh: 0, total: 0 }

function session(peer: string, state: SessionStateName): SessionStatus {
  return {
    ...{ peer, state, neighbor: '192.0.2.1', peerAs: 1, localAs: 2, since: '', families: [], addPath: [] },
    ...{ flaps: 2, prefixesWanted: 5, prefixesSent: 4, messagesSent: { ...none, update: 7 }, messagesReceived: none },
  }
}

const counts = (code: number, ...subcodes: readonly number[]): ReadonlyMap<string, number> => {
  const counted = new Counts()
  for (const subcode of subcodes) counted.take(notification(code, subcode))
  return counted.notifications
}

void test('sessions by state, flaps, UPDATEs, prefixes; a peer shut down on purpose is no session that is down', async () => {
  const metrics = openMetrics('speaker', '1')
  const plan = { settings: [{ key: 'quiet', adminDown: true }] } as unknown as SessionPlan
  measureSessions(metrics, [session('leaf1', 'ACTIVE'), session('quiet', 'IDLE')], plan, [])
  const text = await metrics.exposition.text()
  for (const line of [
    'bellhop_bgp_session_up{peer="leaf1"} 0',
    'bellhop_bgp_session_state{peer="leaf1",state="ACTIVE"} 1',
    'bellhop_bgp_session_state{peer="quiet",state="IDLE"} 1',
    'bellhop_bgp_session_flaps_total{peer="leaf1"} 2',
    'bellhop_bgp_updates_total{peer="leaf1",direction="sent"} 7',
    'bellhop_bgp_prefixes_wanted{peer="leaf1"} 5',
    'bellhop_bgp_prefixes_sent{peer="leaf1"} 4',
  ])
    assert.ok(text.includes(`${line}\n`), line)
  assert.ok(!text.includes('session_up{peer="quiet"}'))
})

void test('NOTIFICATIONs by direction and registered name: what is registered nowhere is one series, whatever a peer sends', async () => {
  const metrics = openMetrics('speaker', '1')
  const received = new Map([
    ...counts(errorCodes.cease, ceaseSubcodes.administrativeReset, ceaseSubcodes.administrativeReset, 200, 201, 0),
  ])
  const sent = counts(errorCodes.holdTimerExpired, 0)
  const report = { key: 'leaf1', notifications: { sent, received } } as unknown as SessionReport
  measureSessions(metrics, [session('leaf1', 'ESTABLISHED')], undefined, [report])
  const lines = (await metrics.exposition.text()).split('\n').filter((line) => line.includes('notifications_total{'))
  assert.deepEqual(lines.toSorted(), [
    'bellhop_bgp_notifications_total{peer="leaf1",direction="received",code="Cease"} 1',
    'bellhop_bgp_notifications_total{peer="leaf1",direction="received",code="Cease/Administrative Reset"} 2',
    'bellhop_bgp_notifications_total{peer="leaf1",direction="received",code="unregistered"} 2',
    'bellhop_bgp_notifications_total{peer="leaf1",direction="sent",code="Hold Timer Expired"} 1',
  ])
  assert.equal([...counts(99, ...Array.from({ length: 256 }, (_, at) => at))].length, 1)
})

void test('the series of a peer that is gone go with it', async () => {
  const metrics = openMetrics('speaker', '1')
  const report = { key: 'leaf1', notifications: { sent: counts(6, 4), received: counts(6, 4) } }
  measureSessions(metrics, [session('leaf1', 'ESTABLISHED')], undefined, [report as unknown as SessionReport])
  assert.match(await metrics.exposition.text(), /leaf1/)
  measureSessions(metrics, [], undefined, [])
  assert.doesNotMatch(await metrics.exposition.text(), /leaf1/)
})

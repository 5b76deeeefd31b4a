import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explanationLines } from '../../../cli/explain.ts'
import { peerLines } from '../../../cli/peers.ts'
import { poolLines } from '../../../cli/pools.ts'
import { openPaint } from '../../../cli/print.ts'
import { rackLines } from '../../../cli/racks.ts'
import { serviceLines } from '../../../cli/services.ts'
import { statusLines } from '../../../cli/status.ts'
import {
  type ClusterView,
  type Probes,
  type Status,
  explainAddress,
  judgeStatus,
  peerRows,
  poolRows,
  rackRows,
  serviceRows,
} from '../../../src/core/explain/index.ts'
import { ip } from '../announce/fixtures.ts'
import { type Objects, condition, down, eip, named, now, record, service } from './cluster.ts'
import { viewOf } from './cluster.ts'
import { expectGolden } from './golden.ts'

const paint = openPaint(false)
const probes: Probes = { webhookAnswers: true, certificateEndsMs: Date.parse(now) + 60 * 86_400_000 }

function failing({ findings }: Status): readonly string[] {
  return findings.flatMap(({ name, state, reason }) => (state === 'ok' ? [] : [`${name} ${state} ${reason}`]))
}

function judged(change?: (objects: Objects) => void, more: Partial<Probes> = {}): readonly string[] {
  return failing(judgeStatus(viewOf(change), { ...probes, ...more }))
}

/** Several things at once. */
function troubled(): ClusterView {
  return viewOf((o) => {
    named(o.daemonsets, 'bellhop-speaker')['status'].numberReady = 1
    named(o.eips, 'pool')['spec'].address = '172.22.0.10/32'
    const api = service('api', undefined)
    api['status'].conditions = [
      condition('bellhop.dev/EipAssigned', 'False', 'PoolFull', 'Eip pool has no free IPv4 address'),
    ]
    o.services.push(api)
    const { status } = named(o.speakers, 'worker2') as { status: { sessions: object[] } }
    status.sessions = status.sessions.map((each) => ({ ...each, ...down('connect ECONNREFUSED 192.168.1.1:179') }))
  })
}

void test('status: all is well', () => {
  const status = judgeStatus(viewOf(), probes)
  expectGolden('status-well', statusLines(status, paint))
  assert.ok(status.well)
})

void test('status: several things are wrong, each with its remedy', () => {
  const status = judgeStatus(troubled(), probes)
  expectGolden('status-troubled', statusLines(status, paint))
  assert.ok(!status.well)
})

void test('status: what could not be read or tried is said, and is no alarm', () => {
  const unread = (['deployments', 'leases', 'racks'] as const).map((part) => ({
    part,
    why: `not allowed to read ${part}`,
  }))
  const status = judgeStatus(
    viewOf(() => {}, unread),
    { webhookAnswers: undefined, certificateEndsMs: undefined },
  )
  expectGolden('status-unread', statusLines(status, paint))
  assert.ok(status.findings.every(({ state }) => state === 'ok' || state === 'unknown'))
})

void test('status: each part says what is wrong with it', () => {
  assert.deepEqual(judged(), [])
  assert.deepEqual(
    judged((o) => o.deployments.shift()),
    ['programs fail ProgramNotReady'],
  )
  assert.deepEqual(
    judged((o) => (named(o.deployments, 'bellhop-webhook')['status'].readyReplicas = 1)),
    ['programs warn ProgramNotReady'],
  )
  assert.deepEqual(
    judged((o) => (named(o.leases, 'bellhop-controller')['spec'].holderIdentity = '')),
    ['leader fail NoLeader'],
  )
  assert.deepEqual(
    judged((o) => o.leases.shift()),
    ['leader fail NoLeader'],
  )
  assert.deepEqual(
    judged((o) => (o.mutatingwebhookconfigurations = [])),
    ['webhook fail WebhookUntrusted'],
  )
  assert.deepEqual(
    judged((o) => delete o.validatingwebhookconfigurations[0]?.['webhooks'][0].clientConfig.caBundle),
    ['webhook fail WebhookUntrusted'],
  )
  assert.deepEqual(judged(undefined, { webhookAnswers: false }), ['webhook fail WebhookUnreachable'])
  const soon = Date.parse(now) + 3 * 86_400_000
  assert.deepEqual(judged(undefined, { certificateEndsMs: soon }), ['webhook warn CertificateExpiring'])
  assert.deepEqual(judged(undefined, { certificateEndsMs: Date.parse(now) - 1 }), ['webhook fail CertificateExpiring'])
  assert.deepEqual(
    judged((o) => (o.bgpconfs = [])),
    ['peers fail NoBgpConf'],
  )
  assert.deepEqual(
    judged((o) => (named(o.leases, 'speaker-worker2')['spec'].renewTime = '2026-03-01T11:40:00.000000Z')),
    ['peers fail SpeakerSilent'],
  )
  assert.deepEqual(
    judged((o) => (o.bgppeers = [])),
    ['peers fail NoPeer'],
  )
  assert.deepEqual(
    judged((o) => (named(o.speakers, 'worker2')['status'].routes.present = 0)),
    ['routes warn RouteMissing'],
  )
  const cut = {
    address: '172.22.0.10',
    peer: 'leaf1',
    reason: 'NextHopsNotAdvertised',
    message: 'peer leaf1 takes one path',
  }
  assert.deepEqual(
    judged((o) => (named(o.speakers, 'master')['status'].exceptions = [cut])),
    ['routes warn NextHopsNotAdvertised'],
  )
  assert.deepEqual(
    judged((o) => (named(o.racks, 'leaf1')['status'].proxied[0].announcedBy = [])),
    ['racks fail RackUnserved'],
  )
  const other = condition('bellhop.dev/SoleProvider', 'False', 'OtherProvider', 'an OpenELB is at work as well')
  assert.deepEqual(
    judged((o) => named(o.services, 'web')['status'].conditions.push(other)),
    ['providers fail OtherProvider'],
  )
})

void test('status: what somebody wants so is said, and no alarm', () => {
  const status = judgeStatus(
    viewOf((o) => {
      named(o.eips, 'pool')['spec'].disable = true
      named(o.bgppeers, 'leaf2')['spec'].conf.adminDown = true
      named(o.nodes, 'worker2')['metadata'].annotations = { 'bellhop.dev/drain': 'true' }
    }),
    probes,
  )
  expectGolden('status-as-wanted', statusLines(status, paint))
  assert.ok(status.well)
})

void test('pools: how full each is, filling before it is full', () => {
  const rows = poolRows(
    viewOf((o) => {
      o.eips.push(
        eip('small', '172.23.0.0/28', { namespaces: ['team'], excludes: ['172.23.0.0'], avoidBuggyIPs: true }),
      )
      for (let i = 1; i <= 14; i++)
        o.eipallocations.push({ ...record(`172.23.0.${i}`, `s${i}`, { spec: { eip: 'small' } }) })
      o.eips.push(eip('huge', 'fd00:22::/64'))
      o.eips.push(eip('off', '172.25.0.0/24', { disable: true }))
    }),
  )
  expectGolden('status-pools', poolLines(rows, paint, true))
  assert.deepEqual(
    rows.map(({ name, problems }) => [name, problems.map(({ code }) => code).join()]),
    [
      ['huge', ''],
      ['off', 'PoolDisabled'],
      ['pool', ''],
      ['small', 'PoolFilling'],
    ],
  )
})

void test('peers, racks and services as tables', () => {
  const view = troubled()
  expectGolden('status-peers', peerLines(peerRows(view), paint, true))
  expectGolden('status-racks', rackLines(rackRows(view), paint, false))
  expectGolden('status-services', serviceLines(serviceRows(view), paint, true, true))
})

const addresses: readonly (readonly [string, string, ((objects: Objects) => void)?])[] = [
  ['172.22.0.10', 'works'],
  ['172.22.0.99', 'works'],
  ['10.96.0.10', 'broken'],
  ['192.168.0.2', 'broken'],
  ['172.99.0.1', 'broken'],
  ['172.22.0.5', 'broken', (o) => (named(o.eips, 'pool')['spec'].excludes = ['172.22.0.0-172.22.0.9'])],
  ['172.22.0.77', 'impaired', (o) => o.eipallocations.push(record('172.22.0.77', 'gone'))],
  [
    '172.22.0.78',
    'impaired',
    (o) => o.eipallocations.push(record('172.22.0.78', 'old', { status: { retainedUntil: '2026-03-01T13:00:00Z' } })),
  ],
  ['172.23.0.1', 'works', (o) => o.eips.push(eip('team', '172.23.0.0/24', { namespaces: ['team'] }))],
  [
    '198.51.100.7',
    'broken',
    (o) => (named(o.services, 'web')['status'].loadBalancer = { ingress: [{ ip: '198.51.100.7' }] }),
  ],
]

for (const [text, verdict, change] of addresses) {
  void test(`explain address ${text}`, () => {
    const explanation = explainAddress(ip(text), viewOf(change))
    expectGolden(`address ${text}`, explanationLines(explanation, paint))
    assert.equal(explanation.verdict, verdict)
  })
}

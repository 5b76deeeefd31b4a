import assert from 'node:assert/strict'
import { bgpConfs, bgpPeers, eips, leases, nodes, racks, services, speakers } from '../../../src/io/kube/index.ts'
import { putLab, scenario } from './lab.ts'
import { session, speakerStatus } from './stage.ts'

interface RackStatus {
  readonly speakers: readonly { node: string; alive: boolean }[]
  readonly proxied: readonly { node: string; announcedBy: readonly { peer: string; speakers: string[] }[] }[]
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the caller knows of the kind
const statusOf = <T>(object: { readonly [field: string]: unknown } | undefined): T | undefined =>
  object?.['status'] as T | undefined

scenario(
  'racks: made, written, and the next speaker takes over from one that is silent (part of RACK-01)',
  async (stage) => {
    putLab(stage)
    await stage.start()
    const leaf1 = (): RackStatus | undefined => statusOf<RackStatus>(stage.get(racks, 'leaf1'))
    await stage.until(
      'worker1 is announced by master',
      () =>
        leaf1()?.proxied.some(
          ({ node, announcedBy }) =>
            node === 'worker1' &&
            announcedBy.some(({ peer, speakers }) => peer === 'leaf1' && speakers.includes('master')),
        ) === true,
    )
    await stage.until(
      'the other racks',
      () => stage.get(racks, 'leaf2') !== undefined && stage.get(racks, 'none') !== undefined,
    )
    assert.equal(stage.condition(speakers, 'master', 'Alive')?.status, 'True')
    await stage.until('master is silent', () => leaf1()?.speakers.some(({ alive }) => !alive) === true, {
      stepMs: 1_000,
      maxMs: 60_000,
    })
    await stage.until('the condition', () => stage.condition(speakers, 'master', 'Alive')?.status === 'False')
    assert.equal(
      leaf1()?.proxied.some(({ announcedBy }) => announcedBy.some(({ speakers }) => speakers.includes('master'))),
      false,
    )
  },
)

scenario(
  'a rack that no node is labelled with any more is deleted; live labels count (part of RACK-06)',
  async (stage) => {
    putLab(stage)
    await stage.start()
    await stage.until('the rack', () => stage.get(racks, 'leaf2') !== undefined)
    stage.node('worker2', { rack: 'leaf9', address: '192.168.1.2' })
    await stage.until(
      'the racks',
      () => stage.get(racks, 'leaf2') === undefined && stage.get(racks, 'leaf9') !== undefined,
      {
        maxMs: 2_000,
      },
    )
  },
)

scenario('the Speaker of a node that is gone is deleted when it is silent', async (stage) => {
  putLab(stage)
  await stage.start()
  await stage.until('the condition', () => stage.condition(speakers, 'worker2', 'Alive')?.status === 'True')
  stage.api.remove(nodes, 'worker2')
  await stage.rest(1_000)
  assert.ok(stage.get(speakers, 'worker2'), 'deleted while it renews its Lease')
  await stage.until('it is gone', () => stage.get(speakers, 'worker2') === undefined, { stepMs: 1_000, maxMs: 60_000 })
  assert.equal(stage.condition(speakers, 'master', 'Alive')?.status, 'False')
})

scenario('a rack that somebody deletes or edits is put right', async (stage) => {
  putLab(stage)
  await stage.start()
  await stage.until('the rack', () => statusOf(stage.get(racks, 'leaf1')) !== undefined)
  stage.api.remove(racks, 'leaf1')
  await stage.until('it is back', () => statusOf(stage.get(racks, 'leaf1')) !== undefined)
  const edited = stage.get(racks, 'leaf1')!
  stage.api.put(racks, { ...edited, status: { speakers: [], up: 0, proxied: [] } })
  await stage.until('it is right', () => statusOf<RackStatus>(stage.get(racks, 'leaf1'))?.proxied.length === 1)
  await stage.rest()
  const writes = stage.writes().length
  await stage.rest(5_000)
  assert.equal(stage.writes().length, writes)
})

scenario('BgpPeer: sessions at once, counters once a minute (part of BGP-18)', async (stage) => {
  putLab(stage)
  await stage.start()
  const states = (): Record<string, { peerState: { sessionState: string; messages: { sent: { update: string } } } }> =>
    statusOf<{ nodesPeerStatus: never }>(stage.get(bgpPeers, 'leaf1'))?.nodesPeerStatus ?? {}
  await stage.until('ESTABLISHED', () => states()['master']?.peerState.sessionState === 'ESTABLISHED')
  const status = statusOf<{ up: string; sessionsUp: number }>(stage.get(bgpPeers, 'leaf1'))
  assert.equal(status?.up, '1/1')
  assert.equal(status?.sessionsUp, 1)
  await stage.rest()
  const messagesSent = { notification: 0, update: 99, open: 1, keepalive: 1, refresh: 0, total: 101 }
  stage.speaker('master', speakerStatus('leaf1', [session('leaf1', 'ESTABLISHED', { messagesSent })]))
  await stage.rest(5_000)
  assert.equal(states()['master']?.peerState.messages.sent.update, '1')
  // Its Lease is renewed all the while.
  for (let seconds = 0; seconds < 60; seconds += 10) {
    stage.lease('master')
    stage.lease('worker2')
    await stage.rest(10_000)
  }
  assert.equal(states()['master']?.peerState.messages.sent.update, '99')
  stage.speaker('master', speakerStatus('leaf1', [session('leaf1', 'ACTIVE')]))
  await stage.until('ACTIVE', () => states()['master']?.peerState.sessionState === 'ACTIVE', { maxMs: 2_000 })
})

scenario('a BgpConf that is not named default says that it does not count (BGP-07)', async (stage) => {
  putLab(stage)
  stage.api.put(bgpConfs, { metadata: { name: 'other' }, spec: { as: 1 } })
  await stage.start()
  await stage.until('the condition', () => stage.condition(bgpConfs, 'other', 'Used')?.reason === 'NotDefaultConf')
  const status = statusOf<{ nodesConfStatus: Record<string, unknown> }>(stage.get(bgpConfs, 'default'))
  assert.deepEqual(Object.keys(status?.nodesConfStatus ?? {}), ['master', 'worker2'])
})

scenario('Eip.status is gathered: a hundred Services are a few writes', async (stage) => {
  await stage.start()
  for (let at = 0; at < 100; at++) stage.claimedService(`a/s${at}`, `192.0.2.${at}`, 'pool')
  await stage.until('the usage', () => statusOf<{ usage: number }>(stage.get(eips, 'pool'))?.usage === 100)
  const writes = stage.writes().filter(({ path }) => path.endsWith('/eips/pool/status'))
  assert.ok(writes.length <= 2 + stage.clock.nowMs() / 1000, `${writes.length} writes`)
  const status = statusOf<Record<string, unknown>>(stage.get(eips, 'pool'))
  assert.equal(status?.['poolSize'], 256)
  assert.equal(status?.['free'], 156)
  assert.equal(status?.['firstIP'], '192.0.2.0')
})

scenario('finalizers of Porter and OpenELB go, unless one of them is at work (part of OPS-03)', async (stage) => {
  const finalizers = ['finalizer.lb.kubesphere.io/v1alpha1', 'foregroundDeletion']
  const renew = (): void =>
    void stage.api.put(leases, {
      metadata: { namespace: 'openelb-system', name: 'openelb-controller' },
      spec: { holderIdentity: 'x', renewTime: new Date(stage.clock.wallMs()).toISOString() },
    })
  renew()
  stage.service('a/web', { metadata: { finalizers } })
  await stage.start()
  for (let seconds = 0; seconds < 30; seconds += 2) {
    renew()
    await stage.rest(2_000)
  }
  assert.deepEqual(stage.get(services, 'a/web')?.metadata.finalizers, finalizers)
  assert.equal(stage.events('OtherProvider').length, 1)
  await stage.until(
    'the finalizer is gone',
    () => stage.get(services, 'a/web')?.metadata.finalizers?.join() === 'foregroundDeletion',
    { stepMs: 1_000, maxMs: 180_000 },
  )
})

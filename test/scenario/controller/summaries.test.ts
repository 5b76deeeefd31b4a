import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bgpConfs, bgpPeers, eips, leases, nodes, racks, services, speakers } from '../../../src/io/kube/index.ts'
import { openStage, session, speakerStatus, type Stage } from './stage.ts'

const advertised = 'bellhop.dev/Advertised'

function scenario(name: string, run: (stage: Stage) => Promise<void>): void {
  void test(name, async () => {
    const stage = await openStage()
    try {
      stage.namespace('a')
      stage.eip('pool', { address: '192.0.2.0/24' })
      await run(stage)
    } finally {
      await stage.close()
    }
  })
}

/** The network of the guide: speakers on master and worker2, worker1 without label and speaker. */
function putLab(stage: Stage): void {
  stage.node('master', { rack: 'leaf1', address: '192.168.0.3' })
  stage.node('worker1', { address: '192.168.0.4' })
  stage.node('worker2', { rack: 'leaf2', address: '192.168.1.2' })
  stage.api.put(bgpConfs, { metadata: { name: 'default' }, spec: { as: 50000 } })
  for (const [name, neighborAddress, peerAs] of [
    ['leaf1', '192.168.0.2', 50001],
    ['leaf2', '192.168.1.1', 50002],
  ] as const)
    stage.api.put(bgpPeers, { metadata: { name }, spec: { conf: { neighborAddress, peerAs } } })
  putSpeaker(stage, 'master', 'leaf1', 'ESTABLISHED')
  putSpeaker(stage, 'worker2', 'leaf2', 'ESTABLISHED')
}

function putSpeaker(stage: Stage, node: string, rack: string, state: string): void {
  const subnet = rack === 'leaf1' ? '192.168.0.0/24' : '192.168.1.0/24'
  stage.speaker(node, speakerStatus(rack, [session(rack, state, { subnet })]))
  stage.lease(node)
}

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

scenario('Advertised: True when a speaker has caught up, False when the sessions stay down', async (stage) => {
  putLab(stage)
  await stage.start()
  stage.claimedService('a/web', '192.0.2.1', 'pool')
  stage.endpoints('a/web', 'master')
  await stage.until('ingress', () => stage.ingress('a/web').length > 0)
  await stage.rest(1_000)
  assert.equal(stage.condition(services, 'a/web', advertised), undefined)
  stage.lease('master')
  await stage.until('it is advertised', () => stage.condition(services, 'a/web', advertised)?.status === 'True')
  // A flap rewrites nothing.
  const writes = stage.writes().filter(({ path }) => path.includes('/services/')).length
  putSpeaker(stage, 'master', 'leaf1', 'IDLE')
  putSpeaker(stage, 'worker2', 'leaf2', 'IDLE')
  await stage.rest(2_000)
  putSpeaker(stage, 'master', 'leaf1', 'ESTABLISHED')
  putSpeaker(stage, 'worker2', 'leaf2', 'ESTABLISHED')
  await stage.rest(6_000)
  assert.equal(stage.writes().filter(({ path }) => path.includes('/services/')).length, writes)
  putSpeaker(stage, 'master', 'leaf1', 'IDLE')
  putSpeaker(stage, 'worker2', 'leaf2', 'IDLE')
  await stage.until('it is not advertised', () => stage.condition(services, 'a/web', advertised)?.status === 'False', {
    maxMs: 10_000,
  })
  assert.equal(stage.condition(services, 'a/web', advertised)?.reason, 'NoSession')
})

scenario('Advertised: endpoints that have not been looked for yet are waited for (part of OPS-02)', async (stage) => {
  putLab(stage)
  await stage.start()
  const verdict = (key: string): string | undefined => stage.condition(services, key, advertised)?.reason
  stage.claimedService('a/late', '192.0.2.1', 'pool', { selector: { app: 'web' } })
  stage.claimedService('a/by-hand', '192.0.2.2', 'pool')
  stage.claimedService('a/nobody', '192.0.2.3', 'pool', { selector: { app: 'web' } })
  await stage.until('ingress', () => ['a/late', 'a/by-hand', 'a/nobody'].every((key) => stage.ingress(key).length > 0))
  const renewed = (seconds: number): Promise<void> => {
    stage.lease('master')
    stage.lease('worker2')
    return stage.rest(seconds * 1_000)
  }
  await renewed(6)
  assert.deepEqual(['a/late', 'a/by-hand', 'a/nobody'].map(verdict), [undefined, 'NoReadyEndpoint', undefined])
  for (let seconds = 6; seconds < 24; seconds += 6) await renewed(6)
  stage.endpoints('a/late', 'master')
  await stage.until('it is advertised', () => verdict('a/late') === 'Advertised')
  const { length } = stage.writes().filter(({ path }) => path.endsWith('/services/late/status'))
  assert.equal(length, 2, 'its address, and the one verdict')
  assert.equal(verdict('a/nobody'), undefined)
  for (let seconds = 24; seconds < 42; seconds += 6) await renewed(6)
  assert.equal(verdict('a/nobody'), 'NoReadyEndpoint')
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

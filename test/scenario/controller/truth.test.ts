// How soon what broke can be read: from the Speaker object to BgpPeer, Rack and condition.
import assert from 'node:assert/strict'
import { bgpPeers, racks, services } from '../../../src/io/kube/index.ts'
import { putLab, putSpeaker, scenario } from './lab.ts'
import { type Stage, session, speakerStatus } from './stage.ts'

const advertised = 'bellhop.dev/Advertised'

/** Leases renewed every 10 s, each second one node's. */
async function live(stage: Stage, nodes: readonly string[], seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    for (const [index, node] of nodes.entries()) if (index % 10 === second % 10) stage.lease(node)
    await stage.rest(1000)
  }
}

scenario(
  'a session that breaks: BgpPeer and Rack say so within 2 s, with 100 speakers writing their counts all the while (part of BGP-18)',
  async (stage) => {
    putLab(stage)
    const names = Array.from({ length: 100 }, (_, index) => `node${index}`)
    const put = (name: string, state: string, updates: number): void => {
      const messagesSent = { notification: 0, update: updates, open: 1, keepalive: 1, refresh: 0, total: updates + 2 }
      stage.speaker(name, speakerStatus('leaf1', [session('leaf1', state, { messagesSent })]))
    }
    for (const [index, name] of names.entries()) {
      stage.node(name, { rack: 'leaf1', address: `192.168.0.${index + 10}` })
      put(name, 'ESTABLISHED', 1)
      stage.lease(name)
    }
    await stage.start()
    const listed = (): readonly string[] => {
      const status = stage.get(bgpPeers, 'leaf1')?.['status'] as { nodesPeerStatus?: object } | undefined
      return Object.keys(status?.nodesPeerStatus ?? {})
    }
    const isUp = (name: string): boolean => {
      interface Shape {
        readonly speakers?: readonly { readonly node: string; readonly sessions: readonly { established: boolean }[] }[]
      }
      const status = stage.get(racks, 'leaf1')?.['status'] as Shape | undefined
      const entry = status?.speakers?.find(({ node }) => node === name)
      return entry?.sessions.every(({ established }) => established) === true
    }
    await stage.until('the racks', () => names.every(isUp), { maxMs: 30_000 })
    let turn = 0
    for (const broken of ['node3', 'node50', 'node77']) {
      for (let step = 0; step < 9; step++) {
        for (let each = 0; each < 10; each++) stage.lease(names[(turn * 10 + each) % 100] ?? '')
        put(names[turn++ % 100] ?? '', 'ESTABLISHED', 100 + turn)
        await stage.rest(600)
      }
      put(broken, 'IDLE', 1)
      await stage.until(`${broken} in BgpPeer and Rack`, () => listed().includes(broken) && !isUp(broken), {
        maxMs: 1900,
      })
    }
    await stage.rest()
  },
)

scenario('what breaks for one BgpPeer does not delay what breaks for another a moment later', async (stage) => {
  putLab(stage)
  await stage.start()
  const stateOf = (peer: string, node: string): string | undefined => {
    interface Shape {
      readonly nodesPeerStatus?: Readonly<Record<string, { readonly peerState: { readonly sessionState: string } }>>
    }
    const status = stage.get(bgpPeers, peer)?.['status'] as Shape | undefined
    return status?.nodesPeerStatus?.[node]?.peerState.sessionState
  }
  await stage.until('both are up', () => stateOf('leaf1', 'master') === stateOf('leaf2', 'worker2'))
  await stage.rest(10_000)
  putSpeaker(stage, 'master', 'leaf1', 'IDLE')
  await stage.until('leaf1 says so', () => stateOf('leaf1', 'master') === 'IDLE', { maxMs: 300 })
  putSpeaker(stage, 'worker2', 'leaf2', 'IDLE')
  await stage.until('leaf2 says so', () => stateOf('leaf2', 'worker2') === 'IDLE', { maxMs: 300 })
})

scenario(
  'the last way of a Service goes: its condition says so within 2 s; that of one that flaps is held',
  async (stage) => {
    putLab(stage)
    await stage.start()
    stage.claimedService('a/web', '192.0.2.1', 'pool')
    stage.endpoints('a/web', 'master')
    await stage.until('ingress', () => stage.ingress('a/web').length > 0)
    await stage.rest(1000)
    stage.lease('master')
    const verdict = (): string | undefined => stage.condition(services, 'a/web', advertised)?.reason
    const turn = (state: string): void => {
      putSpeaker(stage, 'master', 'leaf1', state)
      putSpeaker(stage, 'worker2', 'leaf2', state)
    }
    await stage.until('it is advertised', () => verdict() === 'Advertised')
    await live(stage, ['master', 'worker2'], 70)
    turn('IDLE')
    // A second at most has gone by since the session broke.
    await stage.until('it says that the way is gone', () => verdict() === 'NoSession', { maxMs: 900 })
    turn('ESTABLISHED')
    await stage.until('it is advertised again', () => verdict() === 'Advertised', { maxMs: 1500 })
    turn('IDLE')
    await stage.rest(2000)
    assert.equal(verdict(), 'Advertised', 'a flap is not followed at once')
    await stage.until('it says so when it stays', () => verdict() === 'NoSession', { maxMs: 4000 })
  },
)

scenario('the last way of many Services goes: their conditions are held for three seconds', async (stage) => {
  putLab(stage)
  await stage.start()
  const keys = Array.from({ length: 150 }, (_, index) => `a/web${index}`)
  for (const [index, key] of keys.entries()) {
    stage.claimedService(key, `192.0.2.${index + 1}`, 'pool')
    stage.endpoints(key, 'master')
  }
  const all = (reason: string): number =>
    keys.filter((key) => stage.condition(services, key, advertised)?.reason === reason).length
  await stage.until('ingress', () => keys.every((key) => stage.ingress(key).length > 0))
  await stage.rest(2000)
  stage.lease('master')
  await stage.until('all are advertised', () => all('Advertised') === keys.length, { stepMs: 100 })
  await live(stage, ['master', 'worker2'], 70)
  putSpeaker(stage, 'master', 'leaf1', 'IDLE')
  putSpeaker(stage, 'worker2', 'leaf2', 'IDLE')
  await stage.rest(2500)
  assert.equal(all('NoSession'), 0)
  await stage.until('all say so', () => all('NoSession') === keys.length, { stepMs: 100, maxMs: 10_000 })
})

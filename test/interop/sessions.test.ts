// How a session comes up, or does not, each claim with settings of its own.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { waitFor } from '../lab/wait.ts'
import { self } from './engine.ts'
import { describeWithEach, waitMs } from './pair.ts'

const port = 17900
const patient = { timeoutMs: waitMs }

describeWithEach('sessions', (pair, daemon) => {
  test('it dials port 17900, we only wait; GTSM and MD5 with the right key', async () => {
    await pair().begin({ port, password: 'sesame', ttlSecurity: true })
    const { engine, at } = pair()
    const peer = pair().peer({ passive: true, password: 'sesame', ttlSecurity: true, addPathSendMax: 1, remotePort: 1 })
    await engine.configure([peer], port)
    await engine.setPaths(at.prefix, [{ id: 3, nextHop: at.third }, self])
    const report = await engine.reaches('ESTABLISHED', waitMs)
    assert.deepEqual(report.addPath, [])
    // Where one path is taken, our own way.
    await pair().hops([at.engine])
  })

  test('we dial; GTSM and MD5: not with a wrong key, soon with the right one, reset when it changes', async () => {
    await pair().begin({ passive: true, password: 'sesame', ttlSecurity: true })
    const { engine, network, at } = pair()
    const peer = pair().peer({ ttlSecurity: true, connectRetryMs: 3000 })
    const refused = (): Promise<number> => network.tcpCounter(network.router, 'TCPMD5Failure')
    const before = await refused()
    await engine.configure([{ ...peer, password: 'other' }])
    await engine.setPaths(at.prefix, [self])
    await waitFor('segments refused for their key', async () => (await refused()) > before, patient)
    assert.notEqual((await engine.session()).state, 'ESTABLISHED')
    await engine.configure([{ ...peer, password: 'sesame' }])
    await engine.reaches('ESTABLISHED', waitMs)
    await pair().hops([at.engine])
    await engine.configure([{ ...peer, password: 'changed' }])
    assert.match((await engine.session()).lastError ?? '', /^Cease\/Other Configuration Change sent.*password changed/)
  })

  test('a router that does not sign is not heard by one side that does', async () => {
    await pair().begin({ port })
    const { engine, network } = pair()
    const missed = (): Promise<number> => network.tcpCounter(network.engine, 'TCPMD5NotFound')
    const before = await missed()
    await engine.configure([pair().peer({ passive: true, password: 'sesame' })], port)
    await waitFor('segments without a key dropped', async () => (await missed()) > before, patient)
    assert.notEqual((await engine.session()).state, 'ESTABLISHED')
  })

  for (const passive of [false, true]) {
    test(`GTSM: a router that does not send with TTL 255 is not heard, ${passive ? 'it dials' : 'we dial'}`, async () => {
      await pair().begin(passive ? { port } : { passive: true })
      const { engine, network } = pair()
      const dropped = (): Promise<number> => network.tcpCounter(network.engine, 'TCPMinTTLDrop')
      const before = await dropped()
      await engine.configure([pair().peer({ ttlSecurity: true, passive })], port)
      await waitFor('segments dropped for their TTL', async () => (await dropped()) > before, patient)
      assert.notEqual((await engine.session()).state, 'ESTABLISHED')
    })
  }

  test('both dial, AS numbers of four octets: one session stays, RFC 4271 section 6.8', async () => {
    const [as, peerAs] = [4_200_000_002, 4_200_000_001]
    await pair().begin({ as, peerAs, port })
    const { engine, at } = pair()
    await engine.configure([pair().peer({ localAs: peerAs, peerAs: as })], port)
    await engine.setPaths(at.prefix, [{ ...self, attributes: { asPathPrepend: 1 } }])
    await engine.reaches('ESTABLISHED', waitMs)
    const [path] = await pair().hops([at.engine])
    assert.equal(path?.asPath, `${peerAs} ${peerAs}`)
    const { state, flaps } = await engine.session()
    assert.deepEqual({ state, flaps }, { state: 'ESTABLISHED', flaps: 0 })
  })

  test('one AS: LOCAL_PREF and MED, and no AS_PATH', async () => {
    await pair().begin({ as: 65001, passive: true })
    const { engine, at } = pair()
    await engine.configure([pair().peer({ peerAs: 65001 })])
    await engine.setPaths(at.prefix, [{ ...self, attributes: { localPref: 333, med: 44 } }])
    const [path] = await pair().hops([at.engine])
    assert.deepEqual([path?.localPref, path?.med, path?.asPath], [333, 44, daemon.name === 'FRR' ? 'Local' : ''])
  })

  test('a router of another AS than we think: our NOTIFICATION by its name on both sides', async () => {
    await pair().begin({ passive: true })
    await pair().engine.configure([pair().peer({ peerAs: 65099 })])
    await pair().tells(/^OPEN Message Error\/Bad Peer AS sent: the peer is AS 65002, not 65099/)
    const lack = daemon.lacks['tell of an OPEN refused']
    if (lack === undefined) await pair().routerTells(badPeerAs[daemon.name]?.received ?? /never/)
    else assert.equal(await pair().router.errors(), '', `${daemon.name} tells now, which it did not: ${lack}`)
  })

  test('a router that thinks us of another AS: its NOTIFICATION by its name on both sides', async () => {
    await pair().begin({ passive: true, peerAs: 65099 })
    await pair().engine.configure([pair().peer()])
    await pair().tells(/^OPEN Message Error\/Bad Peer AS received/)
    await pair().routerTells(badPeerAs[daemon.name]?.sent ?? /never/)
  })
})

const badPeerAs: Readonly<Record<string, { readonly received: RegExp; readonly sent: RegExp }>> = {
  FRR: { received: /OPEN Message Error\/Bad Peer AS/, sent: /OPEN Message Error\/Bad Peer AS/ },
  BIRD: { received: /Received: Bad peer AS/, sent: /BGP Error: Bad peer AS/ },
  GoBGP: { received: /never/, sent: /sent notification.*as number mismatch/ },
}

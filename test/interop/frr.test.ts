import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'

import { waitFor } from '../lab/wait.ts'
import { type Engine, routerPeer, self, startEngine } from './engine.ts'
import { type Frr, type FrrOptions, frrIsMissing, startFrr } from './frr.ts'
import { type Network, addresses, openNetwork } from './network.ts'

const third = { id: 3, nextHop: addresses.third }
const prefix = '192.0.2.10/32'

describe('FRR', { skip: frrIsMissing, timeout: 120_000 }, () => {
  let network: Network
  let frr: Frr | undefined
  let engine: Engine | undefined

  before(async () => {
    network = await openNetwork()
  })
  afterEach(async () => {
    await engine?.kill()
    await frr?.stop()
    engine = frr = undefined
  })
  after(() => network.close())

  async function begin(options: FrrOptions = {}): Promise<{ readonly router: Frr; readonly speaker: Engine }> {
    frr = await startFrr(network, options)
    engine = startEngine(network)
    return { router: frr, speaker: engine }
  }

  async function hops(router: Frr, wanted: readonly string[], of = prefix): Promise<void> {
    let seen: readonly string[] = []
    await waitFor(
      `next hops of ${of} ${wanted.join(', ') || '(none)'}`,
      async () => {
        seen = await router.nextHops(of)
        return seen.join() === wanted.join()
      },
      { missing: () => `they are ${seen.join(', ') || '(none)'}` },
    )
  }

  test('we dial: two next hops over ADD-PATH, one withdrawn, then the other', async () => {
    const { router, speaker } = await begin({ neighbor: ['passive'] })
    await speaker.configure([routerPeer])
    await speaker.setPaths(prefix, [self, third])
    await speaker.ask({ do: 'ready' })
    const report = await speaker.reaches('ESTABLISHED')
    assert.deepEqual(report.addPath, [4])
    assert.equal(report.remoteRouterId, addresses.router)
    assert.equal(report.localAddress, addresses.engine)
    assert.equal(report.negotiatedHoldTimeMs, 9000)
    await hops(router, [addresses.engine, addresses.third])
    let kernel = ''
    await waitFor(
      'FRR makes an ECMP route of them',
      async () => {
        kernel = await network.run(network.router, 'ip', 'route', 'show', prefix)
        return /nexthop via 10\.77\.0\.1 .*[\s\S]*nexthop via 10\.77\.0\.3 /.test(kernel)
      },
      { missing: () => kernel },
    )
    await speaker.setPaths(prefix, [third])
    await hops(router, [addresses.third])
    await speaker.setPaths(prefix, [])
    await hops(router, [])
    assert.equal((await speaker.session()).state, 'ESTABLISHED')
  })

  test('it dials: passive, on port 17900', async () => {
    const { router, speaker } = await begin({ neighbor: ['port 17900'] })
    await speaker.configure([{ ...routerPeer, passive: true }], 17900)
    await speaker.setPaths(prefix, [self])
    const report = await speaker.reaches('ESTABLISHED')
    assert.equal(report.messages.sent.open, 1)
    await hops(router, [addresses.engine])
  })

  test('both dial: one session stays, by RFC 4271 section 6.8', async () => {
    const { router, speaker } = await begin({ neighbor: ['port 17900'] })
    await speaker.configure([routerPeer], 17900)
    await speaker.setPaths(prefix, [self])
    await speaker.reaches('ESTABLISHED')
    await hops(router, [addresses.engine])
    const { flaps, state } = await speaker.session()
    assert.deepEqual({ flaps, state }, { flaps: 0, state: 'ESTABLISHED' })
  })

  test('MD5: up with the right key, down with a wrong one, up again', async () => {
    const { router, speaker } = await begin({ neighbor: ['password sesame', 'port 17900'] })
    await speaker.configure([{ ...routerPeer, password: 'other', connectRetryMs: 3000 }], 17900)
    await speaker.setPaths(prefix, [self])
    for (const namespace of [network.router, network.engine]) {
      const refused = (): Promise<number> => network.tcpCounter(namespace, 'TCPMD5Failure')
      const before = await refused()
      await waitFor(`segments refused for their key in ${namespace}`, async () => (await refused()) > before)
    }
    assert.notEqual((await router.neighbor()).bgpState, 'Established')
    await speaker.configure([{ ...routerPeer, password: 'sesame' }], 17900)
    await speaker.reaches('ESTABLISHED')
    await hops(router, [addresses.engine])
    await speaker.configure([{ ...routerPeer, password: 'sesame', passive: true }], 17900)
    assert.equal((await speaker.session()).state, 'ESTABLISHED', 'passive or not is no reason for a reset')
    await speaker.configure([{ ...routerPeer, password: 'changed' }], 17900)
    const report = await speaker.session()
    assert.notEqual(report.state, 'ESTABLISHED')
    assert.match(report.lastError ?? '', /^Cease\/Other Configuration Change sent: password changed/)
    await router.ask('conf t', 'router bgp 65002', `neighbor ${addresses.engine} password changed`)
    await speaker.reaches('ESTABLISHED')
  })

  test('GTSM both ways round', async () => {
    const { speaker } = await begin({ neighbor: ['ttl-security hops 1', 'passive'] })
    await speaker.configure([{ ...routerPeer, ttlSecurity: true }])
    await speaker.reaches('ESTABLISHED')
  })

  test('GTSM, it dials', async () => {
    const { speaker } = await begin({ neighbor: ['ttl-security hops 1', 'port 17900'] })
    await speaker.configure([{ ...routerPeer, ttlSecurity: true, passive: true }], 17900)
    await speaker.reaches('ESTABLISHED')
  })

  for (const passive of [false, true]) {
    test(`GTSM: a router that does not send with TTL 255 is not heard, ${passive ? 'it dials' : 'we dial'}`, async () => {
      const { speaker } = await begin({ neighbor: [passive ? 'port 17900' : 'passive'] })
      const dropped = (): Promise<number> => network.tcpCounter(network.engine, 'TCPMinTTLDrop')
      const before = await dropped()
      await speaker.configure([{ ...routerPeer, ttlSecurity: true, passive }], 17900)
      await waitFor('segments dropped for their TTL', async () => (await dropped()) > before)
      assert.notEqual((await speaker.session()).state, 'ESTABLISHED')
    })
  }

  test('four-octet AS on both sides (part of BGP-15)', async () => {
    const { router, speaker } = await begin({ as: 4200000002, peerAs: 4200000001 })
    await speaker.configure([{ ...routerPeer, localAs: 4200000001, peerAs: 4200000002 }])
    await speaker.setPaths(prefix, [{ ...self, attributes: { asPathPrepend: 2 } }])
    await hops(router, [addresses.engine])
    const [path] = (await router.route(prefix)).paths ?? []
    assert.equal(path?.aspath?.string, '4200000001 4200000001 4200000001')
  })

  test('attributes change without a reset', async () => {
    const { router, speaker } = await begin()
    await speaker.configure([routerPeer])
    await speaker.setPaths(prefix, [{ ...self, attributes: { med: 7 } }])
    await waitFor('MED 7', async () => (await router.route(prefix)).paths?.[0]?.metric === 7)
    const attributes = { med: 8, communities: [((65001 << 16) >>> 0) | 99], largeCommunities: [[65001, 2, 3]] } as const
    await speaker.setPaths(prefix, [{ ...self, attributes }])
    await waitFor('MED 8', async () => (await router.route(prefix)).paths?.[0]?.metric === 8)
    const [path] = (await router.route(prefix)).paths ?? []
    assert.equal(path?.community?.string, '65001:99')
    assert.equal(path?.largeCommunity?.string, '65001:2:3')
    assert.equal((await speaker.session()).flaps, 0)
  })

  test('iBGP: LOCAL_PREF', async () => {
    const { router, speaker } = await begin({ as: 65001 })
    await speaker.configure([{ ...routerPeer, peerAs: 65001 }])
    await speaker.setPaths(prefix, [{ ...self, attributes: { localPref: 333 } }])
    await waitFor('LOCAL_PREF 333', async () => (await router.route(prefix)).paths?.[0]?.locPrf === 333)
  })

  test('IPv6 prefixes over an IPv4 session, next hop found on the same link', async () => {
    const families = [' address-family ipv6 unicast', `  neighbor ${addresses.engine} activate`, ' exit-address-family']
    const { router, speaker } = await begin({ families })
    await speaker.configure([{ ...routerPeer, families: [4, 6] }])
    await speaker.setPaths('2001:db8::10/128', [self])
    await hops(router, [addresses.engine6], '2001:db8::10/128')
    await speaker.setPaths('2001:db8::10/128', [])
    await hops(router, [], '2001:db8::10/128')
  })

  test('an IPv6 session', async () => {
    const families = [
      ' address-family ipv6 unicast',
      `  neighbor ${addresses.engine6} activate`,
      ' exit-address-family',
    ]
    const { router, speaker } = await begin({ families, peerAddress: addresses.engine6 })
    await speaker.configure([{ ...routerPeer, neighbor: addresses.router6, families: [6] }])
    await speaker.setPaths('2001:db8::11/128', [self])
    await hops(router, [addresses.engine6], '2001:db8::11/128')
  })

  test('route refresh: the router asks, and has everything again', async () => {
    const { router, speaker } = await begin()
    await speaker.configure([routerPeer])
    await speaker.setPaths(prefix, [self], 20)
    await waitFor('20 prefixes', async () => (await router.prefixCount()) === 20)
    const before = (await speaker.session()).messages
    await router.ask(`clear bgp ipv4 unicast ${addresses.engine} in`)
    await waitFor('a ROUTE-REFRESH answered', async () => {
      const { sent, received } = (await speaker.session()).messages
      return received.refresh > before.received.refresh && sent.update > before.sent.update
    })
    assert.equal(await router.prefixCount(), 20)
  })

  test('wrong AS: the reason is told in the words of the RFC', async () => {
    const { speaker } = await begin()
    await speaker.configure([{ ...routerPeer, peerAs: 65099 }])
    await waitFor('a reason', async () =>
      (await speaker.session()).lastError?.startsWith('OPEN Message Error/Bad Peer AS sent: the peer is AS 65002'),
    )
  })

  test('the router resets the session: reason shown, session back', async () => {
    const { router, speaker } = await begin()
    await speaker.configure([routerPeer])
    await speaker.setPaths(prefix, [self])
    await speaker.reaches('ESTABLISHED')
    await hops(router, [addresses.engine])
    await router.ask(`clear bgp ${addresses.engine}`)
    await waitFor('one flap', async () => (await speaker.session()).flaps === 1)
    assert.match((await speaker.session()).lastError ?? '', /^Cease\/Administrative Reset received/)
    await speaker.reaches('ESTABLISHED')
    await hops(router, [addresses.engine])
  })

  test('the router is killed and comes back: everything is sent again', async () => {
    const { router, speaker } = await begin()
    await speaker.configure([routerPeer])
    await speaker.setPaths(prefix, [self], 100)
    await waitFor('100 prefixes', async () => (await router.prefixCount()) === 100)
    await router.stop('SIGKILL')
    await waitFor('one flap', async () => (await speaker.session()).flaps === 1)
    frr = await startFrr(network)
    const again = frr
    await waitFor('100 prefixes again', async () => (await again.prefixCount()) === 100)
  })

  test('our restart with graceful restart: routes stay, with NOTIFICATION-less end and End-of-RIB', async () => {
    const { router, speaker } = await begin({ router: ['bgp graceful-restart'] })
    const peer = { ...routerPeer, gracefulRestart: { restartTimeMs: 30_000 } }
    await speaker.configure([peer])
    await speaker.setPaths(prefix, [self])
    await speaker.ask({ do: 'ready' })
    await hops(router, [addresses.engine])
    await speaker.close('restart')
    await waitFor('the session seen down', async () => (await router.neighbor()).bgpState !== 'Established')
    assert.deepEqual(await router.nextHops(prefix), [addresses.engine], 'kept while we are away')
    engine = startEngine(network)
    await engine.configure([peer])
    await engine.reaches('ESTABLISHED')
    assert.equal((await router.route(prefix)).paths?.[0]?.stale, true, 'kept until End-of-RIB')
    await engine.setPaths('192.0.2.11/32', [self])
    await engine.ask({ do: 'ready' })
    await hops(router, [addresses.engine], '192.0.2.11/32')
    await hops(router, [])
  })

  test('leaving: routes are gone although graceful restart would keep them', async () => {
    const { router, speaker } = await begin({ router: ['bgp graceful-restart'] })
    await speaker.configure([{ ...routerPeer, gracefulRestart: { restartTimeMs: 30_000, notification: true } }])
    await speaker.setPaths(prefix, [self])
    await hops(router, [addresses.engine])
    await speaker.close('leave')
    await hops(router, [])
    engine = undefined
  })

  test('10,000 prefixes', async () => {
    const { router, speaker } = await begin()
    await speaker.configure([routerPeer])
    await speaker.setPaths('10.200.0.0/32', [self, third], 10_000)
    await speaker.reaches('ESTABLISHED')
    await waitFor('10,000 prefixes with two paths', async () => (await router.prefixCount()) === 20_000 || undefined)
    await speaker.setPaths('10.200.0.0/32', [], 10_000)
    await waitFor('none', async () => (await router.prefixCount()) === 0)
    assert.equal((await speaker.session()).flaps, 0)
  })
})

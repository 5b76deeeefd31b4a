// What a router has of our routes, and what becomes of them: one session for all claims.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { waitFor } from '../lab/wait.ts'
import { startCapture } from './capture.ts'
import { self } from './engine.ts'
import { describeWithEach, waitMs } from './pair.ts'
import { readSent } from './read-updates.ts'

const graceful = '65535:0'

describeWithEach(
  'routes',
  (pair, daemon) => {
    test('we dial a router that only waits: three next hops over ADD-PATH, one changed, all withdrawn', async () => {
      const { engine, at, over } = pair()
      await engine.setPaths(at.prefix, [self, { id: 3, nextHop: at.third }, { id: 4, nextHop: at.fourth }])
      const report = await engine.reaches('ESTABLISHED', waitMs)
      assert.ok(report.addPath.includes(over))
      await pair().hops([at.engine, at.third, at.fourth])
      await engine.setPaths(at.prefix, [{ id: 3, nextHop: at.third, attributes: { med: 4 } }])
      const [path] = await pair().hops([at.third])
      assert.equal(path?.med, 4)
      await engine.setPaths(at.prefix, [])
      await pair().hops([])
    })

    test('communities, large communities, MED and a prepended AS; changed without a reset', async () => {
      const { engine, at, router } = pair()
      const communities = [(65001 * 65536 + 99) >>> 0, 0xffff_ff01]
      const largeCommunities = [
        [65001, 2, 3],
        [4_200_000_000, 4_294_967_295, 0],
      ] as const
      await engine.setPaths(at.prefix, [{ ...self, attributes: { med: 7, asPathPrepend: 2, communities } }])
      const [first] = await pair().hops([at.engine])
      assert.deepEqual(first?.communities.map(asNumbers), ['65001:99', '65535:65281'])
      assert.deepEqual([first?.med, first?.asPath], [7, '65001 65001 65001'])
      await engine.setPaths(at.prefix, [{ ...self, attributes: { med: 0, largeCommunities } }])
      await waitFor('MED 0', async () => (await router.paths(at.prefix))[0]?.med === 0, { timeoutMs: waitMs })
      const [second] = await router.paths(at.prefix)
      assert.deepEqual(second?.largeCommunities, ['65001:2:3', '4200000000:4294967295:0'])
      assert.deepEqual([second?.communities, second?.asPath], [[], '65001'])
      assert.equal((await engine.session()).flaps, 0)
    })

    test('prefixes of both families on one session', async () => {
      const { engine, at, over } = pair()
      const [prefix, nextHop] =
        over === 4 ? ['2001:db8::77/128', 'fd77::1'] : ['192.0.2.77/32', (await extendedHop()) ?? '10.77.0.1']
      await engine.setPaths(prefix, [self])
      await engine.setPaths(at.prefix, [self])
      await pair().hops([nextHop], prefix)
      await pair().hops([at.engine])
      await engine.setPaths(prefix, [])
      await pair().hops([], prefix)

      // RFC 8950: where the router takes it, an IPv4 prefix needs no IPv4 address of ours.
      async function extendedHop(): Promise<string | undefined> {
        return (await engine.session()).extendedNextHop === true ? at.engine : undefined
      }
    })

    test(`route refresh${daemon.lacks['ask for a refresh'] === undefined ? '' : ': not asked for'}`, async () => {
      const { engine, at, over, router } = pair()
      const lack = daemon.lacks['ask for a refresh']
      await engine.setPaths(at.many, [self], 20)
      await pair().count(21)
      const before = (await engine.session()).messages
      if (lack !== undefined) return assert.rejects(router.askAgain(over))
      await router.askAgain(over)
      await waitFor(
        'a ROUTE-REFRESH answered',
        async () => {
          const { sent, received } = (await engine.session()).messages
          return received.refresh > before.received.refresh && sent.update > before.sent.update
        },
        { timeoutMs: waitMs },
      )
      assert.equal(await router.count(over), 21)
      assert.equal((await engine.session()).flaps, 0)
    })

    test('10,000 prefixes with two next hops, and none again', async () => {
      const { engine, at } = pair()
      await engine.setPaths(at.many, [self, { id: 3, nextHop: at.third }], 10_000)
      await pair().count(20_001)
      await engine.setPaths(at.many, [self], 10_000)
      await pair().count(10_001)
      await engine.setPaths(at.many, [], 10_000)
      await pair().count(1)
      assert.equal((await engine.session()).flaps, 0)
    })

    test('the router resets the session: its NOTIFICATION by name, then all is sent again', async () => {
      const { engine, router, at } = pair()
      await engine.setPaths(at.many, [self], 100)
      await pair().count(101)
      const since = (await engine.session()).flaps
      await router.reset()
      await waitFor('a flap', async () => (await engine.session()).flaps === since + 1, { timeoutMs: waitMs })
      await pair().tells(/^Cease\/Administrative (Reset|Shutdown) received/)
      await engine.reaches('ESTABLISHED', waitMs)
      await pair().count(101)
      await pair().hops([at.engine])
    })

    test('we leave: GRACEFUL_SHUTDOWN is seen before the routes go, and our NOTIFICATION by its name', async () => {
      const { engine, router, at, network } = pair()
      const capture = await startCapture(network)
      const closed = engine.close('leave')
      await waitFor(
        'the community on a route that is still there',
        async () => (await router.paths(at.prefix))[0]?.communities.map(asNumbers).includes(graceful),
        { timeoutMs: waitMs, everyMs: 20 },
      )
      await closed
      await pair().hops([])
      await pair().routerTells(shutdownSeen[daemon.name] ?? /never/)
      const [messages = []] = await capture.stop()
      const sent = messages.filter(({ direction }) => direction === 'sent').map(({ bytes }) => readSent(bytes))
      const tagged = sent.findIndex(({ communities }) => communities.includes(graceful))
      const withdrawn = sent.findIndex((each) => each.withdrawn > 0)
      const farewell = sent.findIndex(({ type }) => type === 'notification')
      assert.ok(tagged >= 0 && tagged < withdrawn && withdrawn < farewell, `${tagged}, ${withdrawn}, ${farewell}`)
    })
  },
  {
    start: async (pair) => {
      await pair.begin({ families: [4, 6], passive: true, addPaths: true, extendedNextHop: pair.over === 6 })
      await pair.engine.configure([pair.peer({ families: [4, 6] })])
      await pair.engine.ask({ do: 'ready' })
    },
  },
)

/** How each router says that we have sent Cease/Administrative Shutdown. */
const shutdownSeen: Readonly<Record<string, RegExp>> = {
  FRR: /Cease\/Administrative Shutdown/,
  BIRD: /Received: Administrative shutdown/,
  GoBGP: /received notification.*Code=6.*Subcode=2/,
}

// FRR says well-known ones by their names.
function asNumbers(community: string): string {
  const names: Readonly<Record<string, string>> = {
    'no-export': '65535:65281',
    noExport: '65535:65281',
    'graceful-shutdown': graceful,
    gracefulShutdown: graceful,
  }
  return names[community] ?? community
}

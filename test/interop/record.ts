// Records test/fixtures/bgp anew: `node test/interop/record.ts [REGEX]`, the pattern chooses files by their names. Each
// file is one session with one router: of our engine, or of a speaker that says what our engine never would.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { parseIp } from '../../src/core/address/index.ts'
import {
  type Attributes,
  type Capability,
  type Open,
  type UpdateContext,
  encodeNotification,
  encodeOpen,
  encodeRouteRefresh,
  encodeUpdate,
  frameMessage,
  messageTypes,
  notification,
} from '../../src/core/bgp/wire/index.ts'
import { waitFor } from '../lab/wait.ts'
import { type Captured, startCapture } from './capture.ts'
import { type Daemon, type Router, type RouterSettings, daemons } from './daemons/index.ts'
import { type Engine, routerPeer, self, startEngine } from './engine.ts'
import { type Network, addresses, openNetwork } from './network.ts'
import type { Script } from './speaker-program.ts'

interface Scene {
  /** Ends the file's name. */
  readonly name: string
  readonly what: string
  readonly router: RouterSettings
  /** Plays until all is said that is to be recorded. */
  readonly play: (network: Network, router: Router, daemon: Daemon) => Promise<void>
}

const announces = ['198.51.100.0/24', '198.51.100.128/25', '203.0.113.0/24', '0.0.0.0/0', '2001:db8:5::/48', '::/0']
const unicast4 = { afi: 1, safi: 1 }
const unicast6 = { afi: 2, safi: 1 }
const fourOctets: UpdateContext = { fourOctetAs: true, addPath: [], external: true }
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const open: Open = {
  type: 'open',
  version: 4,
  as: 65001,
  holdTimeSeconds: 9,
  routerId: ip(addresses.engine),
  capabilities: [],
}
const common: readonly Capability[] = [
  { name: 'multiprotocol', ...unicast4 },
  { name: 'multiprotocol', ...unicast6 },
  { name: 'routeRefresh' },
  { name: 'fourOctetAs', as: 65001 },
]
const everything: readonly Capability[] = [
  ...common,
  { name: 'multiprotocol', afi: 1, safi: 128 },
  { name: 'enhancedRouteRefresh' },
  { name: 'extendedMessage' },
  { name: 'extendedNextHop', encodings: [{ ...unicast4, nextHopAfi: 2 }] },
  { name: 'addPath', families: [unicast4, unicast6].map((each) => ({ ...each, send: true, receive: true })) },
  {
    name: 'gracefulRestart',
    restarted: false,
    notification: true,
    restartTimeSeconds: 120,
    families: [unicast4, unicast6].map((each) => ({ ...each, forwardingPreserved: true })),
  },
  // FQDN, of which we know nothing.
  { name: 'other', code: 73, value: Uint8Array.of(4, 0x6e, 0x6f, 0x64, 0x65, 0) },
]
const shutdown = encodeNotification(notification(6, 2, Uint8Array.of(7, ...Buffer.from('la fin!'))))
const endOfRib4 = encodeUpdate({ type: 'update', withdrawn: [], attributes: {}, nlri: [] }, fourOctets)
const refreshes = [unicast4, unicast6].map((family) =>
  encodeRouteRefresh({ type: 'routeRefresh', ...family, subtype: 0 }),
)

const scenes: readonly Scene[] = [
  {
    name: 'engine',
    what: 'our engine, both families, ADD-PATH, graceful restart; the router resets the session',
    router: { families: [4, 6], passive: true, addPaths: true, gracefulRestart: true, announces },
    play: (network, router, daemon) =>
      withEngine(network, async (engine) => {
        await engine.configure([
          { ...routerPeer, families: [4, 6], gracefulRestart: { restartTimeMs: 30_000, notification: true } },
        ])
        await announceAll(engine)
        await engine.reaches('ESTABLISHED')
        await waitFor('the paths', async () => (await router.paths('192.0.2.10/32')).length === 3)
        if (daemon.lacks['ask for a refresh'] === undefined) {
          await router.askAgain(4)
          await waitFor('a refresh', async () => (await engine.session()).messages.received.refresh > 0)
        }
        await engine.setPaths('192.0.2.10/32', [{ ...self, attributes: { med: 6 } }])
        await engine.setPaths('2001:db8::10/128', [])
        await waitFor('one path', async () => (await router.paths('192.0.2.10/32')).length === 1)
        await router.reset()
        await waitFor('the end', async () => (await engine.session()).flaps > 0)
      }),
  },
  {
    name: 'engine-ipv6',
    what: 'our engine over IPv6, both families, 60 prefixes, which then leaves',
    router: { over: 6, families: [4, 6], passive: true, extendedNextHop: true, announces },
    play: (network, router) =>
      withEngine(network, async (engine) => {
        await engine.configure([{ ...routerPeer, neighbor: addresses.router6, families: [4, 6] }])
        await announceAll(engine)
        await engine.setPaths('2001:db8:1::/128', [self], 60)
        await engine.reaches('ESTABLISHED')
        await waitFor('the prefixes', async () => (await router.count(6)) > 60)
        await engine.close('leave')
      }),
  },
  scripted('everything', 'every capability, routes and refreshes both ways, a shutdown message', {
    router: { families: [4, 6], addPaths: true, gracefulRestart: true, extendedNextHop: true, announces },
    capabilities: everything,
    messages: [
      encodeUpdate(
        { type: 'update', withdrawn: [], attributes: attributes({ med: 9 }), nlri: [prefix('192.0.2.7', 32, 1)] },
        { ...fourOctets, addPath: [4] },
      ),
      endOfRib4,
      ...refreshes,
      shutdown,
    ],
  }),
  scripted('plain', 'no capabilities: two octets for an AS, although the router has one of four', {
    router: { as: 4_200_000_002, announces: announces.slice(0, 4) },
    capabilities: [],
    messages: [
      encodeUpdate(
        { type: 'update', withdrawn: [], attributes: attributes({}), nlri: [prefix('192.0.2.7', 32)] },
        { ...fourOctets, fourOctetAs: false },
      ),
      encodeNotification(notification(6, 4)),
    ],
  }),
  scripted('four-octet-as', 'AS numbers of four octets on both sides', {
    router: { as: 4_200_000_002, peerAs: 4_200_000_001, families: [4, 6], announces },
    as: 23456,
    capabilities: [...common.slice(0, 3), { name: 'fourOctetAs', as: 4_200_000_001 }],
    messages: [encodeNotification(notification(6, 3))],
  }),
  scripted('internal', 'one AS: LOCAL_PREF', {
    router: { as: 65001, families: [4, 6], announces },
    capabilities: common,
    messages: [endOfRib4, encodeNotification(notification(6, 6))],
  }),
  scripted('hold-time', 'we fall silent: Hold Timer Expired', {
    router: { holdTime: 3, announces: [] },
    capabilities: common,
    messages: [],
    isSilent: true,
    quietMs: 6000,
  }),
  scripted('bad-version', 'an OPEN of version 5', { router: {}, version: 5 }),
  scripted('bad-as', 'an OPEN of another AS', {
    router: {},
    as: 65099,
    capabilities: [...common.slice(0, 3), { name: 'fourOctetAs', as: 65099 }],
  }),
  scripted('bad-identifier', 'an OPEN with the identifier 0.0.0.0', { router: {}, routerId: '0.0.0.0' }),
  scripted('bad-hold-time', 'an OPEN with a hold time of 1 s', { router: {}, holdTimeSeconds: 1 }),
  scripted('bad-header', 'a message of type 9', { router: {}, messages: [frameMessage(9, Uint8Array.of(1, 2))] }),
  scripted('bad-update', 'an UPDATE with lengths beyond its end', {
    router: {},
    messages: [frameMessage(messageTypes.update, Uint8Array.of(0, 9, 24, 192, 0, 2, 0, 0))],
  }),
  scripted('bad-attributes', 'UPDATEs without AS_PATH, with a wrong ORIGIN, and with an unknown well-known attribute', {
    router: { announces: [] },
    capabilities: common,
    messages: [
      frameMessage(messageTypes.update, Uint8Array.of(0, 0, 0, 11, 64, 1, 1, 0, 64, 3, 4, 10, 77, 0, 1, 24, 192, 0, 2)),
      frameMessage(messageTypes.update, Uint8Array.of(0, 0, 0, 4, 64, 1, 1, 7, 24, 192, 0, 2)),
      frameMessage(messageTypes.update, Uint8Array.of(0, 0, 0, 4, 64, 99, 1, 7, 24, 192, 0, 2)),
    ],
  }),
  scripted('bad-message-order', 'a second OPEN in a session that is up', {
    router: {},
    messages: [encodeOpen({ ...open, capabilities: common })],
  }),
]

interface Told {
  readonly router: RouterSettings
  readonly capabilities?: readonly Capability[]
  readonly version?: number
  readonly as?: number
  readonly routerId?: string
  readonly holdTimeSeconds?: number
  readonly messages?: readonly Uint8Array[]
  readonly isSilent?: boolean
  readonly quietMs?: number
}

function scripted(name: string, what: string, told: Told): Scene {
  const { router, capabilities = common, messages = [], quietMs = 1500, isSilent = false } = told
  const { version = 4, as = 65001, routerId = addresses.engine, holdTimeSeconds = 9 } = told
  const first = encodeOpen({ ...open, version, as, routerId: ip(routerId), holdTimeSeconds, capabilities })
  const script: Script = {
    remote: addresses.router,
    open: hex(first),
    messages: messages.map(hex),
    quietMs,
    isSilent,
  }
  return {
    name,
    what,
    router: { passive: true, ...router },
    async play(network) {
      const file = fileURLToPath(new URL('./speaker-program.ts', import.meta.url))
      const program = network.start(network.engine, process.execPath, file)
      program.process.stdin?.end(JSON.stringify(script))
      await waitFor('the speaker to end', () => program.process.exitCode !== null, { timeoutMs: 60_000 })
      if (program.process.exitCode !== 0) throw new Error(`the speaker failed: ${program.output()}`)
    },
  }
}

async function withEngine(network: Network, work: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = startEngine(network)
  try {
    await work(engine)
  } finally {
    await engine.kill()
  }
}

async function announceAll(engine: Engine): Promise<void> {
  const attributes4 = { communities: [(65001 * 65536 + 99) >>> 0], largeCommunities: [[65001, 2, 3]] } as const
  await engine.setPaths('192.0.2.10/32', [
    { ...self, attributes: { med: 5, asPathPrepend: 1, ...attributes4 } },
    { id: 3, nextHop: addresses.third },
    { id: 4, nextHop: addresses.fourth },
  ])
  await engine.setPaths('2001:db8::10/128', [{ ...self, attributes: attributes4 }])
  await engine.ask({ do: 'ready' })
}

function attributes(more: Attributes): Attributes {
  const asPath = [{ type: 2, asNumbers: [65001] }]
  return { origin: 0, asPath, nextHop: ip(addresses.engine), ...more }
}

function prefix(address: string, length: number, pathId = 0) {
  return { prefix: { ip: ip(address), length }, pathId }
}

function ip(text: string) {
  const parsed = parseIp(text)
  if (parsed === undefined) throw new Error(`no address: ${text}`)
  return parsed
}

// The connection in which most was said; others were refused or lost a collision.
function longest(connections: readonly (readonly Captured[])[]): readonly Captured[] {
  const [first = []] = connections.toSorted((a, b) => b.length - a.length)
  return first
}

const only = new RegExp(process.argv[2] ?? '')
const network = await openNetwork('record')
try {
  for (const daemon of daemons) {
    for (const scene of scenes) {
      const file = `${daemon.name.toLowerCase()}-${scene.name}`
      if (!only.test(file)) continue
      const router = await daemon.start(network, scene.router)
      const capture = await startCapture(network)
      await scene.play(network, router, daemon)
      const messages = longest(await capture.stop())
      await router.stop()
      const lines = messages.map(({ direction, bytes }) => `${direction} ${hex(bytes)}`)
      const text = [`# ${daemon.name} ${daemon.version}: ${scene.what}`, ...lines, ''].join('\n')
      writeFileSync(new URL(`../fixtures/bgp/${file}.txt`, import.meta.url), text)
      process.stdout.write(`${file}: ${messages.length} messages\n`)
    }
  }
} finally {
  await network.close()
}

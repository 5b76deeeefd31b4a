// FRR on the spine and the leaves: eBGP between them and to the nodes, ECMP everywhere.
import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { readCommand } from './command.ts'
import type { Program, Programs } from './process.ts'
import { routerDirectories } from './record.ts'
import { clusterAs, nodeBgpPort, nodes, type RouterName, routerNames, routers } from './topology.ts'
import { GiveUp, waitFor } from './wait.ts'

const daemons = '/usr/lib/frr'

/**
 * Configuration of a router's bgpd. FRR dials the nodes too, at the port of OpenELB's guides, once a second; a node may
 * as well dial it. Its receiving side of ADD-PATH is on by itself. `multipath-relax`: the spine's ways lead through
 * different ASes. IPv6 prefixes go over the same sessions; a node that would rather have an IPv6 session dials it (FRR
 * would dial in vain all the time when none is configured). Of a router's two IPv6 next hops the global one is used, so
 * that routes can be read.
 */
export function routerConfiguration(name: RouterName): string {
  const { as, routerId } = routers[name]
  const own = Object.values(nodes).filter(({ leaf }) => leaf === name)
  const upstream: readonly (readonly [string, number])[] =
    name === 'spine'
      ? [
          ['192.168.101.2', routers.leaf1.as],
          ['192.168.102.2', routers.leaf2.as],
        ]
      : [[name === 'leaf1' ? '192.168.101.1' : '192.168.102.1', routers.spine.as]]
  return [
    'frr defaults datacenter',
    `hostname ${name}`,
    `router bgp ${as}`,
    ` bgp router-id ${routerId}`,
    ' no bgp ebgp-requires-policy',
    ' bgp bestpath as-path multipath-relax',
    ...upstream.flatMap(([address, remoteAs]) => [
      ` neighbor ${address} remote-as ${remoteAs}`,
      ` neighbor ${address} timers connect 1`,
    ]),
    ...(own.length === 0 ? [] : [' neighbor NODES peer-group', ` neighbor NODES remote-as ${clusterAs}`]),
    ...(own.length === 0
      ? []
      : [
          ` neighbor NODES port ${nodeBgpPort}`,
          ' neighbor NODES timers 30 90',
          ' neighbor NODES timers connect 1',
          ' neighbor NODES advertisement-interval 0',
        ]),
    ...own.map(({ address }) => ` neighbor ${address} peer-group NODES`),
    ...(own.length === 0
      ? []
      : [
          ' neighbor NODES6 peer-group',
          ` neighbor NODES6 remote-as ${clusterAs}`,
          ' neighbor NODES6 passive',
          ' neighbor NODES6 timers 30 90',
          ' neighbor NODES6 advertisement-interval 0',
        ]),
    ...own.map(({ address6 }) => ` neighbor ${address6} peer-group NODES6`),
    ' address-family ipv4 unicast',
    ...(own.length === 0 ? [] : ['  no neighbor NODES6 activate']),
    '  maximum-paths 16',
    ' exit-address-family',
    ' address-family ipv6 unicast',
    ...upstream.flatMap(([address]) => [
      `  neighbor ${address} activate`,
      `  neighbor ${address} route-map GLOBAL-NEXT-HOP in`,
    ]),
    ...(own.length === 0 ? [] : ['  neighbor NODES activate', '  neighbor NODES6 activate']),
    '  maximum-paths 16',
    ' exit-address-family',
    'exit',
    'route-map GLOBAL-NEXT-HOP permit 10',
    ' set ipv6 next-hop prefer-global',
    'exit',
    '',
  ].join('\n')
}

export async function startRouters(prefix: string, programs: Programs): Promise<void> {
  if (!existsSync(`${daemons}/bgpd`))
    throw new Error('FRR is not installed (no /usr/lib/frr/bgpd): run tools/install.sh lab, or install the package frr')
  const owner = Number((await readCommand(['id', '-u', 'frr'])).trim())
  const group = Number((await readCommand(['id', '-g', 'frr'])).trim())
  await Promise.all(
    routerNames.map(async (name) => {
      const namespace = prefix + name
      const [run, etc] = routerDirectories(namespace)
      for (const directory of ['/var/run/frr', run, etc]) {
        mkdirSync(directory, { recursive: true })
        chownSync(directory, owner, group)
      }
      for (const [file, text] of [
        ['zebra.conf', `hostname ${name}\n`],
        ['bgpd.conf', routerConfiguration(name)],
        ['vtysh.conf', ''],
      ] as const) {
        writeFileSync(join(etc, file), text)
        chownSync(join(etc, file), owner, group)
      }
      const start = async (daemon: 'zebra' | 'bgpd', socket: string): Promise<void> => {
        const program = await programs.start({
          program: daemon,
          role: name,
          namespace,
          // Named with -f: a file at the default place is passed over where the package's own frr.conf exists.
          argv: [`${daemons}/${daemon}`, '-N', namespace, '-f', join(etc, `${daemon}.conf`), '--log', 'stdout'],
        })
        await waitFor(`${daemon} on ${name}`, () => existsSync(join(run, socket)) || ended(program), { everyMs: 20 })
      }
      await start('zebra', 'zserv.api')
      await start('bgpd', 'bgpd.vty')
    }),
  )
}

/** Output of one command, or of several in a row, on a router's command line. */
export async function askRouter(prefix: string, router: RouterName, commands: readonly string[]): Promise<string> {
  return readCommand(['vtysh', '-N', prefix + router, ...commands.flatMap((command) => ['-c', command])])
}

interface BgpPrefix {
  readonly paths?: readonly {
    readonly valid?: boolean
    readonly nexthops: readonly { readonly ip: string; readonly scope?: string }[]
    readonly peer?: { readonly peerId: string }
  }[]
}

/** A way that a router knows by BGP. */
export interface BgpPath {
  readonly nextHop: string
  readonly peer: string
}

/** Ways to an address in a router's BGP table, sorted by next hop; empty when it has none. */
export async function readBgpPaths(prefix: string, router: RouterName, address: string): Promise<readonly BgpPath[]> {
  const what = address.includes(':') ? `ipv6 unicast ${address}/128` : `ipv4 unicast ${address}/32`
  const text = await askRouter(prefix, router, [`show bgp ${what} json`])
  const { paths = [] } = JSON.parse(text === '' ? '{}' : text) as BgpPrefix
  return paths
    .flatMap(({ nexthops, peer }) =>
      nexthops
        .filter(({ scope }) => scope !== 'link-local')
        .map(({ ip }) => ({ nextHop: ip, peer: peer?.peerId ?? '' })),
    )
    .toSorted((a, b) => a.nextHop.localeCompare(b.nextHop))
}

interface Peers {
  readonly peers?: Readonly<Record<string, { readonly state: string }>>
}

interface BgpSummary {
  readonly ipv4Unicast?: Peers
  readonly ipv6Unicast?: Peers
}

/** BGP neighbours of a router by address, with FRR's name for the state: `Established`, `Active`. */
export async function readNeighbors(prefix: string, router: RouterName): Promise<Readonly<Record<string, string>>> {
  const summary = JSON.parse(await askRouter(prefix, router, ['show bgp summary json'])) as BgpSummary
  const peers = { ...summary.ipv6Unicast?.peers, ...summary.ipv4Unicast?.peers }
  return Object.fromEntries(Object.entries(peers).map(([peer, { state }]) => [peer, state]))
}

function ended(program: Program): false {
  if (program.hasEnded()) throw new GiveUp(`it has ended: ${program.lastWords()}`)
  return false
}

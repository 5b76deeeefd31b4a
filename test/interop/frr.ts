// FRR's zebra and bgpd in the router's namespace.
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'

import { GiveUp, waitFor } from '../lab/wait.ts'
import { type Network, type Program, addresses } from './network.ts'

const daemons = '/usr/lib/frr'

export const frrIsMissing = existsSync(join(daemons, 'bgpd')) ? false : 'FRR is not installed'

export interface FrrOptions {
  readonly as?: number
  readonly peerAs?: number
  /** Lines under `neighbor 10.77.0.1`, without these words. */
  readonly neighbor?: readonly string[]
  /** Lines of the router. */
  readonly router?: readonly string[]
  /** Lines of address families, each with its own `address-family`. */
  readonly families?: readonly string[]
  readonly peerAddress?: string
}

export interface Frr {
  ask(...commands: readonly string[]): Promise<string>
  /** Next hops of a prefix, of all paths that are valid, sorted. */
  nextHops(prefix: string): Promise<readonly string[]>
  /** All that FRR says of a prefix. */
  route(prefix: string): Promise<FrrRoute>
  /** How many prefixes it has of us. */
  prefixCount(): Promise<number>
  /** Its own view of our session. */
  neighbor(): Promise<FrrNeighbor>
  /** Ends the daemons; by default as a crash does. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

export interface FrrRoute {
  readonly paths?: readonly {
    readonly valid?: boolean
    readonly stale?: boolean
    readonly aspath?: { readonly string: string }
    readonly metric?: number
    readonly locPrf?: number
    readonly community?: { readonly string: string }
    readonly largeCommunity?: { readonly string: string }
    readonly nexthops: readonly { readonly ip: string; readonly scope?: string }[]
  }[]
}

export interface FrrNeighbor {
  readonly bgpState: string
  readonly lastNotificationReason?: string
  readonly lastResetDueTo?: string
  readonly bgpTimerHoldTimeMsecs?: number
  readonly gracefulRestartInfo?: unknown
  readonly messageStats?: { readonly opensRecv: number }
}

/** Starts both daemons and waits until they take commands. */
export async function startFrr(network: Network, options: FrrOptions = {}): Promise<Frr> {
  const namespace = network.router
  const [runDirectory, etcDirectory] = [`/var/run/frr/${namespace}`, `/etc/frr/${namespace}`]
  const owner = Number(execFileSync('id', ['-u', 'frr'], { encoding: 'utf8' }))
  const group = Number(execFileSync('id', ['-g', 'frr'], { encoding: 'utf8' }))
  for (const directory of ['/var/run/frr', runDirectory, etcDirectory]) {
    mkdirSync(directory, { recursive: true })
    chownSync(directory, owner, group)
  }
  const files = { 'zebra.conf': '', 'vtysh.conf': '', 'bgpd.conf': configuration(options) }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(etcDirectory, name), text)
    chownSync(join(etcDirectory, name), owner, group)
  }
  const start = async (daemon: 'zebra' | 'bgpd', socket: string): Promise<Program> => {
    const config = join(etcDirectory, `${daemon}.conf`)
    const program = network.start(namespace, join(daemons, daemon), '-N', namespace, '-f', config, '--log', 'stdout')
    program.process.stdout?.resume()
    await waitFor(`${daemon} taking commands`, () => {
      if (program.process.exitCode !== null) throw new GiveUp(`it has ended: ${program.output()}`)
      return existsSync(join(runDirectory, socket))
    })
    return program
  }
  const zebra = await start('zebra', 'zserv.api')
  const bgpd = await start('bgpd', 'bgpd.vty')
  const ask = (...commands: readonly string[]): Promise<string> =>
    network.run(namespace, 'vtysh', '-N', namespace, ...commands.flatMap((command) => ['-c', command]))
  const family = (prefix: string): string => (prefix.includes(':') ? 'ipv6' : 'ipv4')
  const route = async (prefix: string): Promise<FrrRoute> =>
    JSON.parse((await ask(`show bgp ${family(prefix)} unicast ${prefix} json`)) || '{}') as FrrRoute
  const peerAddress = options.peerAddress ?? addresses.engine
  return {
    ask,
    route,
    async nextHops(prefix) {
      const { paths = [] } = await route(prefix)
      const valid = paths.filter((path) => path.valid === true)
      return valid
        .flatMap(({ nexthops }) => nexthops.filter((n) => n.scope !== 'link-local').map(({ ip }) => ip))
        .toSorted()
    },
    async prefixCount() {
      const summary = JSON.parse(await ask('show bgp ipv4 unicast summary json')) as {
        readonly peers?: Readonly<Record<string, { readonly pfxRcd?: number }>>
      }
      return summary.peers?.[peerAddress]?.pfxRcd ?? 0
    },
    async neighbor() {
      const all = JSON.parse(await ask(`show bgp neighbors ${peerAddress} json`)) as Record<string, FrrNeighbor>
      return all[peerAddress] ?? { bgpState: 'none' }
    },
    async stop(signal = 'SIGKILL') {
      await bgpd.stop(signal)
      await zebra.stop('SIGKILL')
      rmSync(runDirectory, { recursive: true, force: true })
      rmSync(etcDirectory, { recursive: true, force: true })
    },
  }
}

function configuration({
  as = 65002,
  peerAs = 65001,
  neighbor = [],
  router = [],
  families,
  peerAddress,
}: FrrOptions): string {
  const peer = peerAddress ?? addresses.engine
  return [
    `router bgp ${as}`,
    ` bgp router-id ${addresses.router}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ...router.map((line) => ` ${line}`),
    ` neighbor ${peer} remote-as ${peerAs}`,
    ` neighbor ${peer} timers connect 1`,
    ...neighbor.map((line) => ` neighbor ${peer} ${line}`),
    ...(families ?? [' address-family ipv4 unicast', '  maximum-paths 16', ' exit-address-family']),
    'exit',
    '',
  ].join('\n')
}

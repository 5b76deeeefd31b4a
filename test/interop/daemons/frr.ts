// FRR's zebra and bgpd in the router's namespace.
import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Family } from '../../../src/core/address/index.ts'
import { GiveUp, waitFor } from '../../lab/wait.ts'
import { type Network, type Program, addresses } from '../network.ts'
import {
  type Daemon,
  type RouterSettings,
  byNextHop,
  collectOutput,
  familiesOf,
  familyOfText,
  sessionEnds,
  versionOf,
} from './daemon.ts'

const daemons = '/usr/lib/frr'
const version = versionOf(join(daemons, 'bgpd'))

interface RouteJson {
  readonly paths?: readonly {
    readonly valid?: boolean
    readonly stale?: boolean
    readonly aspath?: { readonly string: string }
    readonly metric?: number
    readonly locPrf?: number
    readonly community?: { readonly list: readonly string[] }
    readonly largeCommunity?: { readonly list: readonly string[] }
    readonly nexthops: readonly { readonly ip: string; readonly scope?: string }[]
  }[]
}

export const frr: Daemon = {
  name: 'FRR',
  version: version ?? '',
  isMissing: version === undefined ? 'FRR is not installed' : false,
  lacks: {},

  async start(network, settings = {}) {
    const namespace = network.router
    const { local, peer } = sessionEnds(settings)
    const [runDirectory, etcDirectory] = directories(namespace)
    writeOwned(namespace, { 'zebra.conf': '', 'vtysh.conf': '', 'bgpd.conf': configuration(settings) })
    const zebra = await startDaemon(network, 'zebra', 'zserv.api')
    const bgpd = await startDaemon(network, 'bgpd', 'bgpd.vty', settings.withoutKernel === true ? ['--no_kernel'] : [])
    const ask = (...commands: readonly string[]): Promise<string> =>
      network.run(namespace, 'vtysh', '-N', namespace, ...commands.flatMap((command) => ['-c', command]))
    const askJson = async (command: string): Promise<unknown> => JSON.parse((await ask(`${command} json`)) || '{}')
    const neighbor = async (): Promise<Readonly<Record<string, unknown>>> => {
      const all = (await askJson(`show bgp neighbors ${peer}`)) as Record<string, Record<string, unknown>>
      return all[peer] ?? {}
    }
    return {
      settings,
      async paths(prefix) {
        const { paths = [] } = (await askJson(`show bgp ${afi(prefix)} unicast ${prefix}`)) as RouteJson
        const seen = paths.flatMap(({ valid, nexthops, ...path }) => {
          // A next hop of IPv6 has a link-local address beside it.
          const nextHop = nexthops.find(({ scope }) => scope !== 'link-local')?.ip
          if (valid !== true || nextHop === undefined) return []
          return {
            nextHop,
            asPath: path.aspath?.string ?? '',
            med: path.metric,
            localPref: path.locPrf,
            communities: path.community?.list ?? [],
            largeCommunities: path.largeCommunity?.list ?? [],
            stale: path.stale === true,
          }
        })
        return byNextHop(seen)
      },
      async count(family) {
        const summary = (await askJson(`show bgp ipv${family} unicast summary`)) as {
          readonly peers?: Readonly<Record<string, { readonly pfxRcd?: number }>>
        }
        return summary.peers?.[peer]?.pfxRcd ?? 0
      },
      isUp: async () => (await neighbor())['bgpState'] === 'Established',
      async errors() {
        const { lastNotificationReason, lastResetDueTo } = await neighbor()
        // What ended a session that never came up stands in the log alone.
        const logged = bgpd.said().match(/%NOTIFICATION.*/g) ?? []
        return [lastNotificationReason, lastResetDueTo, ...logged].filter(Boolean).join('\n')
      },
      said: bgpd.said,
      async askAgain(family) {
        await ask(`clear bgp ipv${family} unicast ${peer} in`)
      },
      async reset() {
        await ask(`clear bgp ${peer}`)
      },
      async setPassword(password) {
        await ask('conf t', `router bgp ${settings.as ?? 65002}`, `neighbor ${peer} password ${password}`)
      },
      async stop(signal = 'SIGKILL') {
        await bgpd.stop(signal)
        await zebra.stop(signal)
        // Routes in the kernel outlive zebra.
        for (const family of ['-4', '-6']) {
          await network.run(namespace, 'ip', family, 'route', 'flush', 'proto', 'bgp').catch(() => undefined)
        }
        for (const directory of [runDirectory, etcDirectory]) rmSync(directory, { recursive: true, force: true })
      },
    }

    function configuration(of: RouterSettings): string {
      const { as = 65002, peerAs = 65001, port, password, holdTime = 9, announces = [] } = of
      const lines = [
        `remote-as ${peerAs}`,
        'timers connect 1',
        `timers ${Math.floor(holdTime / 3)} ${holdTime}`,
        `update-source ${local}`,
        ...(of.passive === true ? ['passive'] : []),
        ...(port === undefined ? [] : [`port ${port}`]),
        ...(password === undefined ? [] : [`password ${password}`]),
        ...(of.ttlSecurity === true ? ['ttl-security hops 1'] : []),
        ...(of.extendedNextHop === true ? ['capability extended-nexthop'] : []),
      ]
      const family = (of4or6: Family): readonly string[] => [
        ` address-family ipv${of4or6} unicast`,
        ...announces.filter((each) => familyOfText(each) === of4or6).map((each) => `  network ${each} route-map ours`),
        `  neighbor ${peer} activate`,
        ...(of.addPaths === true ? [`  neighbor ${peer} addpath-tx-all-paths`] : []),
        '  maximum-paths 16',
        ' exit-address-family',
      ]
      return [
        'log timestamp precision 6',
        `router bgp ${as}`,
        ` bgp router-id ${addresses.router}`,
        ' bgp log-neighbor-changes',
        ' no bgp ebgp-requires-policy',
        ' no bgp network import-check',
        ' no bgp default ipv4-unicast',
        ...(of.gracefulRestart === true ? [' bgp graceful-restart'] : []),
        ...lines.map((line) => ` neighbor ${peer} ${line}`),
        ...familiesOf(of).flatMap(family),
        'exit',
        'route-map ours permit 10',
        ' set community 65002:1 65002:2',
        ' set large-community 65002:1:2 4200000000:3:4',
        ' set metric 20',
        'exit',
        '',
      ].join('\n')
    }
  },
}

function afi(prefix: string): string {
  return `ipv${familyOfText(prefix)}`
}

function directories(namespace: string): readonly [run: string, etc: string] {
  return [`/var/run/frr/${namespace}`, `/etc/frr/${namespace}`]
}

// The daemons give up root for the user frr.
function writeOwned(namespace: string, files: Readonly<Record<string, string>>): void {
  const [runDirectory, etcDirectory] = directories(namespace)
  const [owner, group] = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, 'frr'], { encoding: 'utf8' })))
  if (owner === undefined || group === undefined) throw new Error('there is no user frr')
  for (const each of ['/var/run/frr', runDirectory, etcDirectory]) {
    mkdirSync(each, { recursive: true })
    chownSync(each, owner, group)
  }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(etcDirectory, name), text)
    chownSync(join(etcDirectory, name), owner, group)
  }
}

async function startDaemon(
  network: Network,
  name: 'zebra' | 'bgpd',
  socket: string,
  more: readonly string[] = [],
): Promise<Program & { readonly said: () => string }> {
  const [runDirectory, etcDirectory] = directories(network.router)
  const config = join(etcDirectory, `${name}.conf`)
  const program = network.start(
    network.router,
    join(daemons, name),
    '-N',
    network.router,
    '-f',
    config,
    '--log',
    'stdout',
    ...more,
  )
  const said = collectOutput(program)
  await waitFor(
    `${name} taking commands`,
    () => {
      if (program.process.exitCode !== null) throw new GiveUp(`it has ended: ${program.output()}`)
      return existsSync(join(runDirectory, socket))
    },
    { timeoutMs: 30_000 },
  )
  return { ...program, said }
}

// GoBGP in the router's namespace.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Family } from '../../../src/core/address/index.ts'
import { GiveUp, waitFor } from '../../lab/wait.ts'
import { addresses } from '../network.ts'
import {
  type Daemon,
  type PathSeen,
  type RouterSettings,
  byNextHop,
  collectOutput,
  familiesOf,
  familyOfText,
  sessionEnds,
  versionOf,
} from './daemon.ts'

interface PathJson {
  readonly stale: boolean
  readonly attrs: readonly {
    readonly type: number
    readonly nexthop?: string
    readonly metric?: number
    readonly value?: unknown
    readonly communities?: readonly number[]
    readonly as_paths?: readonly { readonly asns: readonly number[] }[]
  }[]
}

interface LargeCommunityJson {
  readonly ASN: number
  readonly LocalData1: number
  readonly LocalData2: number
}

const established = 6

const version = versionOf('gobgpd')

export const gobgp: Daemon = {
  name: 'GoBGP',
  version: version ?? '',
  isMissing: version === undefined ? 'GoBGP is not installed' : false,
  lacks: {
    'ask for a refresh': 'its softresetin looks at what it has again and sends no ROUTE-REFRESH',
    'tell of an OPEN refused': 'it neither logs nor remembers a NOTIFICATION that comes before a session is up',
    forward: 'it has no forwarding table without zebra',
  },

  async start(network, settings = {}) {
    const directory = mkdtempSync(join(tmpdir(), 'bhi-gobgp-'))
    const file = join(directory, 'gobgpd.toml')
    const { peer } = sessionEnds(settings)
    writeFileSync(file, configuration(settings))
    const program = network.start(network.router, 'gobgpd', '-p', '-f', file, '--api-hosts', '127.0.0.1:50051')
    const said = collectOutput(program)
    const ask = (...words: readonly string[]): Promise<string> => network.run(network.router, 'gobgp', ...words)
    await waitFor(
      'GoBGP taking commands',
      async () => {
        if (program.process.exitCode !== null) throw new GiveUp(`it has ended: ${said()}`)
        return (await ask('neighbor')).includes(peer)
      },
      { timeoutMs: 30_000 },
    )
    for (const prefix of settings.announces ?? []) {
      const family = familyOfText(prefix)
      const words = ['community', '65002:1,no-export', 'large-community', '65002:1:2,4200000000:3:4', 'med', '20']
      const nextHop = family === 4 ? addresses.router : addresses.router6
      await ask('global', 'rib', 'add', prefix, 'nexthop', nextHop, ...words, '-a', `ipv${family}`)
    }
    return {
      settings,
      async paths(prefix) {
        const family = `ipv${familyOfText(prefix)}`
        const table = JSON.parse(await ask('-j', 'global', 'rib', prefix, '-a', family)) as Record<string, PathJson[]>
        return byNextHop((table[prefix] ?? []).map(readPath))
      },
      async count(family) {
        const text = await ask('neighbor', peer, 'adj-in', 'summary', '-a', `ipv${family}`).catch(() => '')
        return Number(/Path: (\d+)/.exec(text)?.[1] ?? 0)
      },
      async isUp() {
        const { state } = JSON.parse(await ask('-j', 'neighbor', peer)) as {
          readonly state: { readonly session_state: number }
        }
        return state.session_state === established
      },
      // It remembers none: what it has logged.
      errors: () => Promise.resolve((said().match(/msg="(?:received|sent) notification".*/g) ?? []).join('\n')),
      said,
      askAgain: () => Promise.reject(new Error('GoBGP sends no ROUTE-REFRESH')),
      async reset() {
        // Its own reset is followed by half a minute of rest.
        await ask('neighbor', peer, 'disable')
        await ask('neighbor', peer, 'enable')
      },
      async setPassword(password) {
        writeFileSync(file, configuration({ ...settings, password }))
        program.process.kill('SIGHUP')
        await Promise.resolve()
      },
      async stop(signal = 'SIGKILL') {
        await program.stop(signal)
        rmSync(directory, { recursive: true, force: true })
      },
    }
  },
}

function readPath({ stale, attrs }: PathJson): PathSeen {
  const find = (type: number): PathJson['attrs'][number] | undefined => attrs.find((each) => each.type === type)
  const large = (find(32)?.value ?? []) as readonly LargeCommunityJson[]
  return {
    nextHop: find(3)?.nexthop ?? find(14)?.nexthop ?? '',
    asPath: (find(2)?.as_paths ?? []).flatMap(({ asns }) => asns).join(' '),
    med: find(4)?.metric,
    localPref: find(5)?.value as number | undefined,
    communities: (find(8)?.communities ?? []).map((each) => `${each >>> 16}:${each & 0xffff}`),
    largeCommunities: large.map(({ ASN, LocalData1, LocalData2 }) => `${ASN}:${LocalData1}:${LocalData2}`),
    stale,
  }
}

function configuration(settings: RouterSettings): string {
  const { as = 65002, peerAs = 65001, port, password, holdTime = 9 } = settings
  const { local, peer } = sessionEnds(settings)
  const family = (of: Family): readonly string[] => [
    '[[neighbors.afi-safis]]',
    '[neighbors.afi-safis.config]',
    `afi-safi-name = "ipv${of}-unicast"`,
    ...(settings.addPaths === true ? ['[neighbors.afi-safis.add-paths.config]', 'receive = true', 'send-max = 8'] : []),
    ...(settings.gracefulRestart === true
      ? ['[neighbors.afi-safis.mp-graceful-restart.config]', 'enabled = true']
      : []),
  ]
  return [
    '[global.config]',
    `as = ${as}`,
    `router-id = "${addresses.router}"`,
    '[[neighbors]]',
    '[neighbors.config]',
    `neighbor-address = "${peer}"`,
    `peer-as = ${peerAs}`,
    ...(password === undefined ? [] : [`auth-password = "${password}"`]),
    '[neighbors.timers.config]',
    'connect-retry = 1',
    'idle-hold-time-after-reset = 1',
    `hold-time = ${holdTime}`,
    `keepalive-interval = ${Math.floor(holdTime / 3)}`,
    '[neighbors.transport.config]',
    `local-address = "${local}"`,
    ...(settings.passive === true ? ['passive-mode = true'] : []),
    ...(port === undefined ? [] : [`remote-port = ${port}`]),
    ...(settings.ttlSecurity === true ? ['[neighbors.ttl-security.config]', 'enabled = true', 'ttl-min = 255'] : []),
    ...(settings.gracefulRestart === true
      ? ['[neighbors.graceful-restart.config]', 'enabled = true', 'restart-time = 60', 'notification-enabled = true']
      : []),
    ...familiesOf(settings).flatMap(family),
    '',
  ].join('\n')
}

// BIRD 2 in the router's namespace.
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

const version = versionOf('bird')

export const bird: Daemon = {
  name: 'BIRD',
  version: version ?? '',
  isMissing: version === undefined ? 'BIRD 2 is not installed' : false,
  lacks: {},

  async start(network, settings = {}) {
    const directory = mkdtempSync(join(tmpdir(), 'bhi-bird-'))
    const socket = join(directory, 'bird.ctl')
    const file = join(directory, 'bird.conf')
    writeFileSync(file, configuration(settings))
    const program = network.start(network.router, 'bird', '-f', '-c', file, '-s', socket)
    const said = collectOutput(program)
    const ask = (...words: readonly string[]): Promise<string> =>
      network.run(network.router, 'birdc', '-s', socket, ...words)
    await waitFor(
      'BIRD taking commands',
      async () => {
        if (program.process.exitCode !== null) throw new GiveUp(`it has ended: ${program.output()}`)
        return (await ask('show', 'status')).includes('Daemon is up')
      },
      { timeoutMs: 30_000 },
    )
    const protocol = (): Promise<string> => ask('show', 'protocols', 'all', 'peer')
    return {
      settings,
      async paths(prefix) {
        // birdc answers "Network not found" with an exit status of its own.
        const text = await ask('show', 'route', 'for', prefix, 'protocol', 'peer', 'all').catch((error: unknown) => {
          const said = (error as { readonly stdout?: string }).stdout ?? ''
          if (said.includes('Network not found')) return ''
          throw error
        })
        return byNextHop(readPaths(text))
      },
      async count(family) {
        const text = await ask('show', 'route', 'protocol', 'peer', 'table', `master${family}`, 'count')
        return Number(/(\d+) of \d+ routes/.exec(text)?.[1])
      },
      isUp: async () => /BGP state:\s+Established/.test(await protocol()),
      async errors() {
        return /Last error:\s+(.*)/.exec(await protocol())?.[1] ?? ''
      },
      said,
      async askAgain() {
        await ask('reload', 'in', 'peer')
      },
      async reset() {
        await ask('restart', 'peer')
      },
      async setPassword(password) {
        writeFileSync(file, configuration({ ...settings, password }))
        await ask('configure')
      },
      async stop(signal = 'SIGKILL') {
        await program.stop(signal)
        rmSync(directory, { recursive: true, force: true })
      },
    }
  },
}

function readPaths(text: string): readonly PathSeen[] {
  const blocks = text.split(/^(?=\S.*unicast \[|\s+unicast \[)/m)
  return blocks.flatMap((block) => {
    const value = (name: string): string | undefined => new RegExp(`BGP\\.${name}: (.*)`).exec(block)?.[1]
    const number = (name: string): number | undefined => (value(name) === undefined ? undefined : Number(value(name)))
    const lists = (name: string): readonly string[] =>
      [...(value(name) ?? '').matchAll(/\(([^)]*)\)/g)].map((match) => (match[1] ?? '').replaceAll(/,\s*/g, ':'))
    const nextHop = value('next_hop')?.split(' ')[0]
    if (nextHop === undefined) return []
    return {
      nextHop,
      asPath: value('as_path')?.trim() ?? '',
      med: number('med'),
      localPref: number('local_pref'),
      communities: lists('community'),
      largeCommunities: lists('large_community'),
      stale: /^\S.*\[peer [^\]]*\][^\n]*s\b|\bstale\b/m.test(block),
    }
  })
}

function configuration(settings: RouterSettings): string {
  const { as = 65002, peerAs = 65001, port, password, holdTime = 9, announces = [] } = settings
  const { local, peer } = sessionEnds(settings)
  const channel = (family: Family): string =>
    [
      `  ipv${family} { import all; export filter outwards;`,
      settings.addPaths === true ? 'add paths on;' : '',
      settings.extendedNextHop === true && family === 4 ? 'extended next hop yes;' : '',
      '};',
    ].join(' ')
  const tables = ([4, 6] as const).flatMap((family) => [
    `protocol static static${family} { ipv${family} { import filter ours; };`,
    ...announces.filter((each) => familyOfText(each) === family).map((each) => `  route ${each} blackhole;`),
    '}',
    ...(settings.forwards === true
      ? [`protocol kernel kernel${family} { merge paths yes; ipv${family} { export where source = RTS_BGP; }; }`]
      : []),
  ])
  return [
    `router id ${addresses.router};`,
    'protocol device {}',
    'protocol direct { ipv4; ipv6; }',
    'filter ours {',
    '  bgp_community.add((65002, 1)); bgp_community.add((65535, 65281));',
    '  bgp_large_community.add((65002, 1, 2)); bgp_large_community.add((4200000000, 3, 4));',
    '  bgp_ext_community.add((rt, 65002, 5)); accept;',
    '}',
    'filter outwards {',
    '  if source != RTS_STATIC then reject;',
    // It takes MED away between the tables and an external peer.
    '  bgp_med = 20; accept;',
    '}',
    ...tables,
    'protocol bgp peer {',
    `  local ${local} as ${as}; neighbor ${peer} as ${peerAs};`,
    `  connect retry time 1; connect delay time 1; error wait time 1, 2; hold time ${holdTime};`,
    ...(settings.passive === true ? ['  passive yes;'] : []),
    ...(port === undefined ? [] : [`  neighbor port ${port};`]),
    ...(password === undefined ? [] : [`  password "${password}";`]),
    ...(settings.ttlSecurity === true ? ['  ttl security yes;'] : []),
    ...(settings.gracefulRestart === true ? ['  graceful restart yes;'] : []),
    ...familiesOf(settings).map(channel),
    '}',
    '',
  ].join('\n')
}

// BIRD 2 in the router's namespace.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'

import { GiveUp, waitFor } from '../lab/wait.ts'
import { type Network, addresses } from './network.ts'

export const birdIsMissing = spawnSync('bird', ['--version']).error === undefined ? false : 'BIRD 2 is not installed'

export interface BirdOptions {
  /** Lines of `protocol bgp`. */
  readonly protocol?: readonly string[]
  readonly families?: readonly ('ipv4' | 'ipv6')[]
  readonly addPaths?: boolean
}

export interface Bird {
  ask(...words: readonly string[]): Promise<string>
  /** Next hops of all paths to a prefix, sorted. */
  nextHops(prefix: string): Promise<readonly string[]>
  stop(signal?: NodeJS.Signals): Promise<void>
}

export async function startBird(network: Network, options: BirdOptions = {}): Promise<Bird> {
  const directory = mkdtempSync(join(tmpdir(), 'bhi-bird-'))
  const socket = join(directory, 'bird.ctl')
  writeFileSync(join(directory, 'bird.conf'), configuration(options))
  const program = network.start(network.router, 'bird', '-f', '-c', join(directory, 'bird.conf'), '-s', socket)
  program.process.stdout?.resume()
  const ask = (...words: readonly string[]): Promise<string> =>
    network.run(network.router, 'birdc', '-s', socket, ...words)
  await waitFor('BIRD taking commands', async () => {
    if (program.process.exitCode !== null) throw new GiveUp(`it has ended: ${program.output()}`)
    return (await ask('show', 'status')).includes('Daemon is up')
  })
  return {
    ask,
    async nextHops(prefix) {
      // birdc answers "Network not found" with an exit status of its own.
      const text = await ask('show', 'route', 'for', prefix, 'protocol', 'peer', 'all').catch((error: unknown) => {
        const said = (error as { readonly stdout?: string }).stdout ?? ''
        if (said.includes('Network not found')) return ''
        throw error
      })
      return [...text.matchAll(/BGP\.next_hop: (\S+)/g)].map((match) => match[1] ?? '').toSorted()
    },
    async stop(signal = 'SIGKILL') {
      await program.stop(signal)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function configuration({ protocol = [], families = ['ipv4'], addPaths = false }: BirdOptions): string {
  const channel = (family: string): string =>
    `  ${family} { import all; export none; ${addPaths ? 'add paths rx;' : ''} };`
  return [
    `router id ${addresses.router};`,
    'protocol device {}',
    'protocol bgp peer {',
    `  local ${addresses.router} as 65002;`,
    `  neighbor ${addresses.engine} as 65001;`,
    '  connect retry time 1; connect delay time 1; error wait time 1, 2; hold time 9;',
    ...protocol.map((line) => `  ${line}`),
    ...families.map(channel),
    '}',
    '',
  ].join('\n')
}

// Three speakers that have 100,000 prefixes to send before there is a session: our engine, GoBGP and BIRD 2, each at
// the engine's end of the link.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { routerPeer, self, startEngine } from '../interop/engine.ts'
import { type Network, addresses } from '../interop/network.ts'
import { waitFor } from '../lab/wait.ts'

export const prefixCount = 100_000

export interface Sender {
  readonly name: string
  /** Starts it, dialling the router every second; resolves when it has all prefixes. */
  start(network: Network, directory: string): Promise<{ readonly stop: () => Promise<void> }>
}

const patient = { timeoutMs: 120_000 }
const prefixAt = (i: number): string => `10.${128 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}/32`

export const bellhop: Sender = {
  name: 'ours',
  async start(network) {
    const engine = startEngine(network)
    const peer = { ...routerPeer, holdTimeMs: 90_000, keepaliveMs: 30_000, addPathSendMax: 1 }
    await engine.configure([{ ...peer, gracefulRestart: { restartTimeMs: 30_000 } }])
    await engine.setPaths(prefixAt(0), [self], prefixCount)
    await engine.ask({ do: 'ready' })
    return { stop: () => engine.kill() }
  },
}

export const bird: Sender = {
  name: 'BIRD',
  async start(network, directory) {
    const [file, socket] = [join(directory, 'bird.conf'), join(directory, 'bird.ctl')]
    const routes = Array.from({ length: prefixCount }, (_, i) => `  route ${prefixAt(i)} blackhole;`)
    const text = [
      `router id ${addresses.engine};`,
      'protocol device {}',
      'protocol static { ipv4;',
      ...routes,
      '}',
      'protocol bgp peer {',
      `  local ${addresses.engine} as 65001; neighbor ${addresses.router} as 65002;`,
      '  connect retry time 1; connect delay time 1; error wait time 1, 2; graceful restart yes;',
      '  ipv4 { import none; export all; };',
      '}',
    ]
    writeFileSync(file, `${text.join('\n')}\n`)
    const program = network.start(network.engine, 'bird', '-f', '-c', file, '-s', socket)
    program.process.stdout?.resume()
    await waitFor(
      'BIRD having its routes',
      async () => {
        const count = await network.run(network.engine, 'birdc', '-s', socket, 'show', 'route', 'count')
        return count.includes(`${prefixCount} of`)
      },
      patient,
    )
    return { stop: () => program.stop('SIGKILL') }
  },
}

export const gobgp: Sender = {
  name: 'GoBGP',
  async start(network, directory) {
    const [file, routes] = [join(directory, 'gobgpd.toml'), join(directory, 'routes.mrt')]
    const text = [
      '[global.config]',
      'as = 65001',
      `router-id = "${addresses.engine}"`,
      '[[neighbors]]',
      '[neighbors.config]',
      `neighbor-address = "${addresses.router}"`,
      'peer-as = 65002',
      '[neighbors.timers.config]',
      'connect-retry = 1',
      '[neighbors.graceful-restart.config]',
      'enabled = true',
      'restart-time = 60',
      '[[neighbors.afi-safis]]',
      '[neighbors.afi-safis.config]',
      'afi-safi-name = "ipv4-unicast"',
      '[neighbors.afi-safis.mp-graceful-restart.config]',
      'enabled = true',
    ]
    writeFileSync(file, `${text.join('\n')}\n`)
    writeFileSync(routes, mrt())
    const program = network.start(network.engine, 'gobgpd', '-f', file, '--api-hosts', '127.0.0.1:50051')
    program.process.stdout?.resume()
    const ask = (...words: readonly string[]): Promise<string> => network.run(network.engine, 'gobgp', ...words)
    await waitFor('GoBGP taking commands', () => ask('neighbor'), patient)
    await ask('mrt', 'inject', 'global', routes, '--nexthop', addresses.engine)
    await waitFor(
      'GoBGP having its routes',
      async () => (await ask('global', 'rib', 'summary')).includes(`Destination: ${prefixCount}`),
      patient,
    )
    return { stop: () => program.stop('SIGKILL') }
  },
}

// `gobgp mrt inject` ends before the daemon has taken the last thousand or so: they are some that it has already.
const lostAtTheEnd = 5000

// RFC 6396 §4.3: TABLE_DUMP_V2, one peer, one entry a prefix.
function mrt(): Buffer {
  const own = addresses.engine.split('.').map(Number)
  const attributes = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, ...own]
  const peers = record(1, [...own, 0, 0, 0, 1, 2, ...own, ...own, 0, 0, 0xfd, 0xe9])
  const prefixes = Array.from({ length: prefixCount + lostAtTheEnd }, (_, sequenceNumber) => {
    const i = sequenceNumber % prefixCount
    const sequence = [24, 16, 8, 0].map((bits) => sequenceNumber >>> bits).map((each) => each & 255)
    const octets = [10, 128 + (i >>> 16), (i >>> 8) & 255, i & 255]
    return record(2, [...sequence, 32, ...octets, 0, 1, 0, 0, 0, 0, 0, 0, 0, attributes.length, ...attributes])
  })
  return Buffer.concat([peers, ...prefixes])
}

function record(subtype: number, body: readonly number[]): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(13, 4)
  header.writeUInt16BE(subtype, 6)
  header.writeUInt32BE(body.length, 8)
  return Buffer.concat([header, Buffer.from(body)])
}

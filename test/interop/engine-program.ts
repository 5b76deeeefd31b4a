// The engine alone, driven by lines of JSON on standard input; answers and changes of sessions are lines on standard output.
import { createInterface } from 'node:readline'

import { parseIp, parsePrefix, formatIp } from '../../src/core/address/index.ts'
import type { Ip } from '../../src/core/address/index.ts'
import type { Path, PeerSettings, RouteAttributes, SessionReport } from '../../src/core/bgp/index.ts'
import { openBgp } from '../../src/io/bgp/index.ts'
import { systemClock } from '../../src/io/process/clock.ts'
import { type Log, silentLog } from '../../src/io/telemetry/log.ts'

export type PeerText = Omit<PeerSettings, 'neighbor' | 'routerId' | 'localAddress' | 'otherFamilyAddress'> & {
  readonly neighbor: string
  readonly routerId: string
}

export interface PathText {
  readonly id: number
  readonly nextHop: string
  readonly attributes?: RouteAttributes
}

export type Command =
  | { readonly do: 'configure'; readonly port: number; readonly peers: readonly PeerText[] }
  /** `count` prefixes, beginning with this one. */
  | {
      readonly do: 'setPaths'
      readonly peer: string
      readonly prefix: string
      readonly count?: number
      readonly paths: readonly PathText[]
    }
  /** `errors`: every last error that a session has told of, the oldest first. */
  | { readonly do: 'ready' | 'drained' | 'sessions' | 'errors' }
  | { readonly do: 'close'; readonly how: 'restart' | 'leave' }

const log: Log = {
  ...silentLog,
  error: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
}
const errors: string[] = []
const remember = ({ lastError }: SessionReport): void => {
  if (lastError !== undefined && errors.at(-1) !== lastError) errors.push(lastError)
}
const bgp = openBgp({ clock: systemClock, random: Math.random, log: { ...log, child: () => log }, onChange: remember })

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command } = JSON.parse(line) as { readonly id: number; readonly command: Command }
  process.stdout.write(`${JSON.stringify({ id, answer: await perform(command) }, asText)}\n`)
  if (command.do === 'close') break
}
process.exit(0)

async function perform(command: Command): Promise<unknown> {
  if (command.do === 'configure') {
    bgp.configure({ port: command.port, addresses: [] }, command.peers.map(readPeer))
  } else if (command.do === 'setPaths') {
    const first = parsePrefix(command.prefix)
    if (first === undefined) throw new Error(`no prefix: ${command.prefix}`)
    const paths = command.paths.map(readPath)
    for (let i = 0n; i < BigInt(command.count ?? 1); i++) {
      const prefix = { ip: { family: first.ip.family, bits: first.ip.bits + i }, length: first.length }
      bgp.setPaths(command.peer, prefix, paths)
    }
  } else if (command.do === 'ready') bgp.ready()
  else if (command.do === 'drained') await bgp.drained()
  else if (command.do === 'close') await bgp.close(command.how)
  else if (command.do === 'errors') return errors
  else return bgp.sessions()
  return null
}

function readPeer(peer: PeerText): PeerSettings {
  return { ...peer, neighbor: readIp(peer.neighbor), routerId: readIp(peer.routerId) }
}

function readPath({ id, nextHop, attributes = {} }: PathText): Path {
  return { id, nextHop: nextHop === 'self' ? nextHop : readIp(nextHop), attributes }
}

function readIp(text: string): Ip {
  const ip = parseIp(text)
  if (ip === undefined) throw new Error(`no address: ${text}`)
  return ip
}

function asText(_key: string, value: unknown): unknown {
  const isIp = typeof value === 'object' && value !== null && 'family' in value && 'bits' in value
  return isIp ? formatIp(value as Ip) : value
}

// Engines on real sockets, loopback only, and routers made of a socket.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import type { TestContext } from 'node:test'

import { type Ip, parseIp, parsePrefix } from '../../../../src/core/address/index.ts'
import type { Path, PeerSettings, SessionReport } from '../../../../src/core/bgp/index.ts'
import {
  type Capability,
  type Message,
  decodeMessage,
  encodeKeepalive,
  encodeOpen,
  isWireError,
} from '../../../../src/core/bgp/wire/index.ts'
import { type Bgp, openBgp } from '../../../../src/io/bgp/index.ts'
import { systemClock } from '../../../../src/io/process/clock.ts'
import { type Log, type LogFields, silentLog } from '../../../../src/io/telemetry/log.ts'
import { onFrames, plainPeer } from '../../../fixtures/bgp/played-peer.ts'
import { waitFor } from '../../../lab/wait.ts'

export const ip = (text: string): Ip => parseIp(text) ?? assert.fail(text)
export const prefix = (text: string) => parsePrefix(text) ?? assert.fail(text)
export const self: Path = { id: 1, nextHop: 'self', attributes: {} }

export interface Opened {
  readonly bgp: Bgp
  readonly changes: readonly SessionReport[]
  readonly lines: readonly string[]
  /** `peer: reason`, as onReset was called. */
  readonly resets: readonly string[]
  readonly session: (key?: string) => SessionReport
  readonly reaches: (state: SessionReport['state'], key?: string) => Promise<SessionReport>
}

/** An engine that ends with the test. */
export function open(t: TestContext): Opened {
  const changes: SessionReport[] = []
  const lines: string[] = []
  const write = (message: string, fields?: LogFields): void => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { ...silentLog, debug: write, info: write, warn: write, error: write, child: () => log }
  const resets: string[] = []
  const bgp = openBgp({
    ...{ clock: systemClock, random: Math.random, log, gracefulShutdownMs: 20 },
    onChange: (report) => changes.push(report),
    onReset: (key, reason) => resets.push(`${key}: ${reason}`),
  })
  t.after(() => bgp.close('leave'))
  const session = (key?: string): SessionReport =>
    bgp.sessions().find((each) => key === undefined || each.key === key) ?? assert.fail('no such session')
  return {
    bgp,
    changes,
    resets,
    lines,
    session,
    reaches: (state, key) =>
      waitFor(`${key ?? 'the session'} in ${state}`, () => session(key).state === state && session(key), {
        everyMs: 5,
        missing: () => `it is ${session(key).state}: ${session(key).lastError}`,
      }),
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** AS 65001 to AS 65002. Its hold time is long: the router says nothing by itself, and a busy machine needs its time. */
export function peer(rest: Partial<PeerSettings> & Pick<PeerSettings, 'neighbor' | 'remotePort'>): PeerSettings {
  return {
    ...plainPeer,
    holdTimeMs: 90_000,
    keepaliveMs: 30_000,
    key: 'peer',
    routerId: ip('192.0.2.1'),
    ...rest,
  }
}

export interface FakeRouter {
  readonly port: number
  readonly connections: number
  /** The connection that is in use. */
  socket(): Socket
  /** Types of the messages that came, in order. */
  readonly received: readonly number[]
  /** The messages themselves. */
  readonly messages: readonly Message[]
  /** What came is left in the socket from now on, or taken again. */
  listen(isListening: boolean): void
  /** Dials the engine, as a router does that has lost patience, or has restarted. */
  dial(address: string, port: number): Promise<Socket>
  /** Nothing is heard at its port from now on; the connection that is in use stays. */
  leavePort(): void
}

export interface FakeRouterOptions {
  readonly as?: number
  readonly routerId?: string
  readonly capabilities?: readonly Capability[]
  /** Says nothing to an OPEN. */
  readonly mute?: boolean
  readonly address?: string
}

const context = { fourOctetAs: true, addPath: [], external: true }

/** A router that answers OPEN and KEEPALIVE, and keeps what it gets. */
export async function fakeRouter(t: TestContext, options: FakeRouterOptions = {}): Promise<FakeRouter> {
  let connections = 0
  const sockets: Socket[] = []
  const received: number[] = []
  const messages: Message[] = []
  const address = options.address ?? '127.0.0.1'
  const open = encodeOpen({
    ...{ type: 'open', version: 4, as: 65002, holdTimeSeconds: 90, routerId: ip(options.routerId ?? '192.0.2.2') },
    capabilities: [{ name: 'fourOctetAs', as: options.as ?? 65002 }, ...(options.capabilities ?? [])],
  })
  const take = (socket: Socket): void => {
    connections++
    sockets.push(socket)
    socket.on('error', () => {})
    onFrames(socket, (frame) => {
      received.push(frame.type)
      const message = decodeMessage(frame, context)
      if (!isWireError(message)) messages.push(message)
      if (frame.type === 1 && options.mute !== true) {
        socket.write(open)
        socket.write(encodeKeepalive())
      }
    })
  }
  const server = createServer(take).listen(0, address)
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    socket: () => sockets.at(-1) ?? assert.fail('nobody has connected'),
    received,
    messages,
    listen: (isListening) => void (isListening ? sockets.at(-1)?.resume() : sockets.at(-1)?.pause()),
    dial: async (to, port) => {
      const socket = connect({ host: to, port, localAddress: address })
      await once(socket, 'connect')
      take(socket)
      return socket
    },
    leavePort: () => void server.close(),
  }
}

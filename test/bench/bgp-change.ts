// One prefix changes while 10,000 are held: from the call to the bytes at the other end of a connection over loopback,
// all within this process. Changes come at every distance, also within the 10 ms in which they are gathered.
import { type Socket, createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

import { parseIp } from '../../src/core/address/index.ts'
import type { Prefix } from '../../src/core/address/index.ts'
import type { PeerSettings } from '../../src/core/bgp/index.ts'
import { encodeKeepalive, encodeOpen, messageTypes } from '../../src/core/bgp/wire/index.ts'
import { openBgp } from '../../src/io/bgp/index.ts'
import { systemClock } from '../../src/io/process/clock.ts'
import { silentLog } from '../../src/io/telemetry/log.ts'
import { onFrames, plainPeer } from '../fixtures/bgp/played-peer.ts'
import { waitFor } from '../lab/wait.ts'
import { type Report, asValue, quantile } from './measure.ts'

const held = 10_000
const changes = 600

export async function measure(report: Report): Promise<void> {
  const loopback = ip('127.0.0.1')
  const peer = await openPeer()
  const bgp = openBgp({ clock: systemClock, random: Math.random, log: silentLog, onChange: () => {} })
  bgp.configure({ port: -1, addresses: [] }, [{ ...settings, neighbor: loopback, remotePort: peer.port }])
  const first = ip('10.0.0.0').bits
  const prefixes = Array.from({ length: held }, (_, i): Prefix => ({
    ip: { family: 4, bits: first + BigInt(i) },
    length: 32,
  }))
  for (const prefix of prefixes) bgp.setPaths('sink', prefix, [{ id: 1, nextHop: 'self', attributes: {} }])
  bgp.ready()
  await waitFor('all sent', () => bgp.sessions()[0]?.prefixesSent === held, { timeoutMs: 60_000 })
  await bgp.drained()
  await pause(100)

  const values: number[] = []
  for (let i = 0; i < changes; i++) {
    const prefix = prefixes[(i * 7919) % held] ?? fail('a prefix')
    const begun = performance.now()
    const arrival = peer.nextUpdate()
    bgp.setPaths('sink', prefix, [{ id: 1, nextHop: 'self', attributes: { med: i + 1 } }])
    values.push((await arrival) - begun)
    // Between nothing and twice the time in which changes are gathered.
    await pause((i * 7) % 20)
  }
  await bgp.close('restart')
  peer.close()
  report(
    asValue('a change on the wire, 10,000 held, p50', 'ms', quantile(values, 0.5), 20),
    asValue('a change on the wire, 10,000 held, p99', 'ms', quantile(values, 0.99), 20),
  )
}

const settings: Omit<PeerSettings, 'neighbor' | 'remotePort'> = {
  ...plainPeer,
  key: 'sink',
  routerId: ip('192.0.2.1'),
  holdTimeMs: 90_000,
  keepaliveMs: 30_000,
  addPathSendMax: 1,
}

interface Peer {
  readonly port: number
  /** Resolves with the instant at which the next UPDATE has arrived. */
  nextUpdate(): Promise<number>
  close(): void
}

// A peer that says the least there is to say and drops what it gets.
async function openPeer(): Promise<Peer> {
  let waiting: ((atMs: number) => void) | undefined
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    onFrames(socket, ({ type }) => {
      if (type === messageTypes.open) {
        const identity = { version: 4, as: 65002, holdTimeSeconds: 90, routerId: ip('192.0.2.2') }
        socket.write(encodeOpen({ type: 'open', ...identity, capabilities: [] }))
        socket.write(encodeKeepalive())
      }
      if (type === messageTypes.update) waiting?.(performance.now())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : fail('a port'),
    nextUpdate: () =>
      new Promise((resolve) => {
        waiting = (atMs) => {
          waiting = undefined
          resolve(atMs)
        }
      }),
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function ip(text: string) {
  return parseIp(text) ?? fail(text)
}

function fail(what: string): never {
  throw new Error(`missing: ${what}`)
}

// What went over a link, read from tcpdump's file: BGP messages in both directions in their order.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { nextFrame } from '../../src/core/bgp/wire/index.ts'
import { waitFor } from '../lab/wait.ts'
import { type Network, addresses } from './network.ts'

export interface Captured {
  /** Seen from the engine's side. */
  readonly direction: 'sent' | 'received'
  /** Of tcpdump's clock, milliseconds. */
  readonly atMs: number
  /** One message, header and all. */
  readonly bytes: Uint8Array
}

export interface Capture {
  /** Ends it: the messages of each connection. */
  stop(): Promise<readonly (readonly Captured[])[]>
}

/** Records TCP on the engine's end of the link from now on. */
export async function startCapture(network: Network): Promise<Capture> {
  const directory = mkdtempSync(join(tmpdir(), 'bhi-capture-'))
  const file = join(directory, 'link.pcap')
  const program = network.start(
    network.engine,
    'tcpdump',
    '-i',
    'up0',
    '-U',
    '--immediate-mode',
    '-Z',
    'root',
    '-w',
    file,
    'tcp',
  )
  await waitFor('tcpdump listening', () => program.output().includes('listening on'), { timeoutMs: 30_000 })
  return {
    async stop() {
      await program.stop('SIGINT')
      const connections = readConnections(readFileSync(file))
      rmSync(directory, { recursive: true, force: true })
      return connections
    },
  }
}

interface Segment {
  readonly direction: Captured['direction']
  readonly atMs: number
  /** Ports of both ends: the name of the connection. */
  readonly connection: string
  readonly sequence: number
  readonly isSyn: boolean
  readonly payload: Uint8Array
}

interface Stream {
  next: number
  rest: Buffer
}

function readConnections(file: Buffer): readonly (readonly Captured[])[] {
  const connections = new Map<string, { readonly messages: Captured[]; readonly streams: Map<string, Stream> }>()
  for (const { connection, direction, sequence, isSyn, payload, atMs } of readSegments(file)) {
    const known = connections.get(connection) ?? { messages: [], streams: new Map<string, Stream>() }
    connections.set(connection, known)
    if (isSyn) known.streams.set(direction, { next: sequence + 1, rest: Buffer.alloc(0) })
    if (payload.length === 0) continue
    // A connection that was there before begins between two messages.
    const stream = known.streams.get(direction) ?? { next: sequence, rest: Buffer.alloc(0) }
    known.streams.set(direction, stream)
    // Segments are lost and come again; one that is missing in between would make nonsense of the rest.
    const overlap = (stream.next - sequence) >>> 0
    if (overlap > payload.length) continue
    stream.rest = Buffer.concat([stream.rest, payload.subarray(overlap)])
    stream.next = (sequence + payload.length) >>> 0
    for (;;) {
      const frame = nextFrame(stream.rest, 0, 65535)
      if (frame.kind === 'needs-more') break
      const length = frame.kind === 'frame' ? frame.length : stream.rest.length
      known.messages.push({ direction, atMs, bytes: Uint8Array.from(stream.rest.subarray(0, length)) })
      stream.rest = stream.rest.subarray(length)
    }
  }
  return [...connections.values()].map(({ messages }) => messages).filter((messages) => messages.length > 0)
}

// The file format of libpcap: a header of 24 octets, then records with a header of 16; frames of Ethernet.
function* readSegments(file: Buffer): Generator<Segment> {
  for (let at = 24; at + 16 <= file.length;) {
    const length = file.readUInt32LE(at + 8)
    const atMs = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000
    const packet = file.subarray(at + 16, at + 16 + length)
    at += 16 + length
    const isIpv6 = packet.readUInt16BE(12) === 0x86dd
    const ip = packet.subarray(14)
    const headerLength = isIpv6 ? 40 : ((ip[0] ?? 0) & 0xf) * 4
    const total = isIpv6 ? 40 + ip.readUInt16BE(4) : ip.readUInt16BE(2)
    const source = isIpv6 ? ip.subarray(8, 24) : ip.subarray(12, 16)
    const tcp = ip.subarray(headerLength, total)
    const direction = source.at(-1) === Number(addresses.engine.split('.').at(-1)) ? 'sent' : 'received'
    const ports = [tcp.readUInt16BE(0), tcp.readUInt16BE(2)]
    yield {
      direction,
      atMs,
      connection: (direction === 'sent' ? ports : ports.toReversed()).join('-'),
      sequence: tcp.readUInt32BE(4),
      isSyn: ((tcp[13] ?? 0) & 2) !== 0,
      payload: tcp.subarray(((tcp[12] ?? 0) >> 4) * 4),
    }
  }
}

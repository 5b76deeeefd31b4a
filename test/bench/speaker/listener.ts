// A router that takes what it is told and notes when: the speaker's other end in the benchmarks.
import { type Socket, createServer } from 'node:net'

import { parseIp } from '../../../src/core/address/index.ts'
import {
  decodeUpdate,
  encodeKeepalive,
  encodeOpen,
  endOfRibOf,
  isWireError,
  messageTypes,
} from '../../../src/core/bgp/wire/index.ts'
import { onFrames } from '../../fixtures/bgp/played-peer.ts'

export const listenerAs = 50001
const holdTimeSeconds = 90

/** Times are performance.now() of this process. */
export interface Listener {
  readonly address: string
  /** Addresses that are announced to it now. */
  readonly held: ReadonlySet<bigint>
  /** When each was announced or withdrawn last. */
  readonly changedMs: ReadonlyMap<bigint, number>
  /** UPDATEs without an End-of-RIB, and withdrawals in them, since the listener began. */
  readonly counts: { updates: number; withdrawals: number }
  /** Of the session there is, or was last. */
  readonly session: { establishedMs: number | undefined; endOfRibMs: number | undefined }
  /** Ends the session; the speaker comes back by itself. */
  hangUp(): void
  close(): void
}

export async function openListener(address: string): Promise<Listener> {
  const held = new Set<bigint>()
  const changedMs = new Map<bigint, number>()
  const counts = { updates: 0, withdrawals: 0 }
  const session: Listener['session'] = { establishedMs: undefined, endOfRibMs: undefined }
  let current: Socket | undefined

  const server = createServer((socket) => {
    current = socket
    const keepalives = setInterval(() => socket.write(encodeKeepalive()), (holdTimeSeconds * 1000) / 3)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(keepalives)
      if (current === socket) held.clear()
    })
    onFrames(socket, ({ type, body }) => {
      const nowMs = performance.now()
      if (type === messageTypes.open) {
        Object.assign(session, { establishedMs: undefined, endOfRibMs: undefined })
        socket.write(openMessage(address))
        socket.write(encodeKeepalive())
      }
      if (type === messageTypes.keepalive) session.establishedMs ??= nowMs
      if (type === messageTypes.update) takeUpdate(body, nowMs)
    })
  })

  function takeUpdate(body: Uint8Array, nowMs: number): void {
    const update = decodeUpdate(body, { fourOctetAs: true, addPath: [], external: true })
    if (isWireError(update)) throw new Error(`${address} cannot read an UPDATE: ${update.detail}`)
    if (endOfRibOf(update) !== undefined) {
      session.endOfRibMs ??= nowMs
      return
    }
    counts.updates += 1
    counts.withdrawals += update.withdrawn.length
    for (const { prefix } of update.withdrawn) {
      held.delete(prefix.ip.bits)
      changedMs.set(prefix.ip.bits, nowMs)
    }
    for (const { prefix } of update.nlri) {
      held.add(prefix.ip.bits)
      changedMs.set(prefix.ip.bits, nowMs)
    }
  }

  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(179, address, resolve))
  return {
    ...{ address, held, changedMs, counts, session },
    hangUp: () => current?.destroy(),
    close() {
      current?.destroy()
      server.close()
    },
  }
}

function openMessage(address: string): Uint8Array {
  const routerId = parseIp(address)
  if (routerId === undefined) throw new Error(`${address} is no address`)
  return encodeOpen({
    ...{ type: 'open', version: 4, as: listenerAs, holdTimeSeconds, routerId },
    capabilities: [
      { name: 'multiprotocol', afi: 1, safi: 1 },
      { name: 'fourOctetAs', as: listenerAs },
    ],
  })
}

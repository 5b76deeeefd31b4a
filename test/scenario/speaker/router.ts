// A router on 127.0.0.1 that takes several paths of a prefix, whose keepalives follow the clock of the test and which
// remembers what it was told.
import { type AddressInfo, type Socket, createServer } from 'node:net'

import { formatIp, formatPrefix, parseIp } from '../../../src/core/address/index.ts'
import {
  ceaseSubcodes,
  decodeUpdate,
  encodeKeepalive,
  encodeNotification,
  encodeOpen,
  endOfRibOf,
  errorCodes,
  isWireError,
  messageTypes,
  notification,
} from '../../../src/core/bgp/wire/index.ts'
import type { Clock, Timer } from '../../../src/io/process/clock.ts'
import { onFrames } from '../../fixtures/bgp/played-peer.ts'

export const routerAs = 50001
const holdTimeSeconds = 90
/** RFC 8326. */
const gracefulShutdown = 0xffff_0000

export interface Router {
  readonly port: number
  /** Sessions that came up, and that ended. */
  readonly sessions: { begun: number; ended: number }
  /**
   * Every UPDATE but an End-of-RIB, and NOTIFICATIONs, in order: `172.22.0.10/32 via 10.0.0.1`, the same with `tagged`
   * when it carries GRACEFUL_SHUTDOWN, `172.22.0.10/32 withdrawn via 10.0.0.1`, `NOTIFICATION`.
   */
  readonly told: readonly string[]
  /** Prefix → next hops, as they stand. */
  routes(): Readonly<Record<string, readonly string[]>>
  /** Ends the session with Cease/Administrative Shutdown, and hears of no other until `listen(true)`. */
  shutDown(): void
  /** Says nothing more in this session. */
  fallSilent(): void
  listen(isListening: boolean): void
  close(): Promise<void>
}

/** No router takes a next hop in 127/8, and a test has no other address: here it is read as one in 10/8. */
export function asSeenByRouter(address: string): string {
  return address.replace(/^127\./, '10.')
}

const loopbackNextHop = Buffer.from([0x40, 3, 4, 127])

function withoutLoopback(body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(body)
  const at = bytes.indexOf(loopbackNextHop)
  if (at >= 0) bytes[at + loopbackNextHop.length - 1] = 10
  return bytes
}

export async function openRouter(clock: Clock): Promise<Router> {
  const told: string[] = []
  const sessions = { begun: 0, ended: 0 }
  /** `prefix` → path identifier → next hop. */
  const rib = new Map<string, Map<number, string>>()
  const open = new Set<Socket>()
  let isListening = true
  let isSilent = false

  function take(body: Uint8Array): void {
    const update = decodeUpdate(withoutLoopback(body), { fourOctetAs: true, addPath: [4], external: true })
    if (isWireError(update)) throw new Error(`the router cannot read an UPDATE: ${update.detail}`)
    if (endOfRibOf(update) !== undefined) return
    for (const { prefix, pathId = 0 } of update.withdrawn) {
      const paths = rib.get(formatPrefix(prefix))
      const gone = paths?.get(pathId)
      paths?.delete(pathId)
      if (paths?.size === 0) rib.delete(formatPrefix(prefix))
      told.push(`${formatPrefix(prefix)} withdrawn${gone === undefined ? '' : ` via ${gone}`}`)
    }
    const { nextHop, communities = [] } = update.attributes
    const tagged = communities.includes(gracefulShutdown) ? ' tagged' : ''
    for (const { prefix, pathId = 0 } of update.nlri) {
      const paths = rib.get(formatPrefix(prefix)) ?? new Map<number, string>()
      const via = nextHop === undefined ? '?' : formatIp(nextHop)
      rib.set(formatPrefix(prefix), paths.set(pathId, via))
      told.push(`${formatPrefix(prefix)} via ${via}${tagged}`)
    }
  }

  const server = createServer((socket) => {
    if (!isListening) return void socket.destroy()
    let keepalive: Timer | undefined
    let isUp = false
    open.add(socket)
    socket.setNoDelay(true)
    isSilent = false
    const keepAlive = (): void => {
      if (isSilent) return
      socket.write(encodeKeepalive())
      keepalive = clock.after((holdTimeSeconds * 1000) / 9, keepAlive)
    }
    socket.on('error', () => {})
    socket.on('close', () => {
      open.delete(socket)
      keepalive?.cancel()
      if (!isUp) return
      sessions.ended++
      rib.clear()
    })
    onFrames(socket, ({ type, body }) => {
      if (type === messageTypes.open) {
        socket.write(openMessage())
        keepAlive()
      } else if (type === messageTypes.keepalive && !isUp) {
        isUp = true
        sessions.begun++
      } else if (type === messageTypes.update) take(body)
      else if (type === messageTypes.notification) told.push('NOTIFICATION')
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const endAll = (last?: Uint8Array): void => {
    isListening = false
    for (const socket of open) {
      if (last === undefined) socket.destroy()
      else socket.end(last)
    }
  }
  return {
    port: (server.address() as AddressInfo).port,
    sessions,
    told,
    routes: () => Object.fromEntries([...rib].map(([prefix, paths]) => [prefix, [...paths.values()].toSorted()])),
    shutDown: () => endAll(encodeNotification(notification(errorCodes.cease, ceaseSubcodes.administrativeShutdown))),
    fallSilent: () => void (isSilent = true),
    listen: (next) => void (isListening = next),
    close: async () => {
      endAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function openMessage(): Uint8Array {
  const routerId = parseIp('192.0.2.1')
  if (routerId === undefined) throw new Error('no address')
  return encodeOpen({
    ...{ type: 'open', version: 4, as: routerAs, holdTimeSeconds, routerId },
    capabilities: [
      { name: 'multiprotocol', afi: 1, safi: 1 },
      { name: 'fourOctetAs', as: routerAs },
      { name: 'addPath', families: [{ afi: 1, safi: 1, send: false, receive: true }] },
    ],
  })
}

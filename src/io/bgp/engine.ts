import type { Socket } from 'node:net'

import { type Ip, type Prefix, formatIp, sameIp } from '../../core/address/index.ts'
import type { Path, PeerSettings, SessionReport } from '../../core/bgp/index.ts'
import { PathInterner } from '../../core/bgp/rib/index.ts'
import {
  ceaseSubcodes,
  encodeNotification,
  errorCodes,
  notification,
  standardMaxLength,
} from '../../core/bgp/wire/index.ts'
import { dialTcp, limitHops } from '../net/tcp.ts'
import type { Bgp, BgpOptions, ListenSettings } from './bgp.ts'
import { Connection } from './connection.ts'
import { dialTarget, minimumTtlOf } from './endpoints.ts'
import { Listeners } from './listeners.ts'
import { Peer } from './peer.ts'

/** An engine without peers; it runs until `close`. */
export function openBgp(options: BgpOptions): Bgp {
  return new Engine(options)
}

const mostRejections = 16

class Engine implements Bgp {
  readonly #options: BgpOptions
  readonly #listeners: Listeners
  readonly #interner = new PathInterner()
  readonly #peers = new Map<string, Peer>()
  #isReady = false
  /** Connections that are being told that they are not wanted. */
  #rejecting = 0

  constructor(options: BgpOptions) {
    this.#options = options
    this.#listeners = new Listeners(options.clock, options.log, (...connection) => this.#accept(...connection))
  }

  configure(listen: ListenSettings, peers: readonly PeerSettings[]): void {
    const wanted = withoutDoubles(peers, (double) =>
      this.#options.log.warn('two peers have one address: the second is left out', {
        peer: double.key,
        neighbor: formatIp(double.neighbor),
      }),
    )
    for (const [key, peer] of this.#peers) {
      if (wanted.has(key)) continue
      this.#peers.delete(key)
      const isReplaced = [...wanted.values()].some(({ neighbor }) => sameIp(neighbor, peer.settings.neighbor))
      void peer.close(isReplaced ? 'replace' : 'remove')
    }
    // Keys first: a peer that dials at once must not be met without its password.
    this.#listeners.configure(listen, [...wanted.values()])
    for (const [key, settings] of wanted) {
      const peer = this.#peers.get(key)
      if (peer === undefined) this.#add(settings)
      else peer.configure(settings)
    }
  }

  setPaths(peerKey: string, prefix: Prefix, paths: readonly Path[]): void {
    this.#peers.get(peerKey)?.setPaths(prefix, paths)
  }

  ready(): void {
    this.#isReady = true
    for (const peer of this.#peers.values()) peer.ready()
  }

  sessions(): readonly SessionReport[] {
    return [...this.#peers.values()].map((peer) => peer.report())
  }

  async drained(peerKey?: string): Promise<void> {
    const peers = [...this.#peers.values()].filter(({ settings }) => (peerKey ?? settings.key) === settings.key)
    await Promise.all(peers.map((peer) => peer.drained()))
  }

  async close(how: 'restart' | 'leave'): Promise<void> {
    this.#listeners.close()
    await Promise.all([...this.#peers.values()].map((peer) => peer.close(how)))
    this.#peers.clear()
  }

  #add(settings: PeerSettings): void {
    const { clock, random, log, onChange, onReset = () => {}, gracefulShutdownMs = 1000 } = this.#options
    const peer = new Peer(settings, {
      ...{ clock, random, log, onChange, onReset, gracefulShutdownMs },
      ...{ interner: this.#interner, isReady: this.#isReady },
      dial: (current) => dialTcp(dialTarget(current)),
    })
    this.#peers.set(settings.key, peer)
    peer.start()
  }

  #accept(socket: Socket, remote: Ip, local: Ip): void {
    const peer = [...this.#peers.values()].find(({ settings }) => sameIp(settings.neighbor, remote))
    if (peer === undefined) {
      this.#options.log.debug('connection from no peer of ours', { address: formatIp(remote) })
      return this.#reject(socket)
    }
    const minimumTtl = minimumTtlOf(peer.settings)
    if (minimumTtl !== undefined && !limitHops(socket, minimumTtl)) socket.destroy()
    else if (!peer.accept(socket, local)) this.#reject(socket)
  }

  // RFC 4486 §4: told why; many at a time are closed without a word.
  #reject(socket: Socket): void {
    if (this.#rejecting >= mostRejections) return void socket.destroy()
    this.#rejecting++
    const ignore = (): void => {}
    const handlers = { maxMessageLength: () => standardMaxLength, receive: ignore, fail: ignore, drain: ignore }
    const connection = new Connection(socket, this.#options.clock, handlers)
    connection.write(encodeNotification(notification(errorCodes.cease, ceaseSubcodes.connectionRejected)))
    void connection.end().then(() => this.#rejecting--)
  }
}

function withoutDoubles(
  peers: readonly PeerSettings[],
  isDouble: (settings: PeerSettings) => void,
): ReadonlyMap<string, PeerSettings> {
  const wanted = new Map<string, PeerSettings>()
  const addresses = new Set<string>()
  for (const settings of peers) {
    const address = formatIp(settings.neighbor)
    if (addresses.has(address) || wanted.has(settings.key)) {
      isDouble(settings)
      continue
    }
    addresses.add(address)
    wanted.set(settings.key, settings)
  }
  return wanted
}

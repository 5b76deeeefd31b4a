import type { Socket } from 'node:net'

import { type Ip, type Prefix, formatIp } from '../../core/address/index.ts'
import type { Path, PeerSettings, SessionReport } from '../../core/bgp/index.ts'
import { PathInterner } from '../../core/bgp/rib/index.ts'
import { limitHops } from '../net/tcp.ts'
import type { Bgp, BgpOptions, ListenSettings } from './bgp.ts'
import { minimumTtlOf } from './endpoints.ts'
import { Listeners } from './listeners.ts'
import { Peer } from './peer.ts'

/** An engine without peers; it runs until `close`. */
export function openBgp(options: BgpOptions): Bgp {
  return new Engine(options)
}

class Engine implements Bgp {
  readonly #options: BgpOptions
  readonly #listeners: Listeners
  readonly #interner = new PathInterner()
  readonly #peers = new Map<string, Peer>()
  #isReady = false

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
      void peer.close('remove')
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
    const { clock, random, log, onChange } = this.#options
    const peer = new Peer(settings, { clock, random, log, onChange, interner: this.#interner, isReady: this.#isReady })
    this.#peers.set(settings.key, peer)
    peer.start()
  }

  #accept(socket: Socket, remote: Ip, local: Ip): void {
    const address = formatIp(remote)
    const peer = [...this.#peers.values()].find(({ settings }) => formatIp(settings.neighbor) === address)
    if (peer === undefined) {
      this.#options.log.debug('connection from no peer of ours', { address })
      socket.destroy()
      return
    }
    const minimumTtl = minimumTtlOf(peer.settings)
    if (minimumTtl !== undefined && !limitHops(socket, minimumTtl)) socket.destroy()
    else peer.accept(socket, local)
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

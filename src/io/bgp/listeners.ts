import type { Socket } from 'node:net'

import { type Ip, formatIp, parseIp } from '../../core/address/index.ts'
import type { PeerSettings } from '../../core/bgp/index.ts'
import { SocketError } from '../net/libc.ts'
import { type TcpListener, describeTcpError, listenTcp } from '../net/tcp.ts'
import type { Clock, Timer } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { ListenSettings } from './bgp.ts'

const everyAddress = ['0.0.0.0', '::'].flatMap((text) => parseIp(text) ?? [])
const retryMs = 1000

interface Listening {
  readonly address: Ip
  readonly tcp: TcpListener
  /** Keys that it holds, by peer address. */
  readonly passwords: Map<string, { readonly remote: Ip; readonly password: string }>
}

/** Accepts connections on the configured port; what cannot be bound is logged and tried again each second. */
export class Listeners {
  readonly #clock: Clock
  readonly #log: Log
  readonly #accept: (socket: Socket, remote: Ip, local: Ip) => void
  readonly #open = new Map<string, Listening>()
  readonly #complained = new Set<string>()
  #wanted = new Map<string, Ip>()
  #port = -1
  #peers: readonly PeerSettings[] = []
  #retry: Timer | undefined

  constructor(clock: Clock, log: Log, accept: (socket: Socket, remote: Ip, local: Ip) => void) {
    this.#clock = clock
    this.#log = log
    this.#accept = accept
  }

  /** Connections there are stay, whatever becomes of the port they came in by. */
  configure({ port, addresses }: ListenSettings, peers: readonly PeerSettings[]): void {
    this.#peers = peers
    if (port !== this.#port) this.#closeAll()
    this.#port = port
    const wanted = port < 0 ? [] : addresses.length === 0 ? everyAddress : addresses
    this.#wanted = new Map(wanted.map((address) => [formatIp(address), address]))
    for (const [key, { tcp }] of this.#open) {
      if (this.#wanted.has(key)) continue
      tcp.close()
      this.#open.delete(key)
    }
    this.#complained.clear()
    this.#openMissing()
    for (const listening of this.#open.values()) this.#setPasswords(listening)
  }

  close(): void {
    this.#retry?.cancel()
    this.#wanted.clear()
    this.#closeAll()
  }

  #closeAll(): void {
    for (const { tcp } of this.#open.values()) tcp.close()
    this.#open.clear()
  }

  #openMissing(): void {
    this.#retry?.cancel()
    this.#retry = undefined
    let isMissing = false
    for (const [key, address] of this.#wanted) {
      if (!this.#open.has(key) && !this.#tryOpen(key, address)) isMissing = true
    }
    if (isMissing) this.#retry = this.#clock.after(retryMs, () => this.#openMissing())
  }

  #tryOpen(key: string, address: Ip): boolean {
    const passwords: Listening['passwords'] = new Map()
    try {
      const tcp = listenTcp(address, this.#port, {
        accept: (socket, remote, local) => {
          if (this.#holdsKeyOf(remote, passwords)) this.#accept(socket, remote, local)
          else socket.destroy()
        },
        fail: (error) => {
          this.#log.error('listener failed', { address: key, port: this.#port, error })
          this.#open.delete(key)
          this.#retry ??= this.#clock.after(retryMs, () => this.#openMissing())
        },
      })
      const listening = { address, tcp, passwords }
      this.#open.set(key, listening)
      this.#setPasswords(listening)
      this.#log.info('listening for BGP', { address: key, port: this.#port })
      return true
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const reason = describeTcpError(error)
      if (!this.#complained.has(key))
        this.#log.warn('cannot listen for BGP', { address: key, port: this.#port, reason })
      this.#complained.add(key)
      return false
    }
  }

  #setPasswords({ address, tcp, passwords }: Listening): void {
    const wanted = new Map<string, { readonly remote: Ip; readonly password: string }>()
    for (const { neighbor, password } of this.#peers) {
      if (password !== undefined && neighbor.family === address.family) {
        wanted.set(formatIp(neighbor), { remote: neighbor, password })
      }
    }
    for (const [key, { remote }] of passwords) {
      if (wanted.has(key)) continue
      tcp.setPassword(remote, undefined)
      passwords.delete(key)
    }
    for (const [key, each] of wanted) {
      if (passwords.get(key)?.password === each.password) continue
      // Until the kernel has taken the new key, the peer has none that we would accept.
      passwords.delete(key)
      try {
        tcp.setPassword(each.remote, each.password)
        passwords.set(key, each)
      } catch (error) {
        if (!(error instanceof SocketError)) throw error
        this.#log.error('no connections taken from a peer: its password cannot be set', {
          neighbor: key,
          reason: error.message,
        })
      }
    }
  }

  // Never a session without the password: also not when the kernel would not take the key.
  #holdsKeyOf(remote: Ip, passwords: Listening['passwords']): boolean {
    const address = formatIp(remote)
    const peer = this.#peers.find(({ neighbor }) => formatIp(neighbor) === address)
    return peer?.password === passwords.get(address)?.password
  }
}

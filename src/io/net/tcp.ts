// TCP as BGP wants it: dialling from a chosen address, TCP-MD5 (RFC 2385), GTSM (RFC 5082), and a listener whose keys
// change while it listens. Everything else is node:net.
import { type Server, Socket, createServer } from 'node:net'

import { type Ip, formatIp, parseIp } from '../../core/address/index.ts'
import { SocketError, bindSocket, closeSocket, findConnection, openTcpSocket, setMd5Key, setOption } from './libc.ts'

export interface DialTarget {
  readonly remote: Ip
  readonly remotePort: number
  /** The kernel's choice when absent. */
  readonly localAddress?: Ip
  readonly password?: string
  /** Of the packets sent; the kernel's choice when absent. */
  readonly ttl?: number
  /** GTSM: packets that arrive with less are dropped by the kernel. */
  readonly minimumTtl?: number
}

/** Class selector 6: RFC 4271 §4 and RFC 2474 put routing protocols there. */
const trafficClass = 0xc0
const ownHopsTtl = 255

/** Begins to connect; 'connect' or 'error' follows on the socket. Throws SocketError when an option is refused. */
export function dialTcp({ remote, remotePort, localAddress, password, ttl, minimumTtl }: DialTarget): Socket {
  const fd = openTcpSocket(remote.family)
  try {
    setTrafficClass(fd, remote)
    if (password !== undefined) setMd5Key(fd, remote, password)
    if (ttl !== undefined) setOption(fd, remote.family === 4 ? 'ipTtl' : 'ipv6UnicastHops', ttl)
    if (minimumTtl !== undefined) setMinimumTtl(fd, remote, minimumTtl)
    if (localAddress !== undefined) bindSocket(fd, localAddress, 0)
  } catch (error) {
    closeSocket(fd)
    throw error
  }
  // Not in the documentation, but as old as `fd`: without it node:net reads before there is a connection.
  const options = { fd, manualStart: true }
  const socket = new Socket(options)
  socket.setNoDelay(true)
  return socket.connect({ host: formatIp(remote), port: remotePort })
}

export interface TcpListener {
  /** As bound: differs from what was asked only when that was 0. */
  readonly port: number
  /** From now on connections from `remote` need this key; undefined: none. */
  setPassword(remote: Ip, password: string | undefined): void
  close(): void
}

export interface ListenHandlers {
  /** A connection, paused. */
  readonly accept: (socket: Socket, remote: Ip, local: Ip) => void
  /** The listener is gone. */
  readonly fail: (error: Error) => void
}

/** Throws SocketError when the address cannot be bound. */
export function listenTcp(address: Ip, port: number, { accept, fail }: ListenHandlers): TcpListener {
  const fd = openTcpSocket(address.family)
  try {
    setOption(fd, 'reuseAddress', 1)
    if (address.family === 6) setOption(fd, 'ipv6Only', 1)
    setTrafficClass(fd, address)
    // A peer with GTSM on drops our SYN-ACK otherwise; the others do not care.
    setOption(fd, address.family === 4 ? 'ipTtl' : 'ipv6UnicastHops', ownHopsTtl)
    bindSocket(fd, address, port)
  } catch (error) {
    closeSocket(fd)
    throw error
  }
  const server: Server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    const remote = parseIp(socket.remoteAddress ?? '')
    const local = parseIp(socket.localAddress ?? '')
    if (remote === undefined || local === undefined) socket.destroy()
    else accept(socket, remote, local)
  })
  server.on('error', fail)
  server.listen({ fd })
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    setPassword: (remote, password) => setListenerKey(fd, remote, password),
    close: () => void server.close(),
  }
}

/**
 * GTSM on a connection that was accepted. False when the connection is gone.
 * Its TTL is the listener's, 255.
 */
export function limitHops(socket: Socket, minimumTtl: number): boolean {
  const local = parseIp(socket.localAddress ?? '')
  const remote = parseIp(socket.remoteAddress ?? '')
  if (local === undefined || remote === undefined) return false
  const { localPort = 0, remotePort = 0 } = socket
  const fd = findConnection({ local: { ip: local, port: localPort }, remote: { ip: remote, port: remotePort } })
  if (fd === undefined) return false
  setMinimumTtl(fd, remote, minimumTtl)
  return true
}

/** The words of strerror(3) for what connections die of. */
export function describeTcpError(error: Error & { readonly code?: string }): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset by peer',
    ETIMEDOUT: 'connection timed out',
    EHOSTUNREACH: 'no route to host',
    ENETUNREACH: 'network is unreachable',
    EADDRNOTAVAIL: 'the local address is not on this host',
    EADDRINUSE: 'address in use',
    EPIPE: 'connection closed by peer',
    EACCES: 'permission denied',
  }
  return words[error.code ?? ''] ?? error.message
}

// Taking a key away that is not there is no error to the caller.
function setListenerKey(fd: number, remote: Ip, password: string | undefined): void {
  try {
    setMd5Key(fd, remote, password)
  } catch (error) {
    if (password === undefined && error instanceof SocketError && error.code === 'ENOENT') return
    throw error
  }
}

function setTrafficClass(fd: number, { family }: Ip): void {
  setOption(fd, family === 4 ? 'ipTos' : 'ipv6TrafficClass', trafficClass)
}

function setMinimumTtl(fd: number, { family }: Ip, minimumTtl: number): void {
  setOption(fd, family === 4 ? 'ipMinTtl' : 'ipv6MinHopCount', minimumTtl)
}

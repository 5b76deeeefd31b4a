// The only file that calls into libc: what BGP needs of a TCP socket before it connects or listens, and Node does not
// offer. Linux and glibc. Structures are laid out as the kernel's headers have them on amd64 and arm64 (little-endian).
//
// 1. openTcpSocket makes a non-blocking socket and sets options on it; the descriptor then goes to node:net, which owns
//    it from there on.
// 2. A listener's descriptor stays known to its owner, so that keys can change while it listens.
// 3. An accepted socket's options are reached by finding its descriptor by its two ends: Node does not tell it.
//
// Never: a blocking call; a descriptor closed that node:net owns.
import { readdirSync } from 'node:fs'

import koffi from 'koffi'

import { type Family, type Ip, formatIp, ipFromBytes, ipToBytes } from '../../core/address/index.ts'

const libc = koffi.load(null)
const socketCall = libc.func('int socket(int domain, int type, int protocol)')
const closeCall = libc.func('int close(int fd)')
const bindCall = libc.func('int bind(int fd, const void *address, uint32_t length)')
const setsockoptCall = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const getpeernameCall = libc.func('int getpeername(int fd, _Out_ uint8_t *address, _Inout_ uint32_t *length)')
const getsocknameCall = libc.func('int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint32_t *length)')

const addressFamilies = { 4: 2, 6: 10 } as const
const sockStream = 1
const sockNonblock = 0o4000
const sockCloexec = 0o2000000

const level = { socket: 1, ip: 0, tcp: 6, ipv6: 41 } as const

/** Options by name: level, number. */
const options = {
  reuseAddress: [level.socket, 2],
  ipTos: [level.ip, 1],
  ipTtl: [level.ip, 2],
  ipMinTtl: [level.ip, 21],
  ipv6UnicastHops: [level.ipv6, 16],
  ipv6Only: [level.ipv6, 26],
  ipv6TrafficClass: [level.ipv6, 67],
  ipv6MinHopCount: [level.ipv6, 73],
  tcpMd5: [level.tcp, 14],
} as const

export type SocketOption = Exclude<keyof typeof options, 'tcpMd5'>

/** What the kernel said no to; `code` as in errno(3). */
export class SocketError extends Error {
  readonly code: string

  constructor(message: string, code: string) {
    super(message)
    this.name = 'SocketError'
    this.code = code
  }
}

const errnoNames = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]))

/** A new non-blocking TCP socket. */
export function openTcpSocket(family: Family): number {
  return check('socket', socketCall(addressFamilies[family], sockStream | sockNonblock | sockCloexec, 0) as number)
}

/** Only for a descriptor that was not handed to node:net. */
export function closeSocket(fd: number): void {
  closeCall(fd)
}

export function setOption(fd: number, option: SocketOption, value: number): void {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  const [optionLevel, name] = options[option]
  check(`setsockopt ${option}`, setsockoptCall(fd, optionLevel, name, bytes, bytes.length) as number)
}

export function bindSocket(fd: number, ip: Ip, port: number): void {
  const address = socketAddress(ip, port)
  check(`bind ${formatIp(ip)} port ${port}`, bindCall(fd, address, address.length) as number)
}

const storageLength = 128
const longestKey = 80

/**
 * RFC 2385: segments from and to `remote` carry a signature with this key; undefined: no more. At most 80 octets.
 * linux/tcp.h struct tcp_md5sig: address, flags, prefix length, key length, interface, key.
 */
export function setMd5Key(fd: number, remote: Ip, password: string | undefined): void {
  const key = Buffer.from(password ?? '', 'utf8')
  if (key.length > longestKey) throw new SocketError('the password is longer than the 80 octets of TCP-MD5', 'EINVAL')
  const bytes = Buffer.alloc(storageLength + 8 + longestKey)
  bytes.set(socketAddress(remote, 0))
  bytes.writeUInt16LE(key.length, storageLength + 2)
  bytes.set(key, storageLength + 8)
  const [optionLevel, name] = options.tcpMd5
  check('setsockopt tcpMd5', setsockoptCall(fd, optionLevel, name, bytes, bytes.length) as number)
}

export interface Ends {
  readonly local: { readonly ip: Ip; readonly port: number }
  readonly remote: { readonly ip: Ip; readonly port: number }
}

/** The descriptor of this process's connection between two ends, if there is one. */
export function findConnection({ local, remote }: Ends): number | undefined {
  const wantedLocal = endKey(local)
  const wantedRemote = endKey(remote)
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name)
    if (nameOf(getpeernameCall, fd) === wantedRemote && nameOf(getsocknameCall, fd) === wantedLocal) return fd
  }
  return undefined
}

function nameOf(call: typeof getpeernameCall, fd: number): string | undefined {
  const address = Buffer.alloc(storageLength)
  if ((call(fd, address, [storageLength]) as number) < 0) return undefined
  const family = address.readUInt16LE(0)
  const port = address.readUInt16BE(2)
  if (family === addressFamilies[4]) return endKey({ ip: ipFromBytes(address.subarray(4, 8)), port })
  if (family === addressFamilies[6]) return endKey({ ip: ipFromBytes(address.subarray(8, 24)), port })
  return undefined
}

function endKey({ ip, port }: Ends['local']): string {
  return `${formatIp(ip)} ${port}`
}

// struct sockaddr_in and sockaddr_in6.
function socketAddress(ip: Ip, port: number): Buffer {
  const bytes = Buffer.alloc(ip.family === 4 ? 16 : 28)
  bytes.writeUInt16LE(addressFamilies[ip.family], 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(ipToBytes(ip), ip.family === 4 ? 4 : 8)
  return bytes
}

function check(call: string, result: number): number {
  if (result >= 0) return result
  const errno = koffi.errno()
  const code = errnoNames.get(errno) ?? `errno ${errno}`
  throw new SocketError(`${call}: ${code}`, code)
}

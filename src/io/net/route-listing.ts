// The kernel's host routes, looked at again and again (RTM_GETROUTE with NLM_F_DUMP, netlink(7)).
//
// Nearly every look finds what the one before found, and ten thousand routes are many objects: so what arrives is compared
// with the bytes of the look before, piece by piece, and read only when it differs. Through the library's requests every
// message was an object that lived until the last was there: that was most of what an idle speaker did, and its pauses for
// garbage were what a change in the same second waited for.
import { endianness } from 'node:os'
import { getSystemErrorName } from 'node:util'

import type { RawNetlinkSocket } from 'netlink'
import type { Family } from '../../core/address/index.ts'
import type { HostRoute } from '../../core/routes/index.ts'
import { isOurs, readHostRoute } from './route-dump.ts'

export interface RouteListing {
  /** Ours, of both families; the very array of the look before when nothing differs. One look at a time; may reject. */
  look(): Promise<readonly HostRoute[]>
}

export interface RouteListingOptions {
  /** Used for nothing else. */
  readonly socket: RawNetlinkSocket
  readonly timeoutMs: number
  /** The type that our routes have. */
  readonly typeOf: (family: Family, table: HostRoute['table']) => number
}

// struct nlmsghdr: length (4), type (2), flags (2), sequence number (4), port (4); messages are padded to 4.
const headerLength = 16
const [typeAt, flagsAt, sequenceAt] = [4, 6, 8]
const [messageError, messageDone, getRoute] = [2, 3, 26]
const requestFlags = 0x301
const familyNumbers = { 4: 2, 6: 10 } as const
const isLittle = endianness() === 'LE'

export function openRouteListing({ socket, timeoutMs, typeOf }: RouteListingOptions): RouteListing {
  let sequence = 0
  let known: Buffer = Buffer.alloc(0)
  let routes: readonly HostRoute[] = []
  let take: (bytes: Buffer) => void = () => {}
  let fail: (error: Error) => void = () => {}
  socket.on('message', (bytes) => take(bytes))
  // An 'error' event nobody listens to would end the process.
  socket.on('error', (error) => fail(error))
  socket.unref()

  function dump(family: Family, comparison: Comparison): Promise<void> {
    const asked = (sequence = (sequence % 0xffff_ffff) + 1)
    const request = Buffer.alloc(headerLength + 12)
    write32(request, 0, request.length)
    write16(request, typeAt, getRoute)
    write16(request, flagsAt, requestFlags)
    write32(request, sequenceAt, asked)
    request[headerLength] = familyNumbers[family]
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => end(new Error(`no end of the list of routes within ${timeoutMs} ms`)), timeoutMs)
      function end(error?: Error): void {
        clearTimeout(timer)
        take = () => {}
        fail = () => {}
        socket.unref()
        if (error === undefined) resolve()
        else reject(error)
      }
      fail = end
      take = (bytes) =>
        eachMessage(bytes, (at, length) => {
          // The rest of a list that was given up.
          if (read32(bytes, at + sequenceAt) !== asked) return
          const type = read16(bytes, at + typeAt)
          if (type === messageDone || type === messageError) {
            const errno = length >= headerLength + 4 ? read32(bytes, at + headerLength) | 0 : 0
            end(errno < 0 ? new Error(`the list of routes ended with ${getSystemErrorName(errno)}`) : undefined)
          } else if (isOurs(bytes, at + headerLength)) {
            bytes.fill(0, at + flagsAt, at + headerLength)
            comparison.add(bytes, at, at + ((length + 3) & ~3))
          }
        })
      socket.ref()
      socket.send(request, {}, (error) => {
        if (error !== undefined && error !== null) end(error)
      })
    })
  }

  return {
    async look() {
      const comparison = openComparison(known)
      for (const family of [4, 6] as const) await dump(family, comparison)
      const found = comparison.end()
      if (found === known) return routes
      known = found
      const read: HostRoute[] = []
      eachMessage(known, (at, length) => {
        const data = known.subarray(at + headerLength, at + length)
        const family = data[0] === familyNumbers[4] ? 4 : 6
        const route = readHostRoute(data, family, (table) => typeOf(family, table))
        if (route !== undefined) read.push(route)
      })
      routes = read
      return routes
    },
  }
}

interface Comparison {
  /** The next bytes of the sequence. */
  add(bytes: Buffer, start: number, end: number): void
  /** The very buffer compared with, if nothing differed. */
  end(): Buffer
}

function openComparison(before: Buffer): Comparison {
  let at = 0
  let other: Buffer | undefined
  return {
    add(bytes, start, end) {
      const next = at + end - start
      if (other === undefined) {
        if (next <= before.length && before.compare(bytes, start, end, at, next) === 0) {
          at = next
          return
        }
        other = Buffer.allocUnsafeSlow(Math.max(before.length, 4096))
        before.copy(other, 0, 0, at)
      }
      if (next > other.length) {
        const larger = Buffer.allocUnsafeSlow(2 * next)
        other.copy(larger, 0, 0, at)
        other = larger
      }
      bytes.copy(other, at, start, end)
      at = next
    },
    // A copy: the room to grow is not kept.
    end: () => (other === undefined && at === before.length ? before : Buffer.from((other ?? before).subarray(0, at))),
  }
}

/** Of whole messages; a rest that is none is left out. */
function eachMessage(bytes: Buffer, see: (at: number, length: number) => void): void {
  for (let at = 0; at + headerLength <= bytes.length;) {
    const length = read32(bytes, at)
    if (length < headerLength || at + length > bytes.length) return
    see(at, length)
    at += (length + 3) & ~3
  }
}

function read16(bytes: Buffer, at: number): number {
  return isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
}

function read32(bytes: Buffer, at: number): number {
  return isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
}

function write16(bytes: Buffer, at: number, value: number): void {
  if (isLittle) bytes.writeUInt16LE(value, at)
  else bytes.writeUInt16BE(value, at)
}

function write32(bytes: Buffer, at: number, value: number): void {
  if (isLittle) bytes.writeUInt32LE(value, at)
  else bytes.writeUInt32BE(value, at)
}

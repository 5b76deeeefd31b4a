// The kernel's host routes, looked at again and again (RTM_GETROUTE with NLM_F_DUMP, netlink(7)).
//
// Nearly every look finds what is expected, and ten thousand routes are many objects: so each is compared as it comes, and
// nothing is kept of it. Objects that live until the last route is there are moved to where only a long pause collects
// them, and a change in the same second waits for it.
import { endianness } from 'node:os'
import { getSystemErrorName } from 'node:util'

import type { RawNetlinkSocket } from 'netlink'
import type { Family } from '../../core/address/index.ts'
import type { HostRoute } from '../../core/routes/index.ts'
import { type TypeOf, isOurs, readHostRoute, readRouteKey } from './route-dump.ts'

export interface RouteListing {
  /** Ours, of both families. One call at a time; may reject. */
  look(): Promise<readonly HostRoute[]>
  /** Whether ours are just these, by routeKey. One call at a time; may reject. */
  hasExactly(expected: ReadonlyMap<string, HostRoute>): Promise<boolean>
}

export interface RouteListingOptions {
  /** Used for nothing else. */
  readonly socket: RawNetlinkSocket
  readonly timeoutMs: number
  readonly typeOf: TypeOf
}

// struct nlmsghdr: length (4), type (2), flags (2), sequence number (4), port (4); messages are padded to 4.
const headerLength = 16
const [typeAt, flagsAt, sequenceAt] = [4, 6, 8]
const [messageError, messageDone, getRoute] = [2, 3, 26]
const requestFlags = 0x301
const families = [4, 6] as const
const familyNumbers = { 4: 2, 6: 10 } as const
const isLittle = endianness() === 'LE'

export function openRouteListing({ socket, timeoutMs, typeOf }: RouteListingOptions): RouteListing {
  let sequence = 0
  let take: (bytes: Buffer) => void = () => {}
  let fail: (error: Error) => void = () => {}
  socket.on('message', (bytes) => take(bytes))
  // An 'error' event nobody listens to would end the process.
  socket.on('error', (error) => fail(error))
  socket.unref()

  function dump(family: Family, see: (bytes: Buffer, start: number, end: number) => void): Promise<void> {
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
            see(bytes, at + headerLength, at + length)
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
      const routes: HostRoute[] = []
      for (const family of families) {
        await dump(family, (bytes, start, end) => {
          const route = readHostRoute(bytes.subarray(start, end), family, typeOf)
          if (route !== undefined) routes.push(route)
        })
      }
      return routes
    },
    async hasExactly(expected) {
      let count = 0
      let last = ''
      let differs = false
      for (const family of families) {
        await dump(family, (bytes, start, end) => {
          const key = readRouteKey(bytes, [start, end], family, typeOf)
          if (key === undefined) return
          // Two of one address and table (they differ in metric, and come one after the other) are one too many.
          if (key === last || !expected.has(key)) differs = true
          last = key
          count++
        })
      }
      return !differs && count === expected.size
    },
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

import type { Socket } from 'node:net'

import { type Frame, type WireError, nextFrame } from '../../core/bgp/wire/index.ts'
import { describeTcpError } from '../net/tcp.ts'
import type { Clock } from '../process/clock.ts'

export interface ConnectionHandlers {
  /** Asked before each frame: it changes with what was negotiated. */
  readonly maxMessageLength: () => number
  readonly receive: (frame: Frame | WireError) => void
  /** The connection failed or the peer ended it. Never after `end` or `abandon`. */
  readonly fail: (why: string) => void
  /** The socket takes more again. */
  readonly drain: () => void
}

/** How long a peer has to take what was sent last before the connection is cut. */
const lingerMs = 1000
const noBytes: Uint8Array = new Uint8Array(0)

/** A connected socket as a stream of frames. */
export class Connection {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #handlers: ConnectionHandlers
  #rest: Uint8Array = noBytes
  #isOpen = true

  constructor(socket: Socket, clock: Clock, handlers: ConnectionHandlers) {
    this.#socket = socket
    this.#clock = clock
    this.#handlers = handlers
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('end', () => this.#fail('connection closed by peer'))
    socket.on('error', (error) => this.#fail(describeTcpError(error)))
    socket.on('close', () => this.#fail('connection closed'))
    socket.on('drain', () => {
      if (this.#isOpen) handlers.drain()
    })
    socket.resume()
  }

  /** False: the socket has enough for now, `drain` will come. `written` is called when the kernel has the bytes, or never will. */
  write(bytes: Uint8Array, written?: () => void): boolean {
    return this.#socket.write(bytes, written)
  }

  /** What is written until the function returns goes to the kernel in one call. */
  together(write: () => void): void {
    this.#socket.cork()
    write()
    this.#socket.uncork()
  }

  /** Lets what was written go out, then closes; resolves when that is done. */
  end(): Promise<void> {
    this.#isOpen = false
    const socket = this.#socket
    return new Promise((resolve) => {
      // What the peer still sends is read away: closing on unread bytes would reset the connection under our last message.
      const cut = this.#clock.after(lingerMs, () => socket.destroy())
      socket.once('close', () => {
        cut.cancel()
        resolve()
      })
      socket.end()
    })
  }

  /** Closes at once. */
  abandon(): void {
    this.#isOpen = false
    this.#socket.destroy()
  }

  #fail(why: string): void {
    if (!this.#isOpen) return
    this.abandon()
    this.#handlers.fail(why)
  }

  #take(chunk: Uint8Array): void {
    if (!this.#isOpen) return
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (this.#isOpen) {
      const framed = nextFrame(bytes, at, this.#handlers.maxMessageLength())
      if (framed.kind === 'needs-more') {
        this.#rest = bytes.subarray(at)
        return
      }
      if (framed.kind === 'frame') at += framed.length
      this.#handlers.receive(framed)
      if (framed.kind === 'error') return
    }
    this.#rest = noBytes
  }
}

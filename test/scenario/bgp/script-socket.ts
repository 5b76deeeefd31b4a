import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'

/** A socket whose other end is a script: it connects, takes bytes or does not, ends and breaks when told. */
export class ScriptSocket extends Duplex {
  readonly name: string
  readonly localAddress: string
  readonly #take: (bytes: Uint8Array) => void
  #held: (() => void) | undefined
  #isReading = true

  constructor(name: string, localAddress: string, take: (bytes: Uint8Array) => void) {
    // Full after a hundred octets, as a socket would be after some 200 kB.
    super({ writableHighWaterMark: 100 })
    this.name = name
    this.localAddress = localAddress
    this.#take = take
  }

  /** The engine knows it as what node:net would give; it uses no more than is here. */
  get asSocket(): Socket {
    return this as unknown as Socket
  }

  listen(isReading: boolean): void {
    this.#isReading = isReading
    if (!isReading) return
    const written = this.#held
    this.#held = undefined
    written?.()
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, written: () => void): void {
    const finish = (): void => {
      this.#take(chunk)
      written()
    }
    if (this.#isReading) finish()
    else this.#held = finish
  }
}

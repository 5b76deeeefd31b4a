/**
 * Reads big-endian numbers from bytes. A read past the end never throws: it answers zeros and sets `short`, which the
 * caller looks at once, after reading all it wants.
 */
export class Reader {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
  short = false

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  get remaining(): number {
    return this.end - this.at
  }

  u8(): number {
    if (!this.#has(1)) return 0
    return this.bytes[this.at++] ?? 0
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8()
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16()
  }

  /** The next `length` bytes, not copied; empty when there are fewer. */
  take(length: number): Uint8Array {
    if (!this.#has(length)) return this.bytes.subarray(this.end, this.end)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** A reader of the next `length` bytes alone. */
  within(length: number): Reader {
    const start = this.at
    if (!this.#has(length)) return new Reader(this.bytes, this.end, this.end)
    this.at += length
    return new Reader(this.bytes, start, this.at)
  }

  #has(length: number): boolean {
    if (this.at + length <= this.end) return true
    this.short = true
    this.at = this.end
    return false
  }
}

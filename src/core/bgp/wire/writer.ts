/** Writes big-endian numbers into bytes that grow as needed. */
export class Writer {
  #bytes: Uint8Array
  length = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
  }

  u8(value: number): void {
    this.#reserve(1)
    this.#bytes[this.length++] = value
  }

  u16(value: number): void {
    this.#reserve(2)
    this.#bytes[this.length++] = value >>> 8
    this.#bytes[this.length++] = value
  }

  u32(value: number): void {
    this.#reserve(4)
    this.#bytes[this.length++] = value >>> 24
    this.#bytes[this.length++] = value >>> 16
    this.#bytes[this.length++] = value >>> 8
    this.#bytes[this.length++] = value
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Leaves room for a length of `width` bytes; the function given back writes how many bytes came after it. */
  lengthOf(width: 1 | 2): () => void {
    const at = this.length
    if (width === 1) this.u8(0)
    else this.u16(0)
    return () => {
      const length = this.length - at - width
      if (width === 2) this.#bytes[at] = length >>> 8
      this.#bytes[at + width - 1] = length
    }
  }

  setU16(at: number, value: number): void {
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + more))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

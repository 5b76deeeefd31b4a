// A sorted set of integers that finds the first missing one at or after a place in O(log n).

export class SortedBits {
  readonly #values: bigint[] = []

  add(value: bigint): void {
    const at = this.#indexOf(value)
    if (this.#values[at] !== value) this.#values.splice(at, 0, value)
  }

  remove(value: bigint): void {
    const at = this.#indexOf(value)
    if (this.#values[at] === value) this.#values.splice(at, 1)
  }

  /** Smallest integer ≥ `from` that is not in the set. */
  nextMissing(from: bigint): bigint {
    const start = this.#indexOf(from)
    if (this.#values[start] !== from) return from
    // In a sorted set of integers the run from `start` reaches up to `end` exactly when values[end] - values[start] is
    // the distance of the two indices: that can be searched by halves.
    let low = start
    let high = this.#values.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#values[middle] ?? 0n) - from === BigInt(middle - start)) low = middle
      else high = middle - 1
    }
    return from + BigInt(low - start) + 1n
  }

  /** Index of the first value ≥ `value`. */
  #indexOf(value: bigint): number {
    let low = 0
    let high = this.#values.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#values[middle] ?? 0n) < value) low = middle + 1
      else high = middle
    }
    return low
  }
}

// A sorted set of integers that finds the first missing one at or after a place in O(log n): it is kept as maximal runs
// of neighbours, so a pool that is full is one run. Runs stand in blocks of bounded length, so that putting one in moves
// a few hundred pointers, however many there are.

interface Run {
  first: bigint
  last: bigint
}

const mostRunsInBlock = 512

export class SortedBits {
  readonly #blocks: Run[][] = []

  /** One that is there already changes nothing. */
  add(value: bigint): void {
    const [at, within] = this.#atOrBefore(value)
    const before = this.#blocks[at]?.[within]
    if (before !== undefined && before.last >= value) return
    const [nextAt, nextWithin] = within + 1 < (this.#blocks[at]?.length ?? 0) ? [at, within + 1] : [at + 1, 0]
    const after = this.#blocks[nextAt]?.[nextWithin]
    const joinsAfter = after !== undefined && after.first === value + 1n
    if (before !== undefined && before.last + 1n === value) {
      before.last = joinsAfter ? after.last : value
      if (joinsAfter) this.#removeRun(nextAt, nextWithin)
    } else if (joinsAfter) after.first = value
    else this.#insertRun(at, within + 1, { first: value, last: value })
  }

  /** One that is not there changes nothing. */
  remove(value: bigint): void {
    const [at, within] = this.#atOrBefore(value)
    const run = this.#blocks[at]?.[within]
    if (run === undefined || run.last < value) return
    if (run.first === run.last) this.#removeRun(at, within)
    else if (run.first === value) run.first = value + 1n
    else {
      if (run.last > value) this.#insertRun(at, within + 1, { first: value + 1n, last: run.last })
      run.last = value - 1n
    }
  }

  /** Smallest integer ≥ `from` that is not in the set. */
  nextMissing(from: bigint): bigint {
    const [at, within] = this.#atOrBefore(from)
    const run = this.#blocks[at]?.[within]
    return run !== undefined && run.last >= from ? run.last + 1n : from
  }

  // Block and place of the last run that begins at or before `value`; [0, -1] when there is none.
  #atOrBefore(value: bigint): readonly [number, number] {
    const at = lastWhere(this.#blocks.length, (index) => beginsBy(this.#blocks[index]?.[0], value))
    const block = this.#blocks[at]
    if (block === undefined) return [0, -1]
    return [at, lastWhere(block.length, (index) => beginsBy(block[index], value))]
  }

  #insertRun(at: number, within: number, run: Run): void {
    const block = this.#blocks[at]
    if (block === undefined) {
      this.#blocks.push([run])
      return
    }
    block.splice(within, 0, run)
    if (block.length > mostRunsInBlock) this.#blocks.splice(at + 1, 0, block.splice(mostRunsInBlock / 2))
  }

  #removeRun(at: number, within: number): void {
    const block = this.#blocks[at]
    block?.splice(within, 1)
    if (block?.length === 0) this.#blocks.splice(at, 1)
  }
}

function beginsBy(run: Run | undefined, value: bigint): boolean {
  return run !== undefined && run.first <= value
}

// Highest index below `length` for which `holds` is true, -1 for none; it is true up to some index, and false from there.
function lastWhere(length: number, holds: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) low = middle + 1
    else high = middle
  }
  return low - 1
}

// Which addresses are in use: an index over the EipAllocations that the programs keep current from their watch.
// Looking up and finding the next free address cost O(log n) in the addresses in use, and nothing in the size of a pool.
import { type Family, type Ip, type IpRange, rangeContains, rangeSize } from '../address/index.ts'
import { type Allocation, type Eip, allocationName } from '../model/index.ts'
import { NameIndex } from './name-index.ts'
import { type Pools, covers, isBuggy } from './pools.ts'
import { SortedBits } from './sorted-bits.ts'

export type Taken = Pick<
  TakenIndex,
  'get' | 'at' | 'ofEip' | 'ofService' | 'ofClaim' | 'countOf' | 'usage' | 'freeIn' | 'size'
>

// So many addresses are remembered in the order in which they became free.
const mostFreed = 1024

export class TakenIndex {
  readonly #byName = new Map<string, Allocation>()
  readonly #byEip = new Map<string, Map<string, Allocation>>()
  readonly #byService = new NameIndex()
  readonly #byClaim = new NameIndex()
  /** Key `eip/namespace`. */
  readonly #counts = new Map<string, number>()
  /** By name, the longest free first. */
  readonly #freed = new Map<string, Ip>()
  readonly #bits: Readonly<Record<Family, SortedBits>> = { 4: new SortedBits(), 6: new SortedBits() }

  get size(): number {
    return this.#byName.size
  }

  put(allocation: Allocation): void {
    const { name, address, eip, holders } = allocation
    this.#drop(name)
    this.#freed.delete(name)
    this.#byName.set(name, allocation)
    this.#bits[address.family].add(address.bits)
    const ofEip = this.#byEip.get(eip) ?? new Map<string, Allocation>()
    this.#byEip.set(eip, ofEip.set(name, allocation))
    for (const holder of holders) {
      this.#byService.add(`${holder.namespace}/${holder.name}`, name)
      this.#byClaim.add(holder.claim, name)
    }
    for (const key of countKeysOf(allocation)) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  remove(name: string): void {
    const known = this.#drop(name)
    if (known === undefined) return
    this.#freed.set(name, known.address)
    if (this.#freed.size <= mostFreed) return
    const oldest = this.#freed.keys().next()
    if (oldest.done !== true) this.#freed.delete(oldest.value)
  }

  #drop(name: string): Allocation | undefined {
    const known = this.#byName.get(name)
    if (known === undefined) return undefined
    this.#byName.delete(name)
    this.#bits[known.address.family].remove(known.address.bits)
    const ofEip = this.#byEip.get(known.eip)
    ofEip?.delete(name)
    if (ofEip?.size === 0) this.#byEip.delete(known.eip)
    for (const holder of known.holders) {
      this.#byService.remove(`${holder.namespace}/${holder.name}`, name)
      this.#byClaim.remove(holder.claim, name)
    }
    for (const key of countKeysOf(known)) {
      const count = (this.#counts.get(key) ?? 0) - 1
      if (count > 0) this.#counts.set(key, count)
      else this.#counts.delete(key)
    }
    return known
  }

  get(name: string): Allocation | undefined {
    return this.#byName.get(name)
  }

  at(ip: Ip): Allocation | undefined {
    return this.#byName.get(allocationName(ip))
  }

  ofEip(eip: string): Iterable<Allocation> {
    return this.#byEip.get(eip)?.values() ?? []
  }

  /** `key` is `namespace/name`; a Service whose name is still to be generated has `namespace/`. */
  ofService(key: string): readonly Allocation[] {
    return this.#named(this.#byService.of(key))
  }

  ofClaim(claim: string): readonly Allocation[] {
    return this.#named(this.#byClaim.of(claim))
  }

  /** Addresses of the Eip that Services of the namespace hold; a shared one counts once. */
  countOf(eip: string, namespace: string): number {
    return this.#counts.get(`${eip}/${namespace}`) ?? 0
  }

  /** Addresses of the Eip in use. */
  usage(eip: string): number {
    return this.#byEip.get(eip)?.size ?? 0
  }

  /**
   * Free addresses of the Eip in one family, each once, lazily: from a place that `start` (0 ≤ start < 1) chooses on to
   * the end, then from the beginning. Replicas that start in different places seldom collide. Those that became free a
   * moment ago come last, the longest free of them first.
   */
  *freeIn(eip: Eip, family: Family, pools: Pools, start: number): Iterable<Ip> {
    const ranges = eip.ranges.filter(({ first }) => first.family === family)
    const total = ranges.reduce((sum, range) => sum + rangeSize(range), 0n)
    let offset = (BigInt(Math.floor(start * 2 ** 53)) * total) >> 53n
    const before: IpRange[] = []
    const after: IpRange[] = []
    for (const range of ranges) {
      const size = rangeSize(range)
      if (offset <= 0n) after.push(range)
      else if (offset >= size) before.push(range)
      else {
        const middle: Ip = { family, bits: range.first.bits + offset }
        before.push({ first: range.first, last: { family, bits: middle.bits - 1n } })
        after.push({ first: middle, last: range.last })
      }
      offset -= size
    }
    for (const range of [...after, ...before]) {
      for (const ip of this.#freeInRange(range, eip, pools)) {
        if (this.#freed.size === 0 || !this.#freed.has(allocationName(ip))) yield ip
      }
    }
    // As they are now: one that is claimed and given back while the search goes on must not come round for ever.
    for (const [name, ip] of [...this.#freed]) {
      const isIn = ip.family === family && covers(eip, ip) && !this.#byName.has(name)
      if (isIn && this.#mayHandOut(ip, eip, pools)) yield ip
    }
  }

  #mayHandOut(ip: Ip, { avoidBuggyIPs }: Eip, pools: Pools): boolean {
    return !(avoidBuggyIPs && isBuggy(ip)) && pools.reserved(ip) === undefined
  }

  *#freeInRange({ first, last }: IpRange, eip: Eip, pools: Pools): Iterable<Ip> {
    const { family } = first
    for (let bits = first.bits; bits <= last.bits;) {
      const ip: Ip = { family, bits }
      const excluded = eip.excludes.find((range) => rangeContains(range, ip))
      if (excluded !== undefined) {
        bits = excluded.last.bits + 1n
        continue
      }
      const free = this.#bits[family].nextMissing(bits)
      if (free !== bits) {
        bits = free
        continue
      }
      if (this.#mayHandOut(ip, eip, pools)) yield ip
      bits = (pools.reservedRange?.(ip)?.last.bits ?? bits) + 1n
    }
  }

  #named(names: readonly string[]): readonly Allocation[] {
    return names.flatMap((name) => this.#byName.get(name) ?? [])
  }
}

// A record counts once for a namespace, however many of its Services share the address.
function countKeysOf({ eip, holders }: Allocation): Iterable<string> {
  const keys = holders.map(({ namespace }) => `${eip}/${namespace}`)
  return keys.length > 1 ? new Set(keys) : keys
}

// Which Services hold which address, by the addresses in their status: usually one each, several where it is shared.
import { type IpRange, parseIp, rangeContains } from '../src/core/address/index.ts'

export interface Holders {
  /** Address → keys `namespace/name` of Services. */
  readonly byAddress: ReadonlyMap<string, readonly string[]>
  /** The Service holds these now. */
  move(key: string, before: readonly string[], now: readonly string[]): void
  /** Held addresses in any of the ranges; looks at all. */
  within(ranges: readonly IpRange[]): readonly string[]
}

export function openHolders(): Holders {
  // Nearly all have one: a set for each would take more room than all else that is known of it.
  const byAddress = new Map<string, readonly string[]>()
  return {
    byAddress,
    move(key, before, now) {
      for (const address of before) {
        const others = (byAddress.get(address) ?? []).filter((each) => each !== key)
        if (others.length > 0) byAddress.set(address, others)
        else byAddress.delete(address)
      }
      for (const address of now) {
        const others = (byAddress.get(address) ?? []).filter((each) => each !== key)
        byAddress.set(address, [...others, key])
      }
    },
    within: (ranges) =>
      [...byAddress.keys()].filter((text) => {
        const ip = parseIp(text)
        return ip !== undefined && ranges.some((range) => rangeContains(range, ip))
      }),
  }
}

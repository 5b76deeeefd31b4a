// Which Services hold which address, by the addresses in their status: usually one each, several where it is shared.
import { type IpRange, parseIp, rangeContains } from '../src/core/address/index.ts'

export interface Holders {
  /** Address → keys `namespace/name` of Services. */
  readonly byAddress: ReadonlyMap<string, ReadonlySet<string>>
  /** The Service holds these now. */
  move(key: string, before: readonly string[], now: readonly string[]): void
  /** Held addresses in any of the ranges; looks at all. */
  within(ranges: readonly IpRange[]): readonly string[]
}

export function openHolders(): Holders {
  const byAddress = new Map<string, Set<string>>()
  return {
    byAddress,
    move(key, before, now) {
      for (const address of before) {
        const keys = byAddress.get(address)
        keys?.delete(key)
        if (keys?.size === 0) byAddress.delete(address)
      }
      for (const address of now) {
        const keys = byAddress.get(address)
        if (keys === undefined) byAddress.set(address, new Set([key]))
        else keys.add(key)
      }
    },
    within: (ranges) =>
      [...byAddress.keys()].filter((text) => {
        const ip = parseIp(text)
        return ip !== undefined && ranges.some((range) => rangeContains(range, ip))
      }),
  }
}

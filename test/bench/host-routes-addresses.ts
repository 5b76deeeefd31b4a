import type { Family, Ip } from '../../src/core/address/index.ts'

/** 10,000 of IPv4, 1,000 of IPv6. */
export function hostAddresses(family: Family): readonly Ip[] {
  return Array.from({ length: family === 4 ? 10_000 : 1000 }, (_, i) => ({
    family,
    bits: (family === 4 ? 0xac10_0000n : 0xfd00_0001n << 96n) + BigInt(i),
  }))
}

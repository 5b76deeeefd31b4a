// Address families as the wire numbers them (RFC 4760 §5, IANA): we speak unicast of IPv4 and IPv6.
import type { Family } from '../../address/index.ts'

export interface AfiSafi {
  readonly afi: number
  readonly safi: number
}

export const unicast = 1

export function afiOf(family: Family): 1 | 2 {
  return family === 4 ? 1 : 2
}

/** Undefined for everything that is not IPv4 or IPv6 unicast. */
export function familyOf(afi: number, safi: number): Family | undefined {
  if (safi !== unicast) return undefined
  return afi === 1 ? 4 : afi === 2 ? 6 : undefined
}

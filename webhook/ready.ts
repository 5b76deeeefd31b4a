// When a replica may be called.
import { bgpConfs, bgpPeers, eips } from '../src/io/kube/index.ts'

const converted: ReadonlySet<string> = new Set([eips, bgpConfs, bgpPeers].map(({ plural }) => plural))

/** How long the lists of our kinds may take while all others are there and reviews are answered. */
export const conversionGraceMs = 5_000

export interface Progress {
  readonly closing: boolean
  /** Plurals that have not been listed yet. */
  readonly missing: readonly string[]
  /** How long reviews have been answered; undefined: not yet, for want of a certificate. */
  readonly servingMs: number | undefined
}

/**
 * True, or the sentence that says what is missing. Objects that are stored as v1alpha1 cannot be listed before the API
 * server can have them converted, by us, and it calls no replica that is not ready. So a replica that lacks only lists of
 * our kinds is ready after a while: until it has them it lets every Service through, and the controller assigns.
 */
export function readyOf({ closing, missing, servingMs }: Progress): true | string {
  if (closing) return 'shutting down'
  if (servingMs === undefined && missing.length === 0) return 'there is no certificate yet'
  const mayNeedUs = servingMs !== undefined && servingMs >= conversionGraceMs
  if (missing.length === 0 || (mayNeedUs && missing.every((plural) => converted.has(plural)))) return true
  return `not listed yet: ${missing.join(', ')}`
}

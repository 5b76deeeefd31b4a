// The path attributes of an UPDATE as values, and what each file of this folder exports.
import type { Family, Ip } from '../../../address/index.ts'
import type { ErrorClass } from '../error.ts'
import type { Nlri } from '../nlri.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export const segmentTypes = { set: 1, sequence: 2, confedSequence: 3, confedSet: 4 } as const

export interface AsPathSegment {
  readonly type: number
  readonly asNumbers: readonly number[]
}

export interface Aggregator {
  readonly as: number
  readonly ip: Ip
}

export interface MpReach {
  readonly afi: number
  readonly safi: number
  /** One, or a global and a link-local one (RFC 2545 §3). */
  readonly nextHops: readonly Ip[]
  readonly nlri: readonly Nlri[]
  /** All behind the SAFI, when the family is not one of ours. */
  readonly opaque?: Uint8Array
}

export interface MpUnreach {
  readonly afi: number
  readonly safi: number
  readonly withdrawn: readonly Nlri[]
  readonly opaque?: Uint8Array
}

export interface UnknownAttribute {
  readonly flags: number
  readonly type: number
  readonly value: Uint8Array
}

export interface KnownAttributes {
  /** 0 IGP, 1 EGP, 2 INCOMPLETE. */
  readonly origin: number
  readonly asPath: readonly AsPathSegment[]
  readonly nextHop: Ip
  readonly med: number
  readonly localPref: number
  readonly atomicAggregate: true
  readonly aggregator: Aggregator
  readonly communities: readonly number[]
  readonly mpReach: MpReach
  readonly mpUnreach: MpUnreach
  readonly as4Path: readonly AsPathSegment[]
  readonly as4Aggregator: Aggregator
  readonly originatorId: Ip
  readonly clusterList: readonly Ip[]
  /** Eight octets each, not looked into. */
  readonly extendedCommunities: readonly Uint8Array[]
  /** Twenty octets each, not looked into. */
  readonly ipv6ExtendedCommunities: readonly Uint8Array[]
  readonly largeCommunities: readonly (readonly [number, number, number])[]
}

export type AttributeName = keyof KnownAttributes

export type Attributes = Partial<KnownAttributes> & { readonly unknown?: readonly UnknownAttribute[] }

/** What was negotiated, as far as it changes the form of an UPDATE in one direction. */
export interface UpdateContext {
  /** RFC 6793: AS numbers are four octets wide in AS_PATH and AGGREGATOR. */
  readonly fourOctetAs: boolean
  /** RFC 7911: families whose NLRI carry path identifiers in this direction. */
  readonly addPath: readonly Family[]
  /** From or to a peer of another AS. */
  readonly external: boolean
}

export const attributeFlags = { optional: 0x80, transitive: 0x40, partial: 0x20, extendedLength: 0x10 } as const

export interface AttributeCodec<N extends AttributeName> {
  readonly type: number
  /** Of `optional` and `transitive`, which are set. */
  readonly flags: number
  /** RFC 7606 §7: what a malformed one makes of the UPDATE. */
  readonly whenMalformed: ErrorClass
  /** Lengths in octets that the value may have, else Attribute Length Error. */
  lengthIsValid(length: number, context: UpdateContext): boolean
  /** Undefined or short: malformed. */
  read(value: Reader, context: UpdateContext): KnownAttributes[N] | undefined
  /** UPDATE Message Error subcode for a value of good length that is malformed; Optional Attribute Error when absent. */
  readonly subcode?: number
  write(writer: Writer, value: KnownAttributes[N], context: UpdateContext): void
}

export const wellKnown = attributeFlags.transitive
export const optionalTransitive = attributeFlags.optional | attributeFlags.transitive
export const optionalNonTransitive = attributeFlags.optional

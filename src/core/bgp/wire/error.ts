import { errorCodes } from './codes.ts'

/** How far damage in a message goes, RFC 7606 §2, the mildest last. */
export type ErrorClass = 'session-reset' | 'treat-as-withdraw' | 'attribute-discard'

/** What a peer is told about bytes that cannot be read: the fields of the NOTIFICATION (RFC 4271 §4.5). */
export interface WireError {
  readonly kind: 'error'
  readonly class: ErrorClass
  readonly code: number
  readonly subcode: number
  readonly data: Uint8Array
  /** For people: what was wrong. */
  readonly detail: string
}

const noData = new Uint8Array(0)

export function headerError(subcode: number, detail: string, data: Uint8Array = noData): WireError {
  return { kind: 'error', class: 'session-reset', code: errorCodes.messageHeader, subcode, data, detail }
}

export function openError(subcode: number, detail: string, data: Uint8Array = noData): WireError {
  return { kind: 'error', class: 'session-reset', code: errorCodes.openMessage, subcode, data, detail }
}

export function updateError(
  errorClass: ErrorClass,
  subcode: number,
  detail: string,
  data: Uint8Array = noData,
): WireError {
  return { kind: 'error', class: errorClass, code: errorCodes.updateMessage, subcode, data, detail }
}

export function routeRefreshError(subcode: number, detail: string, data: Uint8Array): WireError {
  return { kind: 'error', class: 'session-reset', code: errorCodes.routeRefresh, subcode, data, detail }
}

export function isWireError(value: object): value is WireError {
  return 'kind' in value && value.kind === 'error'
}

/** Subcodes of the UPDATE Message Error, RFC 4271 §6.3. */
export const updateSubcodes = {
  malformedAttributeList: 1,
  unrecognizedWellKnown: 2,
  missingWellKnown: 3,
  attributeFlags: 4,
  attributeLength: 5,
  invalidOrigin: 6,
  invalidNextHop: 8,
  optionalAttribute: 9,
  invalidNetwork: 10,
  malformedAsPath: 11,
} as const

/** Subcodes of the OPEN Message Error, RFC 4271 §6.2 and RFC 5492 §5. */
export const openSubcodes = {
  unspecific: 0,
  unsupportedVersion: 1,
  badPeerAs: 2,
  badIdentifier: 3,
  unsupportedParameter: 4,
  unacceptableHoldTime: 6,
  unsupportedCapability: 7,
} as const

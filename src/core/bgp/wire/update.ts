// UPDATE: RFC 4271 §4.3, its errors §6.3 as RFC 7606 revises them.
import type { Family } from '../../address/index.ts'
import { type Attributes, type UpdateContext, readAttributes, writeAttributes } from './attributes/index.ts'
import { type WireError, updateError, updateSubcodes } from './error.ts'
import { afiOf, familyOf, unicast } from './family.ts'
import { frameMessage, messageTypes } from './framing.ts'
import { type Nlri, readNlri, writeNlri } from './nlri.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

export interface Update {
  readonly type: 'update'
  /** IPv4 unicast; other families are in the attributes mpReach and mpUnreach. */
  readonly withdrawn: readonly Nlri[]
  readonly attributes: Attributes
  readonly nlri: readonly Nlri[]
  /** Damage that did not end the session: what it leads to is already done to the fields above. */
  readonly faults: readonly WireError[]
}

export function decodeUpdate(body: Uint8Array, context: UpdateContext): Update | WireError {
  const reader = new Reader(body)
  const withdrawnField = reader.within(reader.u16())
  const attributesField = reader.within(reader.u16())
  if (reader.short) {
    return updateError('session-reset', updateSubcodes.malformedAttributeList, 'lengths do not fit the message')
  }
  const withPathId = context.addPath.includes(4)
  const withdrawn = readNlri(withdrawnField, 4, withPathId)
  const { attributes, faults } = readAttributes(attributesField, context)
  const nlri = readNlri(reader, 4, withPathId)
  if (withdrawn === undefined || nlri === undefined) {
    // RFC 7606 §5.3.
    return updateError(
      'session-reset',
      updateSubcodes.invalidNetwork,
      'a prefix is longer than its family or its field',
    )
  }
  const fatal = faults.find((fault) => fault.class === 'session-reset')
  if (fatal !== undefined) return fatal
  return settleFaults({ type: 'update', withdrawn, attributes, nlri, faults: withMissing(attributes, nlri, faults) })
}

// RFC 7606 §3 d: missing well-known mandatory attributes. Not told beside damage that already withdraws the routes.
function withMissing(
  attributes: Attributes,
  nlri: readonly Nlri[],
  faults: readonly WireError[],
): readonly WireError[] {
  if (nlri.length === 0 && attributes.mpReach === undefined) return faults
  if (faults.some((fault) => fault.class === 'treat-as-withdraw')) return faults
  const missing = [
    ...(attributes.origin === undefined ? [1] : []),
    ...(attributes.asPath === undefined ? [2] : []),
    ...(attributes.nextHop === undefined && nlri.length > 0 ? [3] : []),
  ]
  return [
    ...faults,
    ...missing.map((type) =>
      updateError(
        'treat-as-withdraw',
        updateSubcodes.missingWellKnown,
        `well-known attribute ${type} is missing`,
        Uint8Array.of(type),
      ),
    ),
  ]
}

// RFC 7606 §2: the routes of an UPDATE with such damage are handled as if they had been withdrawn in it.
function settleFaults(update: Update): Update | WireError {
  const fault = update.faults.find(({ class: errorClass }) => errorClass === 'treat-as-withdraw')
  if (fault === undefined) return update
  const { attributes, nlri } = update
  const { mpReach, mpUnreach } = attributes
  // RFC 7606 §5.2: with nothing reachable in it, one cannot be sure to have found all prefixes.
  const isReaching =
    nlri.length > 0 || (mpReach !== undefined && (mpReach.nlri.length > 0 || mpReach.opaque !== undefined))
  if (!isReaching) return { ...fault, class: 'session-reset' }
  // Of a family that is not ours nothing is kept that could be withdrawn.
  const gone: Record<Family, Nlri[]> = { 4: [...update.withdrawn, ...nlri], 6: [] }
  if (mpReach !== undefined) gone[familyOf(mpReach.afi, mpReach.safi) ?? 4].push(...mpReach.nlri)
  if (mpUnreach !== undefined) gone[familyOf(mpUnreach.afi, mpUnreach.safi) ?? 4].push(...mpUnreach.withdrawn)
  const unreachable = { afi: afiOf(6), safi: unicast, withdrawn: gone[6] }
  return { ...update, withdrawn: gone[4], nlri: [], attributes: gone[6].length === 0 ? {} : { mpUnreach: unreachable } }
}

/** The message for one UPDATE; the caller sees to it that it is not longer than was negotiated. */
export function encodeUpdate(update: Omit<Update, 'faults'>, context: UpdateContext): Uint8Array {
  const withPathId = context.addPath.includes(4)
  const writer = new Writer(512)
  const endWithdrawn = writer.lengthOf(2)
  for (const each of update.withdrawn) writeNlri(writer, each, withPathId)
  endWithdrawn()
  const endAttributes = writer.lengthOf(2)
  writeAttributes(writer, update.attributes, context)
  endAttributes()
  for (const each of update.nlri) writeNlri(writer, each, withPathId)
  return frameMessage(messageTypes.update, writer.finish())
}

/** The family whose End-of-RIB marker this is (RFC 4724 §2), if it is one. */
export function endOfRibOf(update: Update): 4 | 6 | undefined {
  const { withdrawn, nlri, attributes, faults } = update
  if (withdrawn.length > 0 || nlri.length > 0 || faults.length > 0) return undefined
  const names = Object.keys(attributes)
  if (names.length === 0) return 4
  const unreachable = attributes.mpUnreach
  if (names.length > 1 || unreachable === undefined || unreachable.withdrawn.length > 0) return undefined
  return familyOf(unreachable.afi, unreachable.safi)
}

import { type WireError, updateError, updateSubcodes } from '../error.ts'
import type { Reader } from '../reader.ts'
import {
  type AttributeCodec,
  type AttributeName,
  type Attributes,
  type KnownAttributes,
  type UnknownAttribute,
  type UpdateContext,
  attributeFlags,
} from './attribute.ts'
import { codecs, nameByType, registeredNames } from './codecs.ts'

export interface ReadAttributes {
  readonly attributes: Attributes
  /** Damage in the order found; the caller acts on the worst. */
  readonly faults: readonly WireError[]
}

type Found = { -readonly [N in AttributeName]?: KnownAttributes[N] } & { unknown?: UnknownAttribute[] }

/** Reads the Path Attributes field, which `field` spans exactly. */
export function readAttributes(field: Reader, context: UpdateContext): ReadAttributes {
  const found: Found = {}
  const faults: WireError[] = []
  const seen = new Set<number>()
  while (field.remaining > 0) {
    const start = field.at
    const flags = field.u8()
    const type = field.u8()
    const length = (flags & attributeFlags.extendedLength) !== 0 ? field.u16() : field.u8()
    const value = field.within(length)
    if (field.short) {
      // RFC 7606 §4: the total length is trusted, so the NLRI behind can still be found; not so prefixes inside of the
      // attribute itself (§3 j).
      const errorClass = holdsPrefixes(type) ? 'session-reset' : 'treat-as-withdraw'
      const detail = `attribute ${type} runs over the end of the attributes`
      faults.push(updateError(errorClass, updateSubcodes.malformedAttributeList, detail))
      break
    }
    const fault = readOne(found, seen, { flags, type, value, whole: field.bytes.subarray(start, field.at) }, context)
    if (fault !== undefined) faults.push(fault)
    seen.add(type)
  }
  return { attributes: found, faults }
}

interface RawAttribute {
  readonly flags: number
  readonly type: number
  readonly value: Reader
  /** Flags, type, length and value: the data of most NOTIFICATIONs (RFC 4271 §6.3). */
  readonly whole: Uint8Array
}

function readOne(
  found: Found,
  seen: ReadonlySet<number>,
  raw: RawAttribute,
  context: UpdateContext,
): WireError | undefined {
  const name = nameByType.get(raw.type)
  if (seen.has(raw.type)) return repeated(raw.type, name)
  if (name === undefined) return readUnknown(found, raw)
  // RFC 7606 §7.5, §7.9, §7.10: of no meaning between ASes; RFC 6793 §4.1: of none between speakers of four octets.
  if (context.external && internalOnly.has(name)) return undefined
  if ((name === 'as4Path' || name === 'as4Aggregator') && context.fourOctetAs) return undefined
  return readKnown(found, name, raw, context)
}

const internalOnly: ReadonlySet<AttributeName> = new Set(['localPref', 'originatorId', 'clusterList'])

function holdsPrefixes(type: number): boolean {
  return type === codecs.mpReach.type || type === codecs.mpUnreach.type
}

function readKnown(
  found: Found,
  name: AttributeName,
  { flags, value, whole }: RawAttribute,
  context: UpdateContext,
): WireError | undefined {
  const codec: AttributeCodec<AttributeName> = codecs[name]
  const registered = registeredNames[name]
  const malformed = (subcode: number, what: string): WireError =>
    updateError(codec.whenMalformed, subcode, `${registered} ${what}`, whole.slice())
  const kind = flags & (attributeFlags.optional | attributeFlags.transitive)
  if (kind !== codec.flags) {
    // RFC 7606 §3 c.
    const errorClass = codec.whenMalformed === 'session-reset' ? 'session-reset' : 'treat-as-withdraw'
    return updateError(errorClass, updateSubcodes.attributeFlags, `${registered} with flags ${flags}`, whole.slice())
  }
  if (!codec.lengthIsValid(value.remaining, context)) {
    return malformed(updateSubcodes.attributeLength, `of ${value.remaining} octets`)
  }
  const read = codec.read(value, context)
  if (read === undefined || value.short) {
    return malformed(codec.subcode ?? updateSubcodes.optionalAttribute, 'is malformed')
  }
  Object.assign(found, { [name]: read })
  return undefined
}

// RFC 7606 §3 g: twice MP_REACH_NLRI or MP_UNREACH_NLRI ends the session; of any other, known or not, the first counts.
function repeated(type: number, name: AttributeName | undefined): WireError {
  const detail = `${name === undefined ? `attribute ${type}` : registeredNames[name]} stands twice`
  const errorClass = holdsPrefixes(type) ? 'session-reset' : 'attribute-discard'
  return updateError(errorClass, updateSubcodes.malformedAttributeList, detail)
}

function readUnknown(found: Found, { flags, type, value, whole }: RawAttribute): WireError | undefined {
  if ((flags & attributeFlags.optional) === 0) {
    // RFC 4271 §6.3.
    const detail = `unrecognized well-known attribute ${type}`
    return updateError('session-reset', updateSubcodes.unrecognizedWellKnown, detail, whole.slice())
  }
  found.unknown ??= []
  found.unknown.push({ flags, type, value: value.take(value.remaining).slice() })
  return undefined
}

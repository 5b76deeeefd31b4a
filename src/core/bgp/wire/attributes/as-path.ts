// AS_PATH, RFC 4271 §5.1.2, two octets an AS or four (RFC 6793 §4); AS4_PATH, RFC 6793 §3. Errors: RFC 7606 §7.2,
// RFC 6793 §6.
import { updateSubcodes } from '../error.ts'
import { asTrans } from '../open.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import { type AsPathSegment, type AttributeCodec, optionalTransitive, segmentTypes, wellKnown } from './attribute.ts'

export const asPath: AttributeCodec<'asPath'> = {
  type: 2,
  flags: wellKnown,
  whenMalformed: 'treat-as-withdraw',
  subcode: updateSubcodes.malformedAsPath,
  lengthIsValid: () => true,
  read: (value, { fourOctetAs }) => readSegments(value, fourOctetAs),
  write: (writer, segments, { fourOctetAs }) => writeSegments(writer, segments, fourOctetAs),
}

export const as4Path: AttributeCodec<'as4Path'> = {
  type: 17,
  flags: optionalTransitive,
  whenMalformed: 'attribute-discard',
  lengthIsValid: (length) => length >= 6 && length % 2 === 0,
  // RFC 6793 §6: confederation segments in it are discarded, the rest stays.
  read: (value) => readSegments(value, true)?.filter(({ type }) => type <= segmentTypes.sequence),
  write: (writer, segments) => writeSegments(writer, segments, true),
}

function readSegments(value: Reader, fourOctetAs: boolean): readonly AsPathSegment[] | undefined {
  const segments: AsPathSegment[] = []
  while (value.remaining > 0) {
    const type = value.u8()
    const count = value.u8()
    if (type < segmentTypes.set || type > segmentTypes.confedSet || count === 0) return undefined
    const octets = value.within(count * (fourOctetAs ? 4 : 2))
    if (value.short) return undefined
    const asNumbers: number[] = []
    while (octets.remaining > 0) asNumbers.push(fourOctetAs ? octets.u32() : octets.u16())
    segments.push({ type, asNumbers })
  }
  return segments
}

function writeSegments(writer: Writer, segments: readonly AsPathSegment[], fourOctetAs: boolean): void {
  for (const { type, asNumbers } of segments) {
    writer.u8(type)
    writer.u8(asNumbers.length)
    for (const as of asNumbers) {
      if (fourOctetAs) writer.u32(as)
      else writer.u16(as > 0xffff ? asTrans : as)
    }
  }
}

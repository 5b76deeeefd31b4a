import { Writer } from '../writer.ts'
import {
  type AttributeName,
  type Attributes,
  type KnownAttributes,
  type UpdateContext,
  attributeFlags,
} from './attribute.ts'
import { codecs } from './codecs.ts'

const order = Object.keys(codecs) as AttributeName[]

/** Writes the Path Attributes field without its length. */
export function writeAttributes(writer: Writer, attributes: Attributes, context: UpdateContext): void {
  for (const name of order) {
    const value = attributes[name]
    if (value !== undefined) writeOne(writer, name, value, context)
  }
  for (const { flags, type, value } of attributes.unknown ?? []) writeHeaded(writer, flags, type, value)
}

function writeOne<N extends AttributeName>(
  writer: Writer,
  name: N,
  value: KnownAttributes[N],
  context: UpdateContext,
): void {
  const codec = codecs[name]
  const body = new Writer(64)
  codec.write(body, value, context)
  writeHeaded(writer, codec.flags, codec.type, body.finish())
}

function writeHeaded(writer: Writer, flags: number, type: number, value: Uint8Array): void {
  const isLong = value.length > 255
  const kept = flags & ~attributeFlags.extendedLength
  writer.u8(isLong ? kept | attributeFlags.extendedLength : kept)
  writer.u8(type)
  if (isLong) writer.u16(value.length)
  else writer.u8(value.length)
  writer.raw(value)
}

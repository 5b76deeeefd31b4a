// Attributes that are a list of items of one size, and never empty.
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

/** `octets`: of one item. */
export function listOf<Item>(
  octets: number,
  readItem: (value: Reader) => Item,
  writeItem: (writer: Writer, item: Item) => void,
) {
  return {
    lengthIsValid: (length: number): boolean => length > 0 && length % octets === 0,
    read(value: Reader): readonly Item[] {
      const list: Item[] = []
      while (value.remaining > 0) list.push(readItem(value))
      return list
    },
    write(writer: Writer, list: readonly Item[]): void {
      for (const item of list) writeItem(writer, item)
    },
  }
}

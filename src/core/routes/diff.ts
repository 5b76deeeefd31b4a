/** What brings `present` to `wanted`: both keyed alike. */
export interface Difference<T> {
  readonly add: readonly T[]
  readonly remove: readonly T[]
}

export function differenceOf<T>(wanted: ReadonlyMap<string, T>, present: ReadonlyMap<string, T>): Difference<T> {
  const add: T[] = []
  const remove: T[] = []
  for (const [key, item] of wanted) if (!present.has(key)) add.push(item)
  for (const [key, item] of present) if (!wanted.has(key)) remove.push(item)
  return { add, remove }
}

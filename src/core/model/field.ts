// Reading fields of objects as they come from the API server: unknown shapes in, plain values out, never an exception.
// Only what the model needs is read, so that a field newer than us costs nothing and breaks nothing.

/** An object of the API as far as every kind has it. */
export interface KubeObjectLike {
  readonly apiVersion?: string | undefined
  readonly kind?: string | undefined
  readonly metadata?: unknown
  readonly [field: string]: unknown
}

type Fields = Readonly<Record<string, unknown>>

/** The object at `path` below `value`, or an empty one. */
export function objectAt(value: unknown, ...path: readonly string[]): Fields {
  let at: unknown = value
  for (const step of path) at = isObject(at) ? at[step] : undefined
  return isObject(at) ? at : {}
}

export function stringAt(value: unknown, ...path: readonly string[]): string | undefined {
  const at = last(value, path)
  return typeof at === 'string' && at !== '' ? at : undefined
}

export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const at = last(value, path)
  return typeof at === 'number' && Number.isFinite(at) ? at : undefined
}

export function booleanAt(value: unknown, ...path: readonly string[]): boolean | undefined {
  const at = last(value, path)
  return typeof at === 'boolean' ? at : undefined
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const at = last(value, path)
  return Array.isArray(at) ? at : []
}

export function stringsAt(value: unknown, ...path: readonly string[]): readonly string[] {
  return listAt(value, ...path).filter((item) => typeof item === 'string')
}

/** A map of strings; entries of other types are dropped. */
export function stringMapAt(value: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const map: Record<string, string> = {}
  for (const [key, item] of Object.entries(objectAt(value, ...path))) if (typeof item === 'string') map[key] = item
  return map
}

function last(value: unknown, path: readonly string[]): unknown {
  const key = path.at(-1)
  return key === undefined ? value : objectAt(value, ...path.slice(0, -1))[key]
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

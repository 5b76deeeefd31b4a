// RFC 6902, as far as it is needed: setting and removing entries of maps whose parents may be missing.

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove' | 'test'
  readonly path: string
  readonly value?: unknown
}

export type JsonPatch = readonly PatchOperation[]

/** A JSON pointer (RFC 6901): `~` and `/` within a step are escaped. */
export function pointer(...steps: readonly string[]): string {
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/**
 * Brings the string map at `path` from `current` to hold `changes`; undefined removes an entry. No operation for what is
 * so already. An empty `current` may be missing in the object: it is created whole.
 */
export function patchMap(
  path: readonly string[],
  current: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | undefined>>,
): JsonPatch {
  const differing = Object.entries(changes).filter(([key, value]) => current[key] !== value)
  if (Object.keys(current).length === 0) {
    const added = Object.fromEntries(differing.filter(([, value]) => value !== undefined))
    return Object.keys(added).length === 0 ? [] : [{ op: 'add', path: pointer(...path), value: added }]
  }
  return differing.map(([key, value]) => {
    const at = pointer(...path, key)
    if (value === undefined) return { op: 'remove', path: at }
    return { op: key in current ? 'replace' : 'add', path: at, value }
  })
}

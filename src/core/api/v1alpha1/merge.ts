// Differences between JSON values as merge patches (RFC 7396): an object lists what to set, null takes away, and
// everything that is no object, lists too, is replaced whole. Objects of the API have no null of their own.
import { sameValue } from '../../status/same-value.ts'
import { type Json, type Path, isJson, withValue } from './mapping.ts'

/** The patch that makes `to` of `from`; undefined when they are the same. */
export function differenceOf(from: unknown, to: unknown): unknown {
  if (to === undefined) return from === undefined ? undefined : null
  if (!isJson(from) || !isJson(to)) return sameValue(from, to) ? undefined : to
  const patch = new Map<string, unknown>()
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const difference = differenceOf(own(from, key), own(to, key))
    if (difference !== undefined) patch.set(key, difference)
  }
  return patch.size === 0 ? undefined : Object.fromEntries(patch)
}

export function merged(value: unknown, patch: unknown): unknown {
  if (!isJson(patch)) return patch
  const out = new Map(Object.entries(isJson(value) ? value : {}))
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) out.delete(key)
    else out.set(key, merged(out.get(key), change))
  }
  return Object.fromEntries(out)
}

/**
 * `value` with as much of `patch` as `accepts` allows: all of it, else each part of it that is accepted by itself, in
 * the order in which they stand.
 */
export function mergedWhere(
  value: Json,
  patch: Json,
  accepts: (candidate: Json, part: Json) => boolean,
  path: Path = [],
): Json {
  const part = path.length === 0 ? patch : withValue({}, path, patch)
  const whole = merged(value, part) as Json
  if (accepts(whole, part)) return whole
  let out = value
  for (const [key, change] of Object.entries(patch)) {
    const at = [...path, key]
    if (isJson(change) && Object.keys(change).length > 0) {
      out = mergedWhere(out, change, accepts, at)
      continue
    }
    const single = withValue({}, at, change)
    const candidate = merged(out, single) as Json
    if (accepts(candidate, single)) out = candidate
  }
  return out
}

// `__proto__` and its like are keys as any other in what comes from outside: hence maps above, and own keys here.
function own(value: Json, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined
}

// What one kind's two versions have in common. A body is an object without apiVersion, kind and metadata.

export type Json = Readonly<Record<string, unknown>>

/**
 * Both functions keep what the other version can say and drop the rest; neither looks at annotations. They must agree:
 * there and back and there again is the same as there, else a round trip is not without loss.
 */
export interface Mapping {
  readonly toV1alpha2: (v1alpha1: Json) => Json
  readonly toV1alpha1: (v1alpha2: Json) => Json
  /**
   * Carries what `said` says into those values of v1alpha2 that were kept aside and that v1alpha1 can say in part, so
   * that the rest of them need not be dropped.
   */
  readonly settle?: (kept: Json, said: Json) => Json
}

export type Path = readonly string[]

/** The same value under two names: path in v1alpha1, path in v1alpha2. */
export type Pair = readonly [Path, Path]

/** Both directions of a mapping that only renames. */
export function renaming(pairs: readonly Pair[]): Mapping {
  return {
    toV1alpha2: (body) => moved(body, pairs),
    toV1alpha1: (body) =>
      moved(
        body,
        pairs.map(([old, now]) => [now, old]),
      ),
  }
}

function moved(body: Json, pairs: readonly Pair[]): Json {
  // Both versions have a spec and a status; an empty one is one.
  let out: Json = Object.fromEntries(['spec', 'status'].filter((part) => isJson(body[part])).map((part) => [part, {}]))
  for (const [from, to] of pairs) {
    const value = valueAt(body, from)
    if (value !== undefined) out = withValue(out, to, value)
  }
  return out
}

export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) at = isJson(at) && Object.hasOwn(at, step) ? at[step] : undefined
  return at
}

/** A copy with the value at the path; what stands in its way is replaced. */
export function withValue(body: Json, path: Path, value: unknown): Json {
  const [step, ...rest] = path
  if (step === undefined) return body
  const inner = valueAt(body, [step])
  return { ...body, [step]: rest.length === 0 ? value : withValue(isJson(inner) ? inner : {}, rest, value) }
}

/** Whether it is an object, as JSON has them. */
export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

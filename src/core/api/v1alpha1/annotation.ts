// The annotations that carry what the other version cannot say: JSON of the fields that are missing there, null for one
// that must not be there. Whoever may write an object may write its annotations, so nothing in them is believed that a
// field of the version could not hold.
import { keptVersionAnnotations, objectAt } from '../../model/index.ts'
import { type Json, isJson } from './mapping.ts'

export type Version = 'v1alpha1' | 'v1alpha2'

/** Annotation of an object in the other version: what only `version` can say. */
export function annotationOf(version: Version): string {
  return keptVersionAnnotations[version === 'v1alpha1' ? 0 : 1]
}

/** Empty when there is none, or none that can be read. */
export function readKept(metadata: unknown, version: Version): Json {
  const text = objectAt(metadata, 'annotations')[annotationOf(version)]
  if (typeof text !== 'string') return {}
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) ? value : {}
  } catch {
    return {}
  }
}

/** The metadata with `kept` of `version` in its annotation, and without any other annotation of the two. */
export function withKept(metadata: Json, version: Version, kept: unknown): Json {
  const { annotations, ...rest } = metadata
  const others = Object.entries(isJson(annotations) ? annotations : {}).filter(
    ([name]) => name !== annotationOf('v1alpha1') && name !== annotationOf('v1alpha2'),
  )
  const all = kept === undefined ? others : [...others, [annotationOf(version), JSON.stringify(kept)] as const]
  const had = isJson(annotations) ? Object.keys(annotations).length : undefined
  if (all.length === 0 && had !== 0) return rest
  return { ...rest, annotations: Object.fromEntries(all) }
}

/** Whether every value in `patch` has the type that the structural schema gives it; what the schema does not know fits. */
export function fitsTypes(schema: unknown, patch: unknown): boolean {
  if (patch === null || !isJson(schema)) return true
  const { type, properties, additionalProperties, items } = schema
  switch (type) {
    case 'object': {
      if (!isJson(patch)) return false
      const known = isJson(properties) ? properties : {}
      return Object.entries(patch).every(([key, value]) =>
        fitsTypes(Object.hasOwn(known, key) ? known[key] : additionalProperties, value),
      )
    }
    case 'array':
      return Array.isArray(patch) && patch.every((item) => item !== null && fitsTypes(items, item))
    case 'integer':
      return Number.isSafeInteger(patch)
    case 'number':
    case 'string':
    case 'boolean':
      return typeof patch === type
    default:
      return true
  }
}

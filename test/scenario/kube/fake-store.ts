// What the fake API server holds: objects, one counter of versions, the history that watches are served from.
import { applyPatch, type Operation } from 'rfc6902'

import type { KubeObject, Resource } from '../../../src/io/kube/interface.ts'

export interface Change {
  readonly version: number
  readonly collection: string
  readonly key: string
  readonly before: KubeObject | undefined
  readonly after: KubeObject | undefined
}

export interface Selectors {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

export interface FakeStore {
  version(): number
  get(collection: string, key: string): KubeObject | undefined
  list(collection: string, selectors: Selectors): readonly KubeObject[]
  /** Stores under the next version; undefined deletes. */
  put(collection: string, key: string, object: KubeObject | undefined): KubeObject | undefined
  changesAfter(version: number): readonly Change[]
  /** Forgets the history up to now: older versions are Gone. */
  compact(): void
  oldestVersion(): number
  onChange(listener: (change: Change) => void): void
}

export function collectionOf({ group, plural }: Pick<Resource, 'group' | 'plural'>): string {
  return `${group}/${plural}`
}

export function openStore(): FakeStore {
  const collections = new Map<string, Map<string, KubeObject>>()
  const listeners: ((change: Change) => void)[] = []
  let history: Change[] = []
  let version = 100
  let oldest = 100

  function collectionOf(name: string): Map<string, KubeObject> {
    const known = collections.get(name) ?? new Map<string, KubeObject>()
    collections.set(name, known)
    return known
  }

  return {
    version: () => version,
    oldestVersion: () => oldest,
    get: (collection, key) => collectionOf(collection).get(key),
    list: (collection, selectors) =>
      [...collectionOf(collection).entries()]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => object)
        .filter((object) => isSelected(object, selectors)),
    put(collection, key, object) {
      const objects = collectionOf(collection)
      const before = objects.get(key)
      if (object === undefined && before === undefined) return undefined
      version++
      const stamped = stamp(object ?? before!, before, version)
      const after = object === undefined ? undefined : stamped
      if (after === undefined) objects.delete(key)
      else objects.set(key, after)
      // A deletion has a version too: that of the last state in its event.
      const change = { version, collection, key, before: after === undefined ? stamped : before, after }
      history.push(change)
      for (const listener of listeners) listener(change)
      return after
    },
    changesAfter: (from) => history.filter((change) => change.version > from),
    compact() {
      history = []
      oldest = version
    },
    onChange: (listener) => void listeners.push(listener),
  }
}

function stamp(object: KubeObject, before: KubeObject | undefined, version: number): KubeObject {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      uid: before?.metadata.uid ?? `uid-${version}`,
      creationTimestamp: before?.metadata.creationTimestamp ?? new Date().toISOString(),
      resourceVersion: String(version),
    },
  }
}

/** Equality and presence, and their contraries for labels, which is what Bellhop selects by. */
export function isSelected(object: KubeObject, { namespace, labelSelector, fieldSelector }: Selectors): boolean {
  const { metadata } = object
  if (namespace !== undefined && metadata.namespace !== namespace) return false
  return (
    (labelSelector ?? '')
      .split(',')
      .filter((term) => term !== '')
      .every((term) => isLabelled(metadata.labels ?? {}, term)) &&
    terms(fieldSelector).every(([key, value]) => {
      const field = key
        .split('.')
        .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], object)
      return field === value
    })
  )
}

function isLabelled(labels: Readonly<Record<string, string>>, term: string): boolean {
  if (term.startsWith('!')) return !(term.slice(1) in labels)
  const [key = '', value] = term.split(/!=|==?/)
  if (value === undefined) return key in labels
  // A label that is not there is unequal to any value.
  return term.includes('!=') ? labels[key] !== value : labels[key] === value
}

function terms(selector: string | undefined): readonly (readonly [string, string | undefined])[] {
  if (selector === undefined || selector === '') return []
  return selector.split(',').map((term) => {
    const [key = '', value] = term.split(/==?/)
    return [key, value] as const
  })
}

export type PatchOutcome =
  | { readonly ok: true; readonly object: KubeObject }
  | { readonly ok: false; readonly status: number; readonly message: string }

/**
 * Applies a patch as its content type says. With `subresource` only that field is taken from the outcome, without it
 * `status` is kept. Server-side apply is a merge here: it knows no field owners and never conflicts.
 */
export function patched(
  object: KubeObject,
  contentType: string,
  patch: unknown,
  subresource: string | undefined,
): PatchOutcome {
  const next = structuredClone(object) as unknown as Record<string, unknown>
  if (contentType.startsWith('application/json-patch')) {
    const failure = applyPatch(next, patch as Operation[]).find((outcome) => outcome !== null)
    if (failure !== undefined)
      return { ok: false, status: 422, message: `the JSON patch does not apply: ${failure.message}` }
  } else {
    merge(next, patch as Record<string, unknown>)
  }
  const { metadata } = patch as { metadata?: { resourceVersion?: string } }
  const expected = Array.isArray(patch) ? undefined : metadata?.resourceVersion
  if (expected !== undefined && expected !== object.metadata.resourceVersion)
    return { ok: false, status: 409, message: 'the object has been modified' }
  const kept =
    subresource === undefined ? { ...next, status: object['status'] } : { ...object, [subresource]: next[subresource] }
  return { ok: true, object: kept as unknown as KubeObject }
}

/** RFC 7396. */
function merge(target: Record<string, unknown>, patch: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key]
    else if (typeof value === 'object' && !Array.isArray(value)) {
      const inner = target[key]
      const into = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {}
      target[key] = into
      merge(into as Record<string, unknown>, value as Record<string, unknown>)
    } else target[key] = value
  }
}

// An API server in memory, as far as a KubeClient sees it: one revision per write, names that are locks, preconditions,
// label selectors, the field selector of names, and lists at an exact revision (a list with `resourceVersion` and `limit`). Faults are put in by
// `before`.
import type {
  Answer,
  KubeClient,
  KubeError,
  KubeErrorCode,
  KubeList,
  KubeObject,
  ObjectRef,
  Resource,
} from '../../../src/io/kube/interface.ts'

export type Verb = 'get' | 'list' | 'create' | 'patch' | 'delete'

export interface Call {
  readonly verb: Verb
  readonly plural: string
  readonly name: string
}

/** What is done to a call: refused before it happens, or its answer lost after it happened. */
export type Fault = { readonly kind: 'refuse' | 'loseAnswer'; readonly error: KubeError }

export interface FakeCluster {
  readonly client: KubeClient
  readonly calls: Call[]
  /** Awaited before a call takes effect: a place to hold calls back, or to let one fail. */
  before: (call: Call) => Promise<Fault | undefined> | Fault | undefined
  put(resource: Resource, object: KubeObject): KubeObject
  object(resource: Resource, name: string, namespace?: string): KubeObject | undefined
  objects(resource: Resource): readonly KubeObject[]
}

interface Revision {
  readonly revision: number
  readonly objects: ReadonlyMap<string, KubeObject>
}

export function openFakeCluster(): FakeCluster {
  let revision = 100
  let objects = new Map<string, KubeObject>()
  const history: Revision[] = []
  const calls: Call[] = []
  const keyOf = ({ plural }: Resource, namespace: string | undefined, name: string): string =>
    `${plural}/${namespace ?? ''}/${name}`

  const store = (key: string, object: KubeObject | undefined): void => {
    revision += 1
    objects = new Map(objects)
    if (object === undefined) objects.delete(key)
    else objects.set(key, object)
    history.push({ revision, objects })
  }
  const put = (resource: Resource, object: KubeObject): KubeObject => {
    const { metadata } = object
    const key = keyOf(resource, metadata.namespace, metadata.name ?? '')
    const stored: KubeObject = {
      ...object,
      metadata: {
        ...metadata,
        uid: metadata.uid ?? `uid-${revision + 1}`,
        creationTimestamp: metadata.creationTimestamp ?? '2026-11-21T12:00:00Z',
        resourceVersion: String(revision + 1),
      },
    }
    store(key, stored)
    return stored
  }

  const cluster: FakeCluster = {
    calls,
    before: () => undefined,
    put,
    object: (resource, name, namespace) => objects.get(keyOf(resource, namespace, name)),
    objects: ({ plural }) => [...objects].filter(([key]) => key.startsWith(`${plural}/`)).map(([, object]) => object),
    client: {
      get: (ref) =>
        run('get', ref.resource, ref.name, () => {
          const object = objects.get(keyOf(ref.resource, ref.namespace, ref.name))
          return object === undefined ? failure('NotFound') : { ok: true, value: object }
        }),
      list: (resource, options = {}) =>
        run('list', resource, '', () => {
          const exact = options.resourceVersion !== undefined && options.limit !== undefined
          const seen = exact
            ? (history.find((entry) => entry.revision === Number(options.resourceVersion))?.objects ?? new Map())
            : objects
          const wanted = (options.labelSelector ?? '').split(',').filter((term) => term !== '')
          const name = /^metadata\.name=(.*)$/.exec(options.fieldSelector ?? '')?.[1]
          const items = [...seen]
            .filter(([key]) => key.startsWith(`${resource.plural}/`))
            .map(([, object]) => object as KubeObject)
            .filter(({ metadata }) => name === undefined || metadata.name === name)
            .filter(({ metadata }) =>
              wanted.every((term) => {
                const [label = '', value] = term.split('=')
                return metadata.labels?.[label] === value
              }),
            )
          return { ok: true, value: { items, resourceVersion: String(revision) } satisfies KubeList }
        }),
      create: (resource, object, options = {}) =>
        run('create', resource, object.metadata.name ?? '', () => {
          const key = keyOf(resource, object.metadata.namespace, object.metadata.name ?? '')
          if (objects.has(key)) return failure('AlreadyExists')
          return { ok: true, value: options.dryRun === true ? object : put(resource, object) }
        }),
      patch: (ref, options) =>
        run('patch', ref.resource, ref.name, () => {
          const before = objects.get(keyOf(ref.resource, ref.namespace, ref.name))
          if (before === undefined) return failure('NotFound')
          const after =
            options.type === 'json' ? applyJsonPatch(before, options.body) : applyMergePatch(before, options.body)
          if (after === undefined) return failure('Invalid')
          const wanted = (after as KubeObject).metadata.resourceVersion
          if (wanted !== before.metadata.resourceVersion) return failure('Conflict')
          return { ok: true, value: put(ref.resource, after as KubeObject) }
        }),
      replace: () => Promise.resolve(failure('Invalid')),
      delete: (ref, options = {}) =>
        run('delete', ref.resource, ref.name, () => {
          const key = keyOf(ref.resource, ref.namespace, ref.name)
          const before = objects.get(key)
          if (before === undefined) return failure('NotFound')
          const { uid, resourceVersion } = before.metadata
          if (options.uid !== undefined && options.uid !== uid) return failure('Conflict')
          if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
            return failure('Conflict')
          }
          store(key, undefined)
          return { ok: true, value: undefined }
        }),
      watch: () => {
        const { promise: ended, resolve } = Promise.withResolvers<Answer<void>>()
        return { ended, stop: () => resolve({ ok: true, value: undefined }) }
      },
      close: () => {},
    },
  }

  async function run<T>(verb: Verb, { plural }: Resource, name: string, effect: () => Answer<T>): Promise<Answer<T>> {
    const call = { verb, plural, name }
    calls.push(call)
    await new Promise((resolve) => setImmediate(resolve))
    const fault = await cluster.before(call)
    if (fault?.kind === 'refuse') return { ok: false, error: fault.error }
    const answer = effect()
    return fault === undefined ? answer : { ok: false, error: fault.error }
  }
  return cluster
}

export function failure(
  code: KubeErrorCode,
  message: string = code,
): { readonly ok: false; readonly error: KubeError } {
  return { ok: false, error: { code, message } }
}

export function refOf(resource: Resource, name: string, namespace?: string): ObjectRef {
  return { resource, name, namespace }
}

// RFC 7396.
function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = applyMergePatch(result[key], value)
  }
  return result
}

// RFC 6902: test, add, replace and remove on members and list items. Undefined: it does not apply.
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  const result: unknown = structuredClone(document)
  for (const { op, path, value } of patch as { op: string; path: string; value?: unknown }[]) {
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = steps.pop()
    if (last === undefined) return undefined
    let parent: unknown = result
    for (const step of steps) parent = (parent as Record<string, unknown> | undefined)?.[step]
    if (typeof parent !== 'object' || parent === null) return undefined
    const at = parent as Record<string, unknown>
    if (op === 'test') {
      if (JSON.stringify(at[last]) !== JSON.stringify(value)) return undefined
    } else if (op === 'remove') {
      if (!(last in at)) return undefined
      delete at[last]
    } else if (Array.isArray(parent) && last === '-') parent.push(value)
    else at[last] = value
  }
  return result
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

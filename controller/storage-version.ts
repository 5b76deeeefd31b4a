// Objects of our kinds that were stored as v1alpha1, by OpenELB or Porter, are written once more and so stored as
// v1alpha2 (Kubernetes, "Versions in CustomResourceDefinitions", upgrade existing objects). Until then the API server
// asks the webhook to convert them each time that they are read; after it, nothing but clients of v1alpha1 needs it.
//
//   1. the definition says in status.storedVersions in what versions there may be objects: only v1alpha2, then it ends
//   2. every object is patched with nothing, which is no write to the API server unless it would be stored differently;
//      only field owners of v1alpha1 (managedFields) become owners of v1alpha2: for their sake the API server would have
//      each object that is written converted, there and back
//   3. when all of them are through, v1alpha1 is taken out of status.storedVersions
//
// Never: a write where status.storedVersions does not name another version; a patch that says anything else.
import type { PatchOperation } from '../src/core/admission/index.ts'
import { group, listAt, stringAt, stringsAt } from '../src/core/model/index.ts'
import {
  type KubeError,
  type KubeObject,
  type Resource,
  type WorkOutcome,
  apiVersionOf,
  bgpConfs,
  bgpPeers,
  customResourceDefinitions,
  eips,
  openWorkQueue,
} from '../src/io/kube/index.ts'
import { type Duty, type Leading, queueTimes } from './duty.ts'
import { outcomeOf } from './outcome.ts'

const kinds: ReadonlyMap<string, Resource> = new Map(
  [eips, bgpConfs, bgpPeers].map((resource) => [`${resource.plural}.${group}`, resource]),
)
const pageSize = 100
/** An object that the API server refuses has to be mended by somebody first. */
const refusedAgainMs = 60_000

export function keepStorageVersion(leading: Leading): Duty {
  const { client, clock, random, log } = leading
  const queue = openWorkQueue({
    work: migrate,
    workers: 1,
    clock,
    random,
    log,
    ...queueTimes(leading, 'storage-version'),
  })
  let stopped = false

  async function migrate(definition: string): Promise<WorkOutcome> {
    const resource = kinds.get(definition)
    if (resource === undefined) return 'done'
    const ref = { resource: customResourceDefinitions, name: definition }
    const found = await client.get(ref)
    if (!found.ok) return found.error.code === 'NotFound' ? 'done' : outcomeOf(found.error)
    const stored = stringsAt(found.value, 'status', 'storedVersions')
    if (stored.every((version) => version === resource.version)) return 'done'
    const storage = listAt(found.value, 'spec', 'versions').find((version) => isStorage(version))
    // A definition that is not ours: what is written would be stored as it was.
    if (stringAt(storage, 'name') !== resource.version) return 'done'
    const rewritten = await rewriteAll(resource)
    if (!rewritten.ok) {
      log.warn('objects of an old version are not rewritten', { definition, reason: rewritten.error.message })
      return rewritten.error.code === 'Invalid' || rewritten.error.code === 'Forbidden'
        ? { retryAfterMs: refusedAgainMs }
        : outcomeOf(rewritten.error)
    }
    const path = '/status/storedVersions'
    const body = [
      { op: 'test', path, value: stored },
      { op: 'replace', path, value: [resource.version] },
    ]
    const written = await client.patch(ref, { type: 'json', body, subresource: 'status' })
    if (!written.ok) return outcomeOf(written.error)
    log.info('everything is stored in one version', {
      definition,
      before: stored.join(),
      version: resource.version,
      objects: rewritten.count,
    })
    return 'done'
  }

  async function rewriteAll(
    resource: Resource,
  ): Promise<{ readonly ok: true; readonly count: number } | { readonly ok: false; readonly error: KubeError }> {
    let count = 0
    let next: string | undefined
    do {
      const page = await client.list(resource, { limit: pageSize, continue: next })
      if (!page.ok) return page
      for (const object of page.value.items) {
        if (stopped) return { ok: false, error: { code: 'Conflict', message: 'this replica leads no more' } }
        const { name = '' } = object.metadata
        const body = withOwnersOf(resource, object)
        const patch = body.length > 0 ? { type: 'json' as const, body } : { type: 'merge' as const, body: {} }
        const written = await client.patch({ resource, name }, patch)
        if (!written.ok && written.error.code !== 'NotFound') return written
        count++
      }
      next = page.value.continue
    } while (next !== undefined && next !== '')
    return { ok: true, count }
  }

  for (const definition of kinds.keys()) queue.add(definition)
  return {
    depth: () => queue.depth(),
    async stop() {
      stopped = true
      await queue.stop()
    },
  }
}

/** Field owners of another version become owners of this one; fails when the owners have changed. */
export function withOwnersOf(
  resource: Resource,
  { metadata }: Pick<KubeObject, 'metadata'>,
): readonly PatchOperation[] {
  const wanted = apiVersionOf(resource)
  return listAt(metadata, 'managedFields').flatMap((entry, index): readonly PatchOperation[] => {
    const path = `/metadata/managedFields/${index}`
    const version = stringAt(entry, 'apiVersion')
    if (version === undefined || version === wanted) return []
    return [
      { op: 'test', path, value: entry },
      { op: 'replace', path: `${path}/apiVersion`, value: wanted },
    ]
  })
}

function isStorage(version: unknown): boolean {
  return typeof version === 'object' && version !== null && (version as { storage?: unknown }).storage === true
}

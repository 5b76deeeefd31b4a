// A KubeClient on objects in memory, which counts what it is asked: for hundreds of programs in one process, without the
// connections that they would have.
import type { Answer, KubeClient, KubeErrorCode, KubeObject, Watch, WatchEvent } from '../../src/io/kube/index.ts'
import { keyOfRef } from '../../src/io/kube/index.ts'
import type { Clock } from '../../src/io/process/clock.ts'
import { type Change, type FakeStore, collectionOf, isSelected, patched } from '../scenario/kube/fake-store.ts'

export interface CountedClient extends KubeClient {
  /** `watch services`, `patch leases` … → how many since the last call. */
  takeCounts(): ReadonlyMap<string, number>
}

const patchTypes = { json: 'application/json-patch+json', merge: 'application/merge-patch+json', apply: '' } as const

export function countedClient(store: FakeStore, clock: Clock): CountedClient {
  let counts = new Map<string, number>()
  const watches = new Set<(change: Change) => void>()
  store.onChange((change) => {
    for (const hear of watches) hear(change)
  })
  const count = (verb: string, { plural }: { readonly plural: string }): void => {
    counts.set(`${verb} ${plural}`, (counts.get(`${verb} ${plural}`) ?? 0) + 1)
  }
  // Nobody is answered before the request is through.
  const answer = async <T>(value: T | undefined, code: KubeErrorCode = 'NotFound'): Promise<Answer<T>> => {
    await Promise.resolve()
    return value === undefined ? { ok: false, error: { code, message: code } } : { ok: true, value }
  }

  return {
    takeCounts() {
      const taken = counts
      counts = new Map()
      return taken
    },
    get(ref) {
      count('get', ref.resource)
      return answer(store.get(collectionOf(ref.resource), keyOfRef(ref)))
    },
    list(resource, options = {}) {
      count('list', resource)
      return answer({
        items: store.list(collectionOf(resource), options),
        resourceVersion: String(store.version()),
      })
    },
    create(resource, object) {
      count('create', resource)
      const key = keyOfRef({ namespace: object.metadata.namespace, name: object.metadata.name ?? '' })
      const isThere = store.get(collectionOf(resource), key) !== undefined
      return answer(isThere ? undefined : store.put(collectionOf(resource), key, object), 'AlreadyExists')
    },
    patch(ref, { type, body, subresource }) {
      count('patch', ref.resource)
      const key = keyOfRef(ref)
      const known = store.get(collectionOf(ref.resource), key)
      if (known === undefined) return answer<KubeObject>(undefined)
      const outcome = patched(known, patchTypes[type], body, subresource)
      return answer(outcome.ok ? store.put(collectionOf(ref.resource), key, outcome.object) : undefined, 'Invalid')
    },
    replace(ref, object) {
      count('replace', ref.resource)
      return answer(store.put(collectionOf(ref.resource), keyOfRef(ref), object))
    },
    async delete(ref) {
      count('delete', ref.resource)
      store.put(collectionOf(ref.resource), keyOfRef(ref), undefined)
      return { ok: true, value: undefined }
    },
    watch(resource, { resourceVersion, timeoutSeconds, ...selection }, onEvent) {
      count('watch', resource)
      const collection = collectionOf(resource)
      const hear = (change: Change): void => {
        if (change.collection !== collection) return
        const was = change.before !== undefined && isSelected(change.before, selection)
        const is = change.after !== undefined && isSelected(change.after, selection)
        if (is && change.after !== undefined) onEvent({ type: was ? 'MODIFIED' : 'ADDED', object: change.after })
        else if (was && change.before !== undefined) onEvent({ type: 'DELETED', object: change.before })
      }
      for (const change of store.changesAfter(Number(resourceVersion))) hear(change)
      watches.add(hear)
      return lastingWatch(clock, timeoutSeconds, onEvent, () => {
        watches.delete(hear)
        return String(store.version())
      })
    },
    close: () => {},
  }
}

/** Ends in good order when its time is over, with a bookmark as the real one sends. */
function lastingWatch(
  clock: Clock,
  timeoutSeconds: number,
  onEvent: (event: WatchEvent) => void,
  end: () => string,
): Watch {
  let finish: (answer: Answer<void>) => void = () => {}
  const ended = new Promise<Answer<void>>((resolve) => (finish = resolve))
  const timer = clock.after(timeoutSeconds * 1000, () => {
    const metadata = { resourceVersion: end() }
    onEvent({ type: 'BOOKMARK', object: { apiVersion: '', kind: '', metadata } })
    finish({ ok: true, value: undefined })
  })
  return {
    ended,
    stop: () => {
      timer.cancel()
      end()
      finish({ ok: true, value: undefined })
    },
  }
}

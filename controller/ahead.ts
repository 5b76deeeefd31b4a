// Services as our own writes left them, until the watch has caught up: whoever judges a Service right after it was
// written must not judge what it was before, and write the same again.
import type { Service } from '../src/core/model/index.ts'
import { type Store, isOlderVersion } from '../src/io/kube/index.ts'

export interface Ahead {
  /** The newest that is known: what a write was answered with, or what the watch has brought. */
  of(key: string): Service | undefined
  /** What a write was answered with. */
  note(key: string, service: Service): void
  forget(key: string): void
}

export function openAhead(seen: Pick<Store<Service>, 'get'>): Ahead {
  const written = new Map<string, Service>()
  return {
    of(key) {
      const watched = seen.get(key)
      const answered = written.get(key)
      if (answered === undefined) return watched
      if (watched !== undefined && isOlderVersion(watched.resourceVersion, answered.resourceVersion)) return answered
      written.delete(key)
      return watched
    },
    note: (key, service) => void written.set(key, service),
    forget: (key) => void written.delete(key),
  }
}

// A client whose writes end with the term of a leader: once closed, nothing more is sent, whatever work is still under
// way. What was sent before may still arrive; the election leaves it the time (renewDeadline before leaseDuration).
import type { Answer, KubeClient } from '../src/io/kube/index.ts'

export interface Fence {
  readonly client: KubeClient
  isOpen(): boolean
  close(): void
}

/** Reads pass also after `close`; writes then answer Conflict. */
export function openFence(client: KubeClient): Fence {
  let open = true
  const guarded = <T>(write: () => Promise<Answer<T>>): Promise<Answer<T>> =>
    open
      ? write()
      : Promise.resolve({ ok: false, error: { code: 'Conflict', message: 'this replica leads no more; not written' } })
  return {
    client: {
      ...client,
      create: (resource, object, options) => guarded(() => client.create(resource, object, options)),
      patch: (ref, options) => guarded(() => client.patch(ref, options)),
      replace: (ref, object, options) => guarded(() => client.replace(ref, object, options)),
      delete: (ref, options) => guarded(() => client.delete(ref, options)),
    },
    isOpen: () => open,
    close: () => void (open = false),
  }
}

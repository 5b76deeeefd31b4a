// One watch as the fake API server serves it, and what a test may do to it.
import type { ServerResponse } from 'node:http'

import type { Seen } from './fake-api-server.ts'
import { type Change, type FakeStore, type Selectors, isSelected } from './fake-store.ts'

export interface OpenWatch {
  readonly seen: Seen
  isOpen(): boolean
  /** Ends it in good order, as at timeoutSeconds. */
  end(): void
  reset(): void
  /** From now on silent, without an end: a connection that died without a FIN. */
  freeze(): void
  /** As it is, line end included or not. */
  write(text: string): void
}

export interface ServedWatch extends OpenWatch {
  send(change: Change): void
  bookmark(): void
}

export interface WatchToServe {
  readonly store: FakeStore
  readonly seen: Seen
  readonly collection: string
  readonly selectors: Selectors
  readonly response: ServerResponse
}

/** Sends what has changed since the version asked for. Undefined: that version is forgotten, and the answer has ended. */
export function openServedWatch({
  store,
  seen,
  collection,
  selectors,
  response,
}: WatchToServe): ServedWatch | undefined {
  const from = Number(seen.query['resourceVersion'])
  let frozen = false
  let open = true
  response.on('close', () => (open = false))
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  const writeEvent = (type: string, object: unknown): void => {
    if (!frozen) response.write(`${JSON.stringify({ type, object })}\n`)
  }
  if (from < store.oldestVersion()) {
    const message = `too old resource version: ${from}`
    writeEvent('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message })
    response.end()
    return undefined
  }
  const watch: ServedWatch = {
    seen,
    isOpen: () => open,
    end: () => void response.end(),
    reset: () => void response.socket?.resetAndDestroy(),
    freeze: () => void (frozen = true),
    write: (text) => void response.write(text),
    bookmark: () => writeEvent('BOOKMARK', { kind: '', metadata: { resourceVersion: String(store.version()) } }),
    send(change) {
      if (change.collection !== collection) return
      const was = change.before !== undefined && isSelected(change.before, selectors)
      const is = change.after !== undefined && isSelected(change.after, selectors)
      if (is) writeEvent(was ? 'MODIFIED' : 'ADDED', change.after)
      else if (was) {
        const { metadata } = change.before
        writeEvent('DELETED', {
          ...change.before,
          metadata: { ...metadata, resourceVersion: String(change.version) },
        })
      }
    },
  }
  for (const change of store.changesAfter(from)) watch.send(change)
  return watch
}

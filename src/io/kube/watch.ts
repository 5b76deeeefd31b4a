// One watch request: from the answer's head to the last line of its stream. Every way it can end ends in `ended`,
// once; a connection that has died without a word is found by time limits.
import type { IncomingMessage } from 'node:http'

import { stringAt } from '../../core/model/field.ts'
import type { Clock, Timer } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { kubeError, readErrorEvent } from './error.ts'
import type { Answer, KubeError, KubeObject, Resource, Watch, WatchEvent, WatchOptions } from './interface.ts'
import { openLineReader } from './lines.ts'
import type { Outages } from './outage.ts'
import { resourcePath, withQuery } from './path.ts'
import { type Transport, nameOf } from './transport.ts'

export interface OpenWatchOptions extends WatchOptions {
  readonly resource: Resource
  readonly onEvent: (event: WatchEvent) => void
  readonly outages: Outages
  readonly clock: Clock
  readonly log: Log
}

// The head comes at once, or after the 3 s for which the server waits for a resourceVersion it has not seen yet.
const headTimeoutMs = 30_000
/** The server ends a watch after timeoutSeconds; one that is still there so much later is dead. */
const overtimeMs = 15_000
/**
 * Bookmarks come about once a minute. A server that has sent one and then nothing for so long is taken for dead: a
 * needless new watch costs one request, a dead one that is believed costs minutes of stale view.
 */
const silenceMs = 180_000
/**
 * After the server was away, a stream that says nothing for so long is taken up anew (outage.ts); spread, since all
 * watches of all clients come to it at the same time.
 */
const doubtMs = { min: 10_000, spread: 10_000 }
// An object in etcd is below 1.5 MiB; a line much longer is no event.
const maxLineBytes = 32 * 1024 * 1024

export function openWatch(transport: Transport, options: OpenWatchOptions): Watch {
  const { resource, namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, onEvent } = options
  const { outages, clock } = options
  const path = withQuery(resourcePath(resource, { namespace }), {
    watch: 1,
    allowWatchBookmarks: true,
    resourceVersion,
    timeoutSeconds,
    labelSelector,
    fieldSelector,
  })
  const name = `watch ${nameOf('GET', path)}`
  const abort = new AbortController()
  let finish: (answer: Answer<void>) => void = () => {}
  const ended = new Promise<Answer<void>>((resolve) => (finish = resolve))
  let over = false
  let overtime: Timer | undefined
  let silence: Timer | undefined
  let doubt: Timer | undefined
  let endListening = (): void => {}

  function end(error?: KubeError): void {
    if (over) return
    over = true
    overtime?.cancel()
    silence?.cancel()
    doubt?.cancel()
    endListening()
    abort.abort()
    finish(error === undefined ? { ok: true, value: undefined } : { ok: false, error })
  }

  function follow(response: IncomingMessage): void {
    const reader = openLineReader(takeLine, maxLineBytes)
    overtime = clock.after(timeoutSeconds * 1000 + overtimeMs, () =>
      end(kubeError('Timeout', name, `still open ${overtimeMs} ms after its time`)),
    )
    const begunMs = clock.nowMs()
    endListening = outages.listen((lastFailureMs) => {
      if (begunMs > lastFailureMs) return
      doubt ??= clock.after(doubtMs.min + Math.random() * doubtMs.spread, () =>
        end(kubeError('Unreachable', name, 'silent since the server is back')),
      )
    })
    response.on('data', (chunk: Buffer) => {
      doubt?.cancel()
      doubt = undefined
      if (over) return
      if (!reader.push(chunk)) end(kubeError('MalformedAnswer', name, `a line of more than ${maxLineBytes} bytes`))
    })
    response.on('end', () => {
      if (reader.pendingBytes > 0) end(kubeError('Unreachable', name, 'the stream ended within a line'))
      end()
    })
    response.on('error', (error) => end(kubeError('Unreachable', name, error.message)))
    response.on('close', () => end(kubeError('Unreachable', name, 'the connection broke')))
  }

  function takeLine(line: string): void {
    if (over || line === '') return
    const event = parseEvent(line)
    if (event === undefined) return end(kubeError('MalformedAnswer', name, `not an event: ${line.slice(0, 200)}`))
    if (event.type === 'ERROR') return end(readErrorEvent(name, event.object, clock.wallMs()))
    if (event.type === 'BOOKMARK' || silence !== undefined) {
      silence?.cancel()
      silence = clock.after(silenceMs, () => end(kubeError('Timeout', name, `silent for ${silenceMs} ms`)))
    }
    onEvent({ type: event.type, object: event.object as KubeObject })
  }

  void transport.open({ method: 'GET', path, timeoutMs: headTimeoutMs }, abort.signal).then((head) => {
    if (!head.ok) return end(over ? undefined : head.error)
    if (over) return void head.value.destroy()
    return follow(head.value)
  })
  return { ended, stop: () => end() }
}

interface RawEvent {
  readonly type: WatchEvent['type'] | 'ERROR'
  readonly object: unknown
}

const eventTypes: readonly string[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']

function parseEvent(line: string): RawEvent | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const type = stringAt(value, 'type')
  if (type === undefined || !eventTypes.includes(type)) return undefined
  const { object } = value as { object: unknown }
  // Without a version the watch could not be taken up again after this event; without a name there is no key.
  const named = type === 'BOOKMARK' || stringAt(object, 'metadata', 'name') !== undefined
  if (type !== 'ERROR' && !(named && stringAt(object, 'metadata', 'resourceVersion') !== undefined)) return undefined
  return { type: type as RawEvent['type'], object }
}

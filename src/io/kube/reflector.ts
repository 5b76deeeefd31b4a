// A view of one resource that stays true: list, watch from there, take up again after every way a watch can end, list
// anew when the server has forgotten where we were. There is no state in which it has given up.
//
// Other informers taught what must not happen: dead for good after one ECONNRESET, a 503 on the second watch or a
// first list that failed; "started" although nothing was listed; a handler's exception ending the process.
import { pause } from '../process/clock.ts'
import { retryDelayMs } from './backoff.ts'
import type {
  Answer,
  KubeClient,
  KubeError,
  KubeObject,
  Reflector,
  ReflectorOptions,
  Store,
  Watch,
  WatchEvent,
} from './interface.ts'
import { keyOfRef } from './resources.ts'

const pageSize = 500
// With the pause before the next one still less than a minute: a list that was asked for as the server went is lost.
const listTimeoutMs = 45_000
// Spread, so that watches which began together (the API server came back) do not end together.
const watchSeconds = { min: 300, spread: 300 }
// A server that is back should be noticed soon: 10 s at most, as a request in 10 s from each is no load.
const backoff = { minMs: 200, maxMs: 10_000 }
// A watch that lived so long was healthy: what ends it is the first failure of a new row.
const healthyMs = 10_000
const sameWarningMs = 60_000

interface Entry<T> {
  readonly value: T
  readonly resourceVersion: string
}

export function openReflector<T>(client: KubeClient, options: ReflectorOptions<T>): Reflector<T> {
  const { resource, namespace, labelSelector, fieldSelector, read, onChange, clock, random = Math.random } = options
  const selection = { namespace, labelSelector, fieldSelector }
  const log = options.log.child({ resource: resource.plural })
  let entries = new Map<string, Entry<T>>()
  const stopping = new AbortController()
  let watch: Watch | undefined
  let synced = false
  let resolveSynced: () => void = () => {}
  const whenSynced = new Promise<void>((resolve) => (resolveSynced = resolve))
  /** Where the watch goes on; undefined: list first. */
  let resourceVersion: string | undefined
  let currentUpToMs: number | undefined
  let failures = 0
  /** How often in a row we were told to list anew. */
  let relists = 0
  let warned: { code: string; atMs: number } | undefined

  function isStopped(): boolean {
    return stopping.signal.aborted
  }

  function tell(key: string, before: T | undefined, after: T | undefined): void {
    if (before === undefined && after === undefined) return
    try {
      onChange(key, before, after)
    } catch (error) {
      log.error('a change could not be handled', { key, error })
    }
  }

  /** The entry for an object; an object that cannot be read leaves what was known of it in place. */
  function entryOf(key: string, object: KubeObject): Entry<T> | undefined {
    try {
      const value = read(object)
      if (value === undefined) return undefined
      return { value, resourceVersion: object.metadata.resourceVersion ?? '' }
    } catch (error) {
      log.error('an object could not be read', { key, error })
      return entries.get(key)
    }
  }

  /** All pages of one consistent list, each cut down as it comes. */
  async function readAll(): Promise<Answer<{ found: Map<string, Entry<T>>; resourceVersion: string }>> {
    const found = new Map<string, Entry<T>>()
    let token: string | undefined
    let limit: number | undefined = pageSize
    let restarts = 0
    for (;;) {
      const page = await client.list(resource, { ...selection, limit, continue: token, timeoutMs: listTimeoutMs })
      if (isStopped()) return { ok: false, error: { code: 'Unreachable', message: 'stopped' } }
      if (!page.ok) {
        // The server has compacted the state that the token names. Once more, then in one piece.
        if (page.error.code !== 'Gone' || token === undefined) return page
        found.clear()
        token = undefined
        if (++restarts > 1) limit = undefined
        continue
      }
      for (const object of page.value.items) {
        const key = keyOfObject(object)
        const entry = entryOf(key, object)
        if (entry !== undefined) found.set(key, entry)
      }
      token = page.value.continue
      if (token === undefined) return { ok: true, value: { found, resourceVersion: page.value.resourceVersion } }
    }
  }

  async function list(): Promise<KubeError | undefined> {
    const askedAtMs = clock.wallMs()
    const answer = await readAll()
    if (!answer.ok) return answer.error
    const before = entries
    const { found } = answer.value
    for (const [key, entry] of found) {
      // Unchanged: the value that others may hold stays the same one.
      const known = before.get(key)
      if (known?.resourceVersion === entry.resourceVersion) found.set(key, known)
    }
    entries = found
    resourceVersion = answer.value.resourceVersion
    currentUpToMs = askedAtMs
    for (const [key, { value }] of before) {
      if (isStopped()) return undefined
      if (!found.has(key)) tell(key, value, undefined)
    }
    for (const [key, entry] of found) {
      if (isStopped()) return undefined
      const known = before.get(key)
      if (known !== entry) tell(key, known?.value, entry.value)
    }
    if (!synced && !isStopped()) {
      synced = true
      resolveSynced()
    }
    return undefined
  }

  function take({ type, object }: WatchEvent): void {
    if (isStopped()) return
    const version = object.metadata.resourceVersion
    if (version !== undefined) resourceVersion = version
    currentUpToMs = clock.wallMs()
    if (type === 'BOOKMARK') return
    const key = keyOfObject(object)
    const before = entries.get(key)
    const after = type === 'DELETED' ? undefined : entryOf(key, object)
    if (after !== undefined && (after === before || after.resourceVersion === before?.resourceVersion)) return
    if (after === undefined) entries.delete(key)
    else entries.set(key, after)
    tell(key, before?.value, after?.value)
  }

  /** Follows the stream until it ends; `healthy` when it lived long enough to count as a success. */
  async function follow(from: string): Promise<{ error: KubeError | undefined; healthy: boolean }> {
    let healthy = false
    const proof = clock.after(healthyMs, () => {
      healthy = true
      failures = 0
      relists = 0
      if (warned !== undefined) log.info('the view is kept up again')
      warned = undefined
    })
    const timeoutSeconds = Math.round(watchSeconds.min + random() * watchSeconds.spread)
    watch = client.watch(resource, { ...selection, resourceVersion: from, timeoutSeconds }, take)
    const answer = await watch.ended
    watch = undefined
    proof.cancel()
    return { error: answer.ok ? undefined : answer.error, healthy }
  }

  function warn(error: KubeError, retryInMs: number): void {
    const nowMs = clock.nowMs()
    // A watch cut by the network or grown too old is daily life; the same trouble again is told once a minute.
    const quiet = failures === 1 && synced && (error.code === 'Gone' || error.code === 'Unreachable')
    const repeated = warned?.code === error.code && nowMs - warned.atMs < sameWarningMs
    const level = quiet || repeated ? 'debug' : 'warn'
    if (level === 'warn') warned = { code: error.code, atMs: nowMs }
    log[level]('the view is not being kept up', { error, failures, retryInMs: Math.round(retryInMs) })
  }

  /** One list or one watch, to its end. */
  async function step(from: string | undefined): Promise<{ error: KubeError | undefined; healthy: boolean }> {
    try {
      if (from !== undefined) return await follow(from)
      const error = await list()
      return { error, healthy: error === undefined }
    } catch (error) {
      // A client never rejects; a defect in one must not end the view for ever either.
      log.error('the client failed', { error })
      return { error: { code: 'Unreachable', message: String(error) }, healthy: false }
    }
  }

  async function run(): Promise<void> {
    /** Where a malformed answer met us: at the same place again, listing steps over it. */
    let malformedAt: string | undefined
    while (!isStopped()) {
      const { error, healthy } = await step(resourceVersion)
      if (isStopped()) return
      if (error === undefined && healthy) continue
      if (error?.code === 'Gone') {
        // The server is there and wants us to list: an API server that was started anew says so to everybody, and
        // what it cost to wait for it must not be waited for again.
        resourceVersion = undefined
        failures = relists++
      }
      failures++
      if (error?.code === 'MalformedAnswer' && resourceVersion !== undefined) {
        const again = malformedAt === resourceVersion
        malformedAt = again ? undefined : resourceVersion
        if (again) resourceVersion = undefined
      }
      const delayMs = retryDelayMs(failures, error, random, backoff)
      if (error !== undefined) warn(error, delayMs)
      await pause(clock, delayMs, stopping.signal)
    }
  }

  void run()
  return {
    store: storeOf(() => entries),
    synced: whenSynced,
    isSynced: () => synced,
    currentUpToMs: () => currentUpToMs,
    resourceVersion: () => resourceVersion,
    stop: async () => {
      stopping.abort()
      watch?.stop()
      await watch?.ended
    },
  }
}

function storeOf<T>(entries: () => ReadonlyMap<string, Entry<T>>): Store<T> {
  return {
    get: (key) => entries().get(key)?.value,
    get size() {
      return entries().size
    },
    keys: () => entries().keys(),
    *values() {
      for (const { value } of entries().values()) yield value
    },
    *entries() {
      for (const [key, { value }] of entries()) yield [key, value] as const
    },
  }
}

function keyOfObject({ metadata }: KubeObject): string {
  return keyOfRef({ namespace: metadata.namespace, name: metadata.name ?? '' })
}

// Events of events.k8s.io/v1 for people to read: best effort, never in anybody's way.
//   1. The same event (about, type, reason, message) within ten minutes is counted, and the count written into the
//      `series` of the first one, at most every half minute.
//   2. New events wait in two short queues and are sent at the rate of their type, Warnings first. What does not fit is
//      dropped and counted: Normal events first under load, as their queue is the shorter in time and a rush of them
//      ends with its budget: an event costs the API server as much as what it tells of.
import { type Clock, type Timer, pause } from '../process/clock.ts'
import type { EventSubject, Events, EventsOptions, KubeObject } from './interface.ts'
import { microTime } from './micro-time.ts'
import { events } from './resources.ts'

const sameEventMs = 600_000
const seriesEveryMs = 30_000
const maxRemembered = 4096
/** So many Normal events at a stretch, and one a second from then on. */
const normalBudget = { burst: 100, perSecond: 1 }
const queueSeconds = { Normal: 5, Warning: 30 }
// Bounds of the API server's validation.
const maxNoteBytes = 1024
const maxReasonLength = 128

type EventType = 'Normal' | 'Warning'

interface Remembered {
  readonly object: KubeObject
  readonly firstAtMs: number
  count: number
  lastWallMs: number
  /** Stored by the server: only then there is something to count in. */
  stored: boolean
  seriesTimer: Timer | undefined
}

export function openEvents(options: EventsOptions): Events {
  const { client, component, instance, clock, normalPerSecond = 10, warningPerSecond = 50 } = options
  const log = options.log.child({ component })
  const rates = { Normal: normalPerSecond, Warning: warningPerSecond }
  const queues: Record<EventType, Remembered[]> = { Normal: [], Warning: [] }
  const buckets = { Normal: openBucket(clock, rates.Normal), Warning: openBucket(clock, rates.Warning) }
  const budget = openBucket(clock, normalBudget.perSecond, normalBudget.burst)
  const remembered = new Map<string, Remembered>()
  const sending = new Set<Promise<void>>()
  let dropped = 0
  let serial = 0
  let pumping = false

  function record(about: EventSubject, type: EventType, reason: string, message: string): void {
    const nowMs = clock.nowMs()
    const key = JSON.stringify([about.kind, about.namespace, about.name, about.uid, type, reason, message])
    const known = remembered.get(key)
    if (known !== undefined && nowMs - known.firstAtMs < sameEventMs) {
      known.count++
      known.lastWallMs = clock.wallMs()
      if (known.stored) scheduleSeries(known)
      return
    }
    const isFull = queues[type].length >= rates[type] * queueSeconds[type]
    if (isFull || (type === 'Normal' && !budget.take())) {
      dropped++
      log.debug('an event was dropped', { reason, about: about.name })
      return
    }
    const event: Remembered = {
      object: eventObject(about, type, reason, message),
      firstAtMs: nowMs,
      count: 1,
      lastWallMs: clock.wallMs(),
      stored: false,
      seriesTimer: undefined,
    }
    remembered.delete(key)
    remembered.set(key, event)
    if (remembered.size > maxRemembered) forgetOldest()
    queues[type].push(event)
    void pump()
  }

  function forgetOldest(): void {
    const [oldest] = remembered
    if (oldest === undefined) return
    oldest[1].seriesTimer?.cancel()
    remembered.delete(oldest[0])
  }

  function eventObject(about: EventSubject, type: EventType, reason: string, message: string): KubeObject {
    const wallMs = clock.wallMs()
    // Events about cluster-scoped objects live in `default`.
    const namespace = about.namespace ?? 'default'
    const unique = `${Math.floor(wallMs).toString(16)}${(serial++ % 0x10000).toString(16).padStart(4, '0')}`
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace, name: `${about.name.slice(0, 200)}.${unique}` },
      eventTime: microTime(wallMs),
      reportingController: component,
      reportingInstance: instance.slice(0, 128),
      action: reason.slice(0, maxReasonLength),
      reason: reason.slice(0, maxReasonLength),
      type,
      note: truncate(message, maxNoteBytes),
      regarding: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        namespace: about.namespace,
        name: about.name,
        uid: about.uid,
      },
    }
  }

  /** Sends what the rates allow until both queues are empty. */
  async function pump(): Promise<void> {
    if (pumping) return
    pumping = true
    for (;;) {
      for (const type of ['Warning', 'Normal'] as const) {
        while (queues[type].length > 0 && buckets[type].take()) sendNext(type)
      }
      if (queues.Normal.length + queues.Warning.length === 0) break
      const waits = (['Warning', 'Normal'] as const).filter((type) => queues[type].length > 0)
      await pause(clock, Math.min(...waits.map((type) => buckets[type].nextInMs())))
    }
    pumping = false
  }

  function sendNext(type: EventType): void {
    const event = queues[type].shift()
    if (event === undefined) return
    track(
      client.create(events, event.object, { timeoutMs: 10_000 }).then((answer) => {
        if (answer.ok) {
          event.stored = true
          if (event.count > 1) scheduleSeries(event)
          return
        }
        dropped++
        // Not remembered as sent: the next one like it tries again.
        forget(event)
        log.debug('an event could not be sent', { error: answer.error })
        return
      }),
    )
  }

  function forget(event: Remembered): void {
    for (const [key, known] of remembered) if (known === event) remembered.delete(key)
  }

  function scheduleSeries(event: Remembered): void {
    event.seriesTimer ??= clock.after(seriesEveryMs, () => sendSeries(event))
  }

  function sendSeries(event: Remembered): void {
    event.seriesTimer?.cancel()
    event.seriesTimer = undefined
    const { namespace, name = '' } = event.object.metadata
    const series = { count: event.count, lastObservedTime: microTime(event.lastWallMs) }
    track(
      client
        .patch({ resource: events, namespace, name }, { type: 'merge', body: { series }, timeoutMs: 10_000 })
        .then((answer) => {
          if (answer.ok) return
          // Events live for an hour; one that is gone is made anew by the next of its kind.
          if (answer.error.code === 'NotFound') forget(event)
          log.debug('the series of an event could not be written', { error: answer.error })
          return
        }),
    )
  }

  function track(work: Promise<void>): void {
    sending.add(work)
    void work.finally(() => sending.delete(work))
  }

  return {
    record,
    dropped: () => dropped,
    async flush() {
      for (const type of ['Warning', 'Normal'] as const) while (queues[type].length > 0) sendNext(type)
      await Promise.all(sending)
      for (const event of remembered.values()) if (event.seriesTimer !== undefined) sendSeries(event)
      await Promise.all(sending)
    },
  }
}

/** A token bucket; by default it holds what one second yields. */
function openBucket(clock: Clock, perSecond: number, most = perSecond): { take(): boolean; nextInMs(): number } {
  let tokens = most
  let atMs = clock.nowMs()
  const refill = (): void => {
    const nowMs = clock.nowMs()
    tokens = Math.min(most, tokens + ((nowMs - atMs) * perSecond) / 1000)
    atMs = nowMs
  }
  return {
    take() {
      refill()
      // Fractions of milliseconds must not cost a whole turn.
      if (tokens < 0.999) return false
      tokens -= 1
      return true
    },
    nextInMs() {
      refill()
      return Math.max(1, ((1 - tokens) * 1000) / perSecond)
    },
  }
}

function truncate(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const cut = Buffer.from(text)
    .subarray(0, maxBytes - 3)
    .toString('utf8')
  // A character cut in two has become U+FFFD.
  return `${cut.replace(/\uFFFD$/, '')}…`
}

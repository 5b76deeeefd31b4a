// The Speaker object: what is really up and really announced on this node. Its status is written at least 1 s apart: at
// once when a session or an exception changes, and once a minute when only counts do. Writing is best effort; nothing
// waits for it.
import { type Node, type SessionStatus, type SpeakerStatus, withoutCounts } from '../src/core/model/index.ts'
import { type KubeClient, apiVersionOf, speakers } from '../src/io/kube/index.ts'
import type { Clock, Timer } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'

export interface ReportOptions {
  readonly client: KubeClient
  readonly nodeName: string
  /** Owner of the Speaker object, so that it goes with the Node. */
  readonly node: () => Node | undefined
  readonly status: () => SpeakerStatus
  /**
   * A router that keeps our routes over a restart (RFC 4724) has no session with us. So it is for a moment after each
   * start, and the word of the process before stands as long, as its routes do: were it taken back, the controller would
   * have nobody announce the nodes that we announce beside our own, and the routers would drop them.
   */
  readonly isAwaited?: () => boolean
  readonly clock: Clock
  readonly log: Log
  readonly onWrite: (outcome: 'done' | 'failed') => void
}

export interface Report {
  start(): void
  /** Something may have changed. */
  changed(): void
  /** Writes what is now, without regard to the gap; resolves when it was tried. */
  flush(): Promise<void>
  stop(): Promise<void>
}

const leastGapMs = 1000
// Changes come by the hundred; what is made of them all is looked at once.
const lookAfterMs = 100
const countsMs = 60_000
const longestAwaitMs = 5000
const longestRetryMs = 30_000

export function openReport(options: ReportOptions): Report {
  const { client, nodeName, node, status, isAwaited = () => false, clock, log, onWrite } = options
  const ref = { resource: speakers, name: nodeName }
  const fieldManager = 'bellhop-speaker'
  let written = ''
  let writtenNews = ''
  let lastMs = Number.NEGATIVE_INFINITY
  let failures = 0
  let started = false
  let stopped = false
  /** Undefined: nobody is waited for any more. */
  let awaitUntilMs: number | undefined
  let timer: Timer | undefined
  let look: Timer | undefined
  let dueMs = Number.POSITIVE_INFINITY
  let running: Promise<void> | undefined

  async function write(now: SpeakerStatus): Promise<void> {
    const { apiVersion, kind } = { apiVersion: apiVersionOf(speakers), kind: speakers.kind }
    const metadata = { name: nodeName }
    const body = { apiVersion, kind, metadata, status: now }
    const apply = () =>
      client.patch(ref, {
        ...{ type: 'apply' as const, body, subresource: 'status' as const },
        ...{ fieldManager, force: true, timeoutMs: 5000 },
      })
    let answer = await apply()
    if (!answer.ok && answer.error.code === 'NotFound') {
      const owner = node()
      const ownerReferences =
        owner === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: owner.name, uid: owner.uid }]
      const made = await client.create(
        speakers,
        { apiVersion, kind, metadata: { ...metadata, ownerReferences } },
        { fieldManager, timeoutMs: 5000 },
      )
      answer = made.ok || made.error.code === 'AlreadyExists' ? await apply() : made
    }
    if (answer.ok) {
      written = JSON.stringify(now)
      writtenNews = newsOf(now)
      if (failures > 0) log.info('the Speaker object is written again', { failures })
      failures = 0
    } else {
      if (failures === 0) log.warn('the Speaker object could not be written', { error: answer.error })
      failures++
    }
    onWrite(answer.ok ? 'done' : 'failed')
  }

  function lookSoon(): void {
    if (!started || stopped) return
    look ??= clock.after(lookAfterMs, () => {
      look = undefined
      consider()
    })
  }

  function consider(): void {
    if (!started || stopped || running !== undefined) return
    const awaitMs = (awaitUntilMs ?? 0) - clock.nowMs()
    if (awaitMs > 0 && isAwaited()) return lookSoon()
    awaitUntilMs = undefined
    const now = status()
    const sinceMs = clock.nowMs() - lastMs
    const gapMs = failures > 0 ? Math.min(longestRetryMs, leastGapMs * 2 ** Math.min(failures, 8)) : leastGapMs
    if (newsOf(now) !== writtenNews || failures > 0) schedule(gapMs - sinceMs)
    else if (JSON.stringify(now) !== written) schedule(countsMs - sinceMs)
    else schedule(countsMs)
  }

  function schedule(delayMs: number): void {
    const atMs = clock.nowMs() + Math.max(0, delayMs)
    if (atMs >= dueMs) return
    timer?.cancel()
    dueMs = atMs
    timer = clock.after(delayMs, () => {
      dueMs = Number.POSITIVE_INFINITY
      if (stopped || running !== undefined) return
      const now = status()
      if (JSON.stringify(now) === written && failures === 0) consider()
      else run(now)
    })
  }

  function run(now: SpeakerStatus): void {
    lastMs = clock.nowMs()
    running = write(now)
      .catch((error: unknown) => log.error('the Speaker object could not be written', { error }))
      .finally(() => {
        running = undefined
        consider()
      })
  }

  return {
    start: () => {
      started = true
      awaitUntilMs = clock.nowMs() + longestAwaitMs
      consider()
    },
    changed: lookSoon,
    flush: async () => {
      await running
      run(status())
      await running
    },
    stop: async () => {
      stopped = true
      timer?.cancel()
      look?.cancel()
      await running
    },
  }
}

/**
 * The part whose change others wait for: everything but counts, except whether there is anything at all. A session that
 * is being tried goes round CONNECT, ACTIVE and OPENSENT for as long as the router is away, and has a local address in
 * some of them: that is no news either.
 */
function newsOf(status: SpeakerStatus): string {
  const { sessions, routes, prefixes, ...rest } = status
  return JSON.stringify({
    ...rest,
    sessions: sessions.map((session) => (session.state === 'ESTABLISHED' ? withoutCounts(session) : whyDown(session))),
    any: [prefixes > 0, routes.present > 0],
    repaired: routes.repaired,
  })
}

function whyDown({ peer, neighbor, peerAs, localAs, since, lastError, reason, flaps }: SessionStatus): unknown {
  return { peer, neighbor, peerAs, localAs, since, lastError, reason, flaps }
}

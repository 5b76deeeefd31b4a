// The speaker's Lease: that it is alive, and up to when its view of the Services is current. Judged by the controller
// alone, by renewals it sees; nothing of what this speaker does depends on it.
//
// Renewed every 10 s, and soon (1 s apart at least) after a Service was seen: a released address is free again, and
// Advertised turns, when every speaker has said that it knows.
import { currentUpToAnnotation, type Node } from '../src/core/model/index.ts'
import { type KubeClient, type KubeObject, apiVersionOf, leases, microTime } from '../src/io/kube/index.ts'
import type { Clock, Timer } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'

export interface PresenceOptions {
  readonly client: KubeClient
  readonly namespace: string
  readonly nodeName: string
  /** Owner of the Lease, so that it goes with the Node. */
  readonly node: () => Node | undefined
  readonly currentUpToMs: () => number | undefined
  readonly clock: Clock
  /** 0 ≤ x < 1, for jitter. */
  readonly random: () => number
  readonly log: Log
  readonly onRenewal: (outcome: 'done' | 'failed') => void
}

export interface Presence {
  start(): void
  /** Renew soon: there is news. */
  hint(): void
  stop(): Promise<void>
}

const renewMs = 10_000
const leastGapMs = 1000
const durationSeconds = 40

export function openPresence(options: PresenceOptions): Presence {
  const { client, namespace, nodeName, node, currentUpToMs, clock, random, log, onRenewal } = options
  const name = `speaker-${nodeName}`
  const ref = { resource: leases, namespace, name }
  let timer: Timer | undefined
  let dueMs = Number.POSITIVE_INFINITY
  let lastMs = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined
  let hinted = false
  let started = false
  let stopped = false
  let failures = 0

  async function renew(): Promise<void> {
    const currentUpTo = currentUpToMs()
    const time = microTime(clock.wallMs())
    const annotations =
      currentUpTo === undefined ? {} : { [currentUpToAnnotation]: new Date(currentUpTo).toISOString() }
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, renewTime: time }
    const body = { metadata: { annotations }, spec }
    const patched = await client.patch(ref, { type: 'merge', body, timeoutMs: 5000 })
    let answer = patched
    if (!patched.ok && patched.error.code === 'NotFound') {
      answer = await client.create(leases, leaseObject(annotations, { ...spec, acquireTime: time }), {
        timeoutMs: 5000,
      })
    }
    if (!answer.ok) {
      if (failures++ === 0) log.warn('the Lease could not be renewed', { error: answer.error })
    } else {
      if (failures > 0) log.info('the Lease is renewed again', { failures })
      failures = 0
    }
    onRenewal(answer.ok ? 'done' : 'failed')
  }

  function leaseObject(annotations: Readonly<Record<string, string>>, spec: object): KubeObject {
    const owner = node()
    const ownerReferences =
      owner === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: owner.name, uid: owner.uid }]
    const metadata = { namespace, name, annotations, ownerReferences }
    return { apiVersion: apiVersionOf(leases), kind: leases.kind, metadata, spec }
  }

  function schedule(delayMs: number): void {
    const atMs = clock.nowMs() + delayMs
    if (stopped || atMs >= dueMs) return
    timer?.cancel()
    dueMs = atMs
    timer = clock.after(delayMs, run)
  }

  function run(): void {
    dueMs = Number.POSITIVE_INFINITY
    if (stopped || running !== undefined) return
    lastMs = clock.nowMs()
    hinted = false
    running = renew()
      .catch((error: unknown) => log.error('the Lease could not be renewed', { error }))
      .finally(() => {
        running = undefined
        if (hinted) schedule(leastGapMs)
        schedule(renewMs * (0.9 + 0.2 * random()))
      })
  }

  return {
    start: () => {
      started = true
      schedule(0)
    },
    hint: () => {
      if (!started) return
      if (running === undefined) schedule(Math.max(0, lastMs + leastGapMs - clock.nowMs()))
      else hinted = true
    },
    stop: async () => {
      stopped = true
      timer?.cancel()
      await running
    },
  }
}

// One leader among the replicas, by a Lease, with the rules of client-go's leaderelection:
//   1. Times written by others are never compared with our clock. A Lease counts as held until leaseDurationMs after
//      we last saw it change, on our monotonic clock: clocks may differ, only their speed must not, by much.
//   2. Every write names the resourceVersion it rests on, so of two that reach for a free Lease one gets it.
//   3. The leader steps down renewDeadlineMs after the last renewal that succeeded was *sent*, whatever is under way;
//      as that is less than leaseDurationMs, it has stopped before another may start.
import { numberAt, objectAt, stringAt } from '../../core/model/field.ts'
import { pause, type Timer } from '../process/clock.ts'
import type { KubeObject, LeaderElection, LeaderElectionOptions } from './interface.ts'
import { microTime } from './micro-time.ts'
import { leases } from './resources.ts'

interface Observed {
  readonly lease: KubeObject
  /** When we first saw it in this form. */
  readonly atMs: number
}

export function runLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { client, namespace, name, identity, leaseDurationMs, renewDeadlineMs, retryPeriodMs, clock, random } = options
  const log = options.log.child({ lease: name, identity })
  const ref = { resource: leases, namespace, name }
  // Two calls fit before the deadline, so that one that hangs does not cost the term.
  const timeoutMs = renewDeadlineMs / 2
  const stopping = new AbortController()
  let observed: Observed | undefined
  let leading = false
  let deadline: Timer | undefined
  let stoppedLeading: Promise<void> = Promise.resolve()

  function holderOf(lease: KubeObject): string {
    return stringAt(lease, 'spec', 'holderIdentity') ?? ''
  }

  function observe(lease: KubeObject): void {
    const same = observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion
    if (observed === undefined || !same) observed = { lease, atMs: clock.nowMs() }
  }

  /** Ours, given up, or not renewed for the time its holder promised (and at least for our own). */
  function mayTake({ lease, atMs }: Observed): boolean {
    const holder = holderOf(lease)
    if (holder === '' || holder === identity) return true
    const promisedMs = (numberAt(lease, 'spec', 'leaseDurationSeconds') ?? 0) * 1000
    return clock.nowMs() >= atMs + Math.max(promisedMs, leaseDurationMs)
  }

  function leaseObject(previous: KubeObject | undefined, holder: string): KubeObject {
    const now = microTime(clock.wallMs())
    const spec = objectAt(previous, 'spec')
    const taken = previous === undefined || holderOf(previous) !== identity
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      // What others have put on the Lease (labels, annotations) goes back with it.
      metadata: previous?.metadata ?? { namespace, name },
      spec: {
        ...spec,
        holderIdentity: holder,
        // A released Lease is free at once.
        leaseDurationSeconds: holder === '' ? 1 : Math.max(1, Math.round(leaseDurationMs / 1000)),
        acquireTime: taken ? now : (spec['acquireTime'] ?? now),
        renewTime: now,
        leaseTransitions: (numberAt(previous, 'spec', 'leaseTransitions') ?? 0) + (taken && holder !== '' ? 1 : 0),
      },
    }
  }

  /** One attempt to take or renew. `mayLookAgain`: whether a lost race is looked into at once. */
  async function takeOrRenew(mayLookAgain = true): Promise<void> {
    const sentAtMs = clock.nowMs()
    const wasLeading = leading
    // A leader rests its renewal on what it wrote last: one call instead of two.
    if (!wasLeading || observed === undefined) {
      const found = await client.get(ref, { timeoutMs })
      if (found.ok) observe(found.value)
      else if (found.error.code === 'NotFound') observed = undefined
      else return log.warn('the lease could not be read', { error: found.error, leading })
    }
    if (observed !== undefined && !mayTake(observed)) return stepDown('another has the lease')
    if (stopping.signal.aborted) return
    const lease = leaseObject(observed?.lease, identity)
    const written =
      observed === undefined
        ? await client.create(leases, lease, { timeoutMs })
        : await client.replace(ref, lease, { timeoutMs })
    if (written.ok) {
      observe(written.value)
      // Stepped down meanwhile: the Lease is ours still, the next attempt begins a new term on it.
      if (wasLeading === leading && !stopping.signal.aborted) lead(sentAtMs)
      return
    }
    const { code } = written.error
    const raced = code === 'Conflict' || code === 'NotFound' || code === 'AlreadyExists'
    if (!raced) return log.warn('the lease could not be written', { error: written.error, leading })
    if (!wasLeading) return
    // Somebody else wrote under us: if it was another candidate, we must know now.
    observed = undefined
    if (mayLookAgain) await takeOrRenew(false)
  }

  function lead(sentAtMs: number): void {
    deadline?.cancel()
    const leftMs = renewDeadlineMs - (clock.nowMs() - sentAtMs)
    deadline = clock.after(leftMs, () => stepDown('the lease could not be renewed in time'))
    if (leading) return
    leading = true
    log.info('leading')
    try {
      options.onStartedLeading()
    } catch (error) {
      log.error('starting to lead failed', { error })
    }
  }

  function stepDown(why: string): void {
    deadline?.cancel()
    if (!leading) return
    leading = false
    log[stopping.signal.aborted ? 'info' : 'warn']('no longer leading', { why })
    stoppedLeading = (async () => options.onStoppedLeading())().catch((error: unknown) =>
      log.error('stopping to lead failed', { error }),
    )
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // Nothing is taken again before what the last term started has ended.
      await stoppedLeading
      await takeOrRenew()
      // Candidates spread out; the leader keeps its beat.
      const delayMs = leading ? retryPeriodMs : retryPeriodMs * (1 + random() * 0.2)
      await pause(clock, delayMs, stopping.signal)
    }
  }

  async function release(): Promise<void> {
    if (observed === undefined || holderOf(observed.lease) !== identity) return
    const released = await client.replace(ref, leaseObject(observed.lease, ''), { timeoutMs })
    if (!released.ok) log.warn('the lease could not be released', { error: released.error })
  }

  const ran = run()
  let stopped: Promise<void> | undefined
  return {
    isLeader: () => leading,
    stop: () => {
      stopped ??= (async () => {
        stopping.abort()
        stepDown('stopping')
        await ran
        await stoppedLeading
        await release()
      })()
      return stopped
    },
  }
}

// Status of BgpPeers and BgpConfs, in OpenELB's shape, from what the speakers report.
//
// A session's state is told at once, at most every second (more with more than a hundred nodes); counters alone are no
// reason to write before a minute has passed (more likewise: every speaker watches these objects, so that a minute's
// counters of a thousand nodes would cost the API server some twenty megabytes a second).
import { bgpConfStatus, bgpPeerStatus, isConfUsed, nextHopsNotAdvertised } from '../src/core/announce/index.ts'
import {
  type BgpConf,
  type BgpPeer,
  type Condition,
  type Reason,
  type Speaker,
  findCondition,
  listAt,
  objectAt,
  readConditions,
  withoutCounts,
} from '../src/core/model/index.ts'
import { type WorkOutcome, bgpConfs, bgpPeers, openWorkQueue } from '../src/io/kube/index.ts'
import { stamped } from './conditions.ts'
import type { Timer } from '../src/io/process/clock.ts'
import { type Duty, type Leading, queueTimes } from './duty.ts'
import type { OtherProviders } from './other-providers.ts'
import { outcomeOf } from './outcome.ts'
import { openPace, summaryGapMs } from './pace.ts'
import { sameValue } from '../src/core/status/index.ts'

const countersEveryMs = 60_000
const lookGapMs = 50

export function keepPeers(leading: Leading, others: OtherProviders): Duty {
  const { client, view, clock, random, log } = leading
  const pace = openPace(clock, () => summaryGapMs(view.nodes.size))
  /** Also putting a status together is paced, since it looks at every speaker; one of which it says nothing new is not written. */
  const looks = openPace(clock, () => summaryGapMs(view.nodes.size, lookGapMs))
  const countersGapMs = (): number => summaryGapMs(view.nodes.size, countersEveryMs)
  const writtenMs = new Map<string, number>()
  const queue = openWorkQueue({ work: writeStatus, workers: 2, clock, random, log, ...queueTimes(leading, 'peers') })

  /** Until counters are looked at: those of every speaker change once a minute, and news must not wait behind them. */
  let timer: Timer | undefined

  async function writeStatus(key: string): Promise<WorkOutcome> {
    const [plural = '', name = ''] = key.split('/')
    const isPeer = plural === bgpPeers.plural
    const object = isPeer ? view.peers.get(name) : view.confs.get(name)
    if (object === undefined) {
      pace.forget(key)
      looks.forget(key)
      writtenMs.delete(key)
      return 'done'
    }
    const lookMs = looks.waitMs(key)
    if (lookMs > 0) return { retryAfterMs: lookMs }
    looks.mark(key)
    const more = others.conditionOf(key, object, readConditions(object.status))
    const { stored, wanted } = isPeer
      ? peerStatuses(leading, object as BgpPeer, more)
      : confStatuses(leading, object as BgpConf, more)
    if (sameValue(stored, wanted)) return 'done'
    const nowMs = clock.nowMs()
    if (sameValue(withoutCounters(stored), withoutCounters(wanted))) {
      const dueMs = (writtenMs.get(key) ?? nowMs) + countersGapMs()
      if (!writtenMs.has(key)) writtenMs.set(key, nowMs)
      if (nowMs < dueMs) return { retryAfterMs: dueMs - nowMs }
    }
    const waitMs = pace.waitMs(key)
    if (waitMs > 0) return { retryAfterMs: waitMs }
    pace.mark(key)
    writtenMs.set(key, nowMs)
    const ref = { resource: isPeer ? bgpPeers : bgpConfs, name }
    const body = [
      { op: 'test', path: '/metadata/uid', value: object.uid },
      { op: 'add', path: '/status', value: wanted },
    ]
    const written = await client.patch(ref, { type: 'json', body, subresource: 'status' })
    return written.ok ? 'done' : outcomeOf(written.error)
  }

  function addAll(): void {
    timer?.cancel()
    timer = undefined
    for (const name of view.peers.keys()) queue.add(`${bgpPeers.plural}/${name}`)
    for (const name of view.confs.keys()) queue.add(`${bgpConfs.plural}/${name}`)
  }

  const unlisten = view.listen({
    peer: (name) => queue.add(`${bgpPeers.plural}/${name}`),
    conf: (name) => queue.add(`${bgpConfs.plural}/${name}`),
    speaker: (_name, before, after) => {
      if (sameValue(newsOf(before), newsOf(after))) timer ??= clock.after(countersGapMs(), addAll)
      else addAll()
    },
    presence: (_node, before, after) => {
      if (before?.alive !== after?.alive) addAll()
    },
  })
  const endHearing = others.listen((task) => {
    if (task.startsWith(`${bgpPeers.plural}/`) || task.startsWith(`${bgpConfs.plural}/`)) queue.add(task)
  })
  addAll()
  return {
    depth: () => queue.depth(),
    async stop() {
      unlisten()
      timer?.cancel()
      endHearing()
      await queue.stop()
    },
  }
}

/** All that counts here but the counters. */
function newsOf(speaker: Speaker | undefined): unknown {
  if (speaker === undefined) return undefined
  const { as, routerId, exceptions, sessions } = speaker.status
  return { as, routerId, exceptions, sessions: sessions.map(withoutCounts) }
}

interface Statuses {
  readonly stored: unknown
  readonly wanted: Readonly<Record<string, unknown>>
}

function peerStatuses({ view, clock }: Leading, peer: BgpPeer, more: readonly Condition[]): Statuses {
  const speakers = view.progress()
  const conditions: Condition[] = [...more]
  if (peer.ownedByCni) {
    conditions.push(unused(ownedByCni('BgpPeer', peer.name)))
    return { stored: peer.status, wanted: { conditions: withTimes(conditions, peer.status, clock.wallMs()) } }
  }
  if (peer.neighbor === undefined || peer.peerAs === 0) {
    const message = `BgpPeer ${peer.name} has no usable conf.neighborAddress or conf.peerAs; no session is opened`
    conditions.push(unused({ code: 'MalformedPeer', message }))
  }
  const cut = nextHopsNotAdvertised(peer.name, speakers)
  if (cut !== undefined) {
    conditions.push({ type: 'NextHopsNotAdvertised', status: 'True', reason: cut.code, message: cut.message })
  }
  const { sessions, established, ...status } = bgpPeerStatus(peer, speakers)
  return {
    stored: peer.status,
    wanted: {
      ...status,
      sessionsWanted: sessions,
      sessionsUp: established,
      ...listed(withTimes(conditions, peer.status, clock.wallMs())),
    },
  }
}

function confStatuses({ view, clock }: Leading, conf: BgpConf, more: readonly Condition[]): Statuses {
  const conditions: Condition[] = [...more]
  if (conf.ownedByCni) conditions.push(unused(ownedByCni('BgpConf', conf.name)))
  else if (!isConfUsed(conf)) {
    const message = `only the BgpConf named default counts; BgpConf ${conf.name} is ignored`
    conditions.push(unused({ code: 'NotDefaultConf', message }))
  }
  const wanted = {
    ...bgpConfStatus(conf, view.progress()),
    ...listed(withTimes(conditions, conf.status, clock.wallMs())),
  }
  return { stored: conf.status, wanted }
}

function ownedByCni(kind: string, name: string): Reason {
  return { code: 'OwnedByCni', message: `${kind} ${name} is left to the CNI by its label` }
}

function unused({ code, message }: Reason): Condition {
  return { type: 'Used', status: 'False', reason: code, message }
}

function withTimes(wanted: readonly Condition[], status: unknown, wallMs: number): readonly Condition[] {
  const stored = readConditions(status)
  return wanted.map((condition) => stamped(condition, findCondition(stored, condition.type), wallMs))
}

function listed(conditions: readonly Condition[]): { readonly conditions?: readonly Condition[] } {
  return conditions.length === 0 ? {} : { conditions }
}

/** The status but for the numbers of messages, which grow all the time. */
function withoutCounters(status: unknown): unknown {
  const nodes = Object.entries(objectAt(status, 'nodesPeerStatus')).map(([node, value]) => [
    node,
    { ...objectAt(value), peerState: { ...objectAt(value, 'peerState'), messages: undefined } },
  ])
  return {
    ...objectAt(status),
    nodesPeerStatus: Object.fromEntries(nodes),
    conditions: listAt(status, 'conditions').length === 0 ? undefined : listAt(status, 'conditions'),
  }
}

// The condition bellhop.dev/Advertised of Services: judged by core/announce from what all speakers report, written when
// it turns.
//
//   1. a change of one Service, its endpoints or its Eip brings that Service; a change of speakers, nodes or racks all
//      of them, once every everyGapMs at most
//   2. "yes" is written when no rush of assignments is on (rush.ts), since users wait for addresses first; every other
//      verdict only when it has stood for a while (settling.ts): endpoints come after their Service, and a session that
//      flaps must not rewrite ten thousand Services
//   3. a Service that no speaker has caught up with yet is judged again as their Leases say that they have
import type { Ip } from '../src/core/address/index.ts'
import { type AdvertisedInput, judgeAdvertised } from '../src/core/announce/index.ts'
import {
  type Allocation,
  type Node,
  type RackStatus,
  type Service,
  type Speaker,
  advertisedCondition,
  assignedCondition,
  findCondition,
  poolLabel,
  readService,
} from '../src/core/model/index.ts'
import { type WorkOutcome, openWorkQueue, services } from '../src/io/kube/index.ts'
import { isMaterial } from '../src/io/pools/index.ts'
import type { Timer } from '../src/io/process/clock.ts'
import type { Ahead } from './ahead.ts'
import { openBreath } from './breath.ts'
import { conditionOperations, saysSame } from './conditions.ts'
import { type Duty, type Leading, queueTimes } from './duty.ts'
import type { Latency } from './latency.ts'
import { measureReasons } from './measure.ts'
import { outcomeOf } from './outcome.ts'
import { sameValue } from '../src/core/status/index.ts'
import { openRush } from './rush.ts'
import { openSettling, settleMs } from './settling.ts'
import type { StatusWrites } from './status-writes.ts'

/** Changes of one moment come one by one: one look at all Services for them. */
const gatherMs = 50
const everyGapMs = 1_000

export function keepAdvertised(
  leading: Leading,
  statusWrites: Pick<StatusWrites, 'of' | 'latestMs'>,
  ahead: Ahead,
  latency: Latency,
): Duty {
  const { client, view, metrics, clock, random, log } = leading
  const queue = openWorkQueue({ work: judge, workers: 4, clock, random, log, ...queueTimes(leading, 'advertised') })
  const behind = new Set<string>()
  /** Services that say that no router has them, and why. */
  const unadvertised = new Map<string, string>()
  const breathe = openBreath(100)
  const rush = openRush(clock, statusWrites, (keys) => {
    for (const key of keys) queue.add(key, 'low')
  })
  const settling = openSettling(clock, () => rush.isOn())
  let timer: Timer | undefined
  let lookedMs = Number.NEGATIVE_INFINITY
  let racks: ReadonlyMap<string, RackStatus> | undefined

  async function judge(key: string): Promise<WorkOutcome> {
    await breathe()
    const service = ahead.of(key)
    behind.delete(key)
    // What has no address says so in EipAssigned, and what is not labelled no speaker looks at.
    const addresses = service?.ingress.filter((ip) => isHeldBy(key, view.records.taken.at(ip))) ?? []
    if (service === undefined || addresses.length === 0 || !(poolLabel in service.labels)) {
      settling.settled(key)
      unadvertised.delete(key)
      return 'done'
    }
    const { status, reason } = judgeAdvertised(inputOf(key, service, addresses))
    if (reason.code === 'SpeakersBehind') behind.add(key)
    if (status === 'True') {
      unadvertised.delete(key)
      latency.advertised(key)
    }
    const condition = { type: advertisedCondition, status, reason: reason.code, message: reason.message }
    const stored = findCondition(service.conditions, advertisedCondition)
    if (saysSame(stored, condition)) {
      settling.settled(key)
      if (status !== 'True') unadvertised.set(key, reason.code)
      return 'done'
    }
    if (status === 'True' && rush.hold(key)) return 'done'
    const verdict = { key, condition, stored, looksForEndpoints: looksForEndpoints(service) }
    const waitMs = status === 'True' ? 0 : settling.waitMs(verdict)
    if (waitMs > 0) return { retryAfterMs: Math.min(waitMs, settleMs) }
    settling.turned(key)
    if (status !== 'True') unadvertised.set(key, reason.code)
    // What is waited for from here on is the user's to bring.
    if (reason.code === 'NoReadyEndpoint') latency.forget(key)
    const body = [
      // Of another version the conditions may stand elsewhere, and one may be there already.
      { op: 'test', path: '/metadata/resourceVersion', value: service.resourceVersion },
      ...conditionOperations(service.conditions, [condition], clock.wallMs()),
    ]
    const { namespace, name } = service
    const ref = { resource: services, namespace, name }
    const written = await client.patch(ref, { type: 'json', body, subresource: 'status' })
    if (written.ok) ahead.note(key, readService(written.value))
    return written.ok || written.error.code === 'NotFound' ? 'done' : outcomeOf(written.error)
  }

  // One with a selector has a slice as soon as its endpoints have been looked for, be it an empty one.
  function looksForEndpoints({ namespace, name, selector }: Service): boolean {
    const mayHaveMore = Object.keys(selector).length > 0 || !view.areSlicesListed()
    return mayHaveMore && view.slicesOf(`${namespace}/${name}`).length === 0
  }

  function inputOf(key: string, service: Service, addresses: readonly Ip[]): AdvertisedInput {
    const keys = new Set([key])
    for (const address of addresses) {
      for (const { namespace, name } of view.records.taken.at(address)?.holders ?? []) keys.add(`${namespace}/${name}`)
    }
    racks ??= new Map([...view.racks.entries()].flatMap(([name, { status }]) => (status ? [[name, status]] : [])))
    const eip = service.labels[poolLabel] ?? ''
    return {
      addresses,
      services: [...keys].map((one) => view.services.get(one)).filter((one) => one !== undefined),
      slices: new Map([...keys].map((one) => [one, view.slicesOf(one)])),
      nodes: view.nodes,
      eip: view.pools.eips.get(eip),
      speakers: view.progress(),
      racks,
      statusWrittenMs: statusWrites.of(key) ?? assignedSinceMs(service),
    }
  }

  function addAll(): void {
    timer = undefined
    lookedMs = clock.nowMs()
    for (const [key, { ingress }] of view.services.entries()) if (ingress.length > 0) queue.add(key, 'low')
  }

  function addAllSoon(): void {
    timer ??= clock.after(Math.max(gatherMs, lookedMs + everyGapMs - clock.nowMs()), addAll)
  }

  function addSharers(key: string): void {
    queue.add(key, 'low')
    for (const { holders } of view.records.taken.ofService(key)) {
      if (holders.length < 2) continue
      for (const { namespace, name } of holders) queue.add(`${namespace}/${name}`, 'low')
    }
  }

  const unlisten = view.listen({
    service: (key, before, after) => {
      if (before?.externalTrafficPolicy !== after?.externalTrafficPolicy || after === undefined) addSharers(key)
      else queue.add(key, 'low')
    },
    // Where the record was not known yet, or is shared by others now.
    record: (_name, before, after) => {
      for (const { namespace, name } of after?.holders ?? []) queue.add(`${namespace}/${name}`, 'low')
      if (after !== undefined && before !== undefined)
        for (const { namespace, name } of before.holders) queue.add(`${namespace}/${name}`, 'low')
    },
    slice: addSharers,
    node: (_name, before, after) => {
      if (!sameValue(mattersOfNode(before), mattersOfNode(after))) addAllSoon()
    },
    speaker: (_name, before, after) => {
      if (!sameValue(mattersOfSpeaker(before), mattersOfSpeaker(after))) addAllSoon()
    },
    rack: () => {
      racks = undefined
      addAllSoon()
    },
    presence: (_node, before, after) => {
      if (before?.alive !== after?.alive) addAllSoon()
      else for (const key of behind) queue.add(key, 'low')
    },
    pools: (change) => {
      if (change.kind !== 'eip' || !isMaterial(change)) return
      for (const { holders } of view.records.taken.ofEip(change.name)) {
        for (const { namespace, name } of holders) queue.add(`${namespace}/${name}`, 'low')
      }
    },
  })
  addAll()
  return {
    depth: () => queue.depth(),
    measure: () => measureReasons(metrics.servicesUnadvertised, unadvertised.values()),
    async stop() {
      unlisten()
      timer?.cancel()
      rush.stop()
      await queue.stop()
      metrics.servicesUnadvertised.replaceAll([])
    },
  }
}

// An address that somebody else wrote is not ours to judge.
function isHeldBy(key: string, record: Allocation | undefined): boolean {
  return record?.holders.some(({ namespace, name }) => `${namespace}/${name}` === key) ?? false
}

// Whole seconds are kept, and the write came within that second.
function assignedSinceMs(service: Service): number {
  const since = Date.parse(findCondition(service.conditions, assignedCondition)?.lastTransitionTime ?? '')
  return Number.isFinite(since) ? since + 1000 : 0
}

function mattersOfNode(node: Node | undefined): unknown {
  if (node === undefined) return undefined
  const { deleting, ready, networkUnavailable, excluded, drain, rack } = node
  return { deleting, ready, networkUnavailable, excluded, drain, rack }
}

function mattersOfSpeaker(speaker: Speaker | undefined): unknown {
  if (speaker === undefined) return undefined
  const { state, sessions, exceptions } = speaker.status
  return {
    state,
    exceptions,
    sessions: sessions.map(({ peer, state, families, addPath }) => ({ peer, state, families, addPath })),
  }
}

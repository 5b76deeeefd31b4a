// Finalizers that OpenELB and Porter left behind are taken away, so that nothing hangs in Terminating once they are gone
// (openelb-api.md 1.1, 2.6). While one of them is running they are its own business: then that is said in a condition and
// an event, and nothing done.
import type { JsonPatch, PatchOperation } from '../src/core/admission/json-patch.ts'
import {
  type Condition,
  type Metadata,
  type Reason,
  findCondition,
  isLegacyFinalizer,
  keyOf,
  soleProviderCondition,
} from '../src/core/model/index.ts'
import {
  type Resource,
  type WorkOutcome,
  apiVersionOf,
  bgpConfs,
  bgpPeers,
  eips,
  openWorkQueue,
  services,
} from '../src/io/kube/index.ts'
import { conditionOperations, saysSame } from './conditions.ts'
import { type Duty, type Leading, fieldManager, queueTimes } from './duty.ts'
import { type OtherProviders, notSole } from './other-providers.ts'
import { outcomeOf } from './outcome.ts'
import { openRivals } from './rivals.ts'

/** While another provider is at work it is looked for again, the first time after so long, then less and less often. */
const lookAgainMs = 5_000
const lookAgainAtMostMs = 60_000

/** Operations that take the legacy ones out of the list and fail when the list has changed; empty: there are none. */
export function withoutLegacyFinalizers(finalizers: readonly string[]): readonly PatchOperation[] {
  return finalizers
    .map((finalizer, at) => ({ finalizer, path: `/metadata/finalizers/${at}` }))
    .filter(({ finalizer }) => isLegacyFinalizer(finalizer))
    .toReversed()
    .flatMap(({ finalizer, path }): readonly PatchOperation[] => [
      { op: 'test', path, value: finalizer },
      { op: 'remove', path },
    ])
}

export function keepFinalizersAway(leading: Leading, others: OtherProviders): Duty {
  const { client, view, events, clock, random, log } = leading
  const rivals = openRivals(leading)
  const queue = openWorkQueue({ work: clean, workers: 4, clock, random, log, ...queueTimes(leading, 'finalizers') })
  const kinds: readonly { readonly resource: Resource; readonly get: (key: string) => Metadata | undefined }[] = [
    { resource: services, get: (key) => view.services.get(key) },
    { resource: eips, get: (key) => view.pools.eips.get(key) },
    { resource: bgpPeers, get: (key) => view.peers.get(key) },
    { resource: bgpConfs, get: (key) => view.confs.get(key) },
  ]

  const looks = new Map<string, number>()

  async function clean(task: string): Promise<WorkOutcome> {
    const [plural, ...rest] = task.split('/')
    const kind = kinds.find(({ resource }) => resource.plural === plural)
    const object = kind?.get(rest.join('/'))
    if (kind === undefined || object === undefined) return settled(task)
    const operations = withoutLegacyFinalizers(object.finalizers)
    if (operations.length === 0) {
      settled(task)
      return sayOnService(object, undefined)
    }
    const running = await rivals.running()
    if (running === undefined) return 'retry'
    const { resource } = kind
    const { namespace, name, uid } = object
    const ref = { resource, ...(namespace === '' ? {} : { namespace }), name }
    if (running.length > 0) {
      const reason = twoProviders(resource.kind, name, running)
      const about = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...ref, uid }
      if (!looks.has(task)) events.record(about, 'Warning', reason.code, reason.message)
      others.judge(task, reason)
      const said = await sayOnService(object, reason)
      if (said !== 'done') return said
      const look = looks.get(task) ?? 0
      looks.set(task, look + 1)
      return { retryAfterMs: Math.min(lookAgainMs * 2 ** look, lookAgainAtMostMs) }
    }
    const written = await client.patch(ref, { type: 'json', body: operations })
    if (!written.ok && written.error.code !== 'NotFound') return outcomeOf(written.error)
    if (written.ok) log.info('finalizers of another provider removed', { object: task })
    settled(task)
    return sayOnService(object, undefined)
  }

  function settled(task: string): 'done' {
    looks.delete(task)
    others.judge(task, null)
    others.forget(task)
    return 'done'
  }

  /** `reason` undefined: nothing is wrong any more. Other kinds than Services are told by the duties of their status. */
  async function sayOnService({ namespace, name, uid }: Metadata, reason: Reason | undefined): Promise<WorkOutcome> {
    const service = namespace === '' ? undefined : view.services.get(`${namespace}/${name}`)
    if (service === undefined) return 'done'
    const stored = findCondition(service.conditions, soleProviderCondition)
    const wanted = reason === undefined ? undefined : notSole(soleProviderCondition, reason)
    if (saysSame(stored, wanted)) return 'done'
    const path = `/status/conditions/${service.conditions.findIndex(({ type }) => type === soleProviderCondition)}`
    const body: JsonPatch = [
      { op: 'test', path: '/metadata/uid', value: uid },
      ...(wanted === undefined
        ? [
            { op: 'test' as const, path: `${path}/type`, value: soleProviderCondition },
            { op: 'remove' as const, path },
          ]
        : conditionOperations(service.conditions, [wanted], clock.wallMs())),
    ]
    const ref = { resource: services, namespace, name }
    const written = await client.patch(ref, { type: 'json', body, subresource: 'status', fieldManager })
    return written.ok || written.error.code === 'NotFound' ? 'done' : outcomeOf(written.error)
  }

  function look(resource: Resource, object: (Metadata & { conditions?: readonly Condition[] }) | undefined): void {
    if (object === undefined) return
    const task = `${resource.plural}/${keyOf(object)}`
    const said = findCondition(object.conditions ?? [], soleProviderCondition) !== undefined
    if (said || looks.has(task) || object.finalizers.some(isLegacyFinalizer)) queue.add(task)
  }

  const unlisten = view.listen({
    service: (_key, _before, after) => look(services, after),
    peer: (_name, _before, after) => look(bgpPeers, after),
    conf: (_name, _before, after) => look(bgpConfs, after),
    pools: (change) => {
      if (change.kind === 'eip') look(eips, change.after)
    },
  })
  for (const service of view.services.values()) look(services, service)
  for (const eip of view.pools.eips.values()) look(eips, eip)
  for (const peer of view.peers.values()) look(bgpPeers, peer)
  for (const conf of view.confs.values()) look(bgpConfs, conf)
  return {
    depth: () => queue.depth(),
    async stop() {
      unlisten()
      rivals.stop()
      await queue.stop()
    },
  }
}

function twoProviders(kind: string, name: string, leases: readonly string[]): Reason {
  return {
    code: 'OtherProvider',
    message: `the finalizers on ${kind} ${name} are left alone because another provider is at work as well (it renews Lease ${leases.join(', ')}): remove it or Bellhop`,
  }
}

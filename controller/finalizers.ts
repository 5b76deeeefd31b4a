// Finalizers that OpenELB and Porter left behind are taken away, so that nothing hangs in Terminating once they are gone
// (openelb-api.md 1.1, 2.6). While one of them is running they are its own business: then that is said, and nothing done.
import type { PatchOperation } from '../src/core/admission/json-patch.ts'
import { type Metadata, type Reason, keyOf } from '../src/core/model/index.ts'
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
import type { Duty, Leading } from './duty.ts'
import { outcomeOf } from './outcome.ts'
import { openRivals } from './rivals.ts'

const lookAgainMs = 60_000

/** Every finalizer that a version of theirs has written. */
export function isLegacyFinalizer(finalizer: string): boolean {
  return (
    finalizer.startsWith('finalizer.lb.kubesphere.io/') ||
    finalizer === 'finalizer.ipam.kubesphere.io/v1alpha1' ||
    /^node-proxy\.(porter|openelb)\.kubesphere\.io\/finalizer$/.test(finalizer)
  )
}

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

export function keepFinalizersAway(leading: Leading): Duty {
  const { client, view, events, clock, random, log } = leading
  const rivals = openRivals(leading)
  const queue = openWorkQueue({ work: clean, workers: 4, clock, random, log })
  const kinds: readonly { readonly resource: Resource; readonly get: (key: string) => Metadata | undefined }[] = [
    { resource: services, get: (key) => view.services.get(key) },
    { resource: eips, get: (key) => view.pools.eips.get(key) },
    { resource: bgpPeers, get: (key) => view.peers.get(key) },
    { resource: bgpConfs, get: (key) => view.confs.get(key) },
  ]

  async function clean(task: string): Promise<WorkOutcome> {
    const [plural, ...rest] = task.split('/')
    const kind = kinds.find(({ resource }) => resource.plural === plural)
    const object = kind?.get(rest.join('/'))
    if (kind === undefined || object === undefined) return 'done'
    const operations = withoutLegacyFinalizers(object.finalizers)
    if (operations.length === 0) return 'done'
    const running = await rivals.running()
    if (running === undefined) return 'retry'
    const { resource } = kind
    const { namespace, name, uid } = object
    const ref = { resource, ...(namespace === '' ? {} : { namespace }), name }
    if (running.length > 0) {
      const { code, message } = twoProviders(resource.kind, name, running)
      events.record({ apiVersion: apiVersionOf(resource), kind: resource.kind, ...ref, uid }, 'Warning', code, message)
      return { retryAfterMs: lookAgainMs }
    }
    const written = await client.patch(ref, { type: 'json', body: operations })
    if (written.ok) log.info('finalizers of another provider removed', { object: task })
    return written.ok || written.error.code === 'NotFound' ? 'done' : outcomeOf(written.error)
  }

  function look(resource: Resource, object: Metadata | undefined): void {
    if (object?.finalizers.some(isLegacyFinalizer) === true) queue.add(`${resource.plural}/${keyOf(object)}`)
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
    message: `the finalizers on ${kind} ${name} are left alone because another provider is at work as well (it renews Lease ${leases.join(', ')}): remove it`,
  }
}

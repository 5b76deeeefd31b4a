// What of Bellhop there is in the cluster, found by its label: so also after an uninstall that was broken off.
import { readLease } from '../src/core/explain/index.ts'
import { isLegacyFinalizer, keyOf, peersNamespace, poolLabel, readMetadata, stringAt } from '../src/core/model/index.ts'
import type { KubeClient, KubeObject, Resource, Selection } from '../src/io/kube/interface.ts'
import {
  bgpConfs,
  bgpPeers,
  eipAllocations,
  eips,
  leases,
  namespaces,
  pods,
  racks,
  secrets,
  services,
  speakers,
} from '../src/io/kube/resources.ts'
import { CannotAsk, cannotAsk } from './connect.ts'
import { listAll } from './list-all.ts'
import {
  definitionName,
  definitions,
  hooks,
  ownPlurals,
  policies,
  remains,
  sharedPlurals,
  workloads,
} from './uninstall-kinds.ts'
import type { Inventory, Part } from './uninstall-plan.ts'

const bellhop = 'app.kubernetes.io/name=bellhop'
const otherLeases = ['openelb-controller', 'openelb-speaker', 'openelb-manager', 'porter-manager', 'porter-speaker']
/** They renew every 2 s. */
const otherAliveMs = 60_000

/** Throws CannotAsk when something cannot be read: half an uninstall is worse than none. */
export async function readInventory(client: KubeClient, system: string): Promise<Inventory> {
  const own = [...new Set([system, peersNamespace])]
  const list = (resource: Resource, selection: Selection = {}): Promise<readonly KubeObject[]> =>
    listOrNone(client, resource, selection)
  const labelled = async (kinds: readonly Resource[]): Promise<readonly Part[]> => {
    const lists = await Promise.all(
      kinds.map(async (resource) =>
        (await list(resource, { labelSelector: bellhop }))
          .filter((object) => isPart(object, own))
          .map((object) => partOf(resource, object)),
      ),
    )
    return lists.flat()
  }
  const kinds = [eips, bgpConfs, bgpPeers, eipAllocations, speakers, racks]
  const [hooked, policed, running, remaining, defined, spaces, systemPods, systemLeases, allLeases, holding, objects] =
    await Promise.all([
      labelled(hooks),
      labelled(policies),
      Promise.all(workloads.map((resource) => list(resource, { namespace: system, labelSelector: bellhop }))),
      labelled(remains),
      list(definitions),
      list(namespaces),
      list(pods, { namespace: system, labelSelector: `${bellhop},app.kubernetes.io/component=speaker` }),
      list(leases, { namespace: system }),
      list(leases),
      list(services, { labelSelector: poolLabel }),
      Promise.all(kinds.map((resource) => list(resource))),
    ])
  const found = spaces.filter(({ metadata }) => own.includes(metadata.name ?? ''))
  const isLabelled = ({ metadata }: KubeObject): boolean => metadata.labels?.['app.kubernetes.io/name'] === 'bellhop'
  const speakerNodes = systemPods.flatMap((pod) => stringAt(pod, 'spec', 'nodeName') ?? []).toSorted()
  const systemIsForeign = found.some((each) => each.metadata.name === system && !isLabelled(each))
  const known = new Set([...sharedPlurals, ...ownPlurals].map(definitionName))
  const withFinalizers = [
    ...kinds.map((resource, at) => [resource, objects[at] ?? []] as const),
    [services, holding] as const,
  ]
  return {
    hooks: hooked,
    policies: policed,
    workloads: workloads.flatMap((resource, at) => (running[at] ?? []).map((object) => partOf(resource, object))),
    remains: remaining,
    definitions: defined
      .filter((object) => known.has(object.metadata.name ?? '') && isLabelled(object))
      .map((object) => partOf(definitions, object)),
    namespaces: found.map((object) => ({ name: object.metadata.name ?? '', ours: isLabelled(object) })),
    unlabelled: systemIsForeign ? unlabelledIn(system, systemLeases) : [],
    speakerNodes,
    deadSpeakers: (objects[4] ?? [])
      .map(({ metadata }) => metadata.name ?? '')
      .filter((node) => !speakerNodes.includes(node)),
    services: holding.map((object) => keyOf(readMetadata(object))),
    objects: new Map(kinds.map(({ plural }, at) => [plural, objects[at]?.length ?? 0])),
    finalized: withFinalizers.flatMap(([resource, all]) =>
      all
        .filter(({ metadata }) => metadata.finalizers?.some(isLegacyFinalizer) === true)
        .map((object) => ({ ...partOf(resource, object), finalizers: object.metadata.finalizers ?? [] })),
    ),
    otherProviders: runningOthers(allLeases),
    release: running.flat().flatMap(({ metadata }) => metadata.annotations?.['meta.helm.sh/release-name'] ?? [])[0],
  }
}

async function listOrNone(
  client: KubeClient,
  resource: Resource,
  selection: Selection,
): Promise<readonly KubeObject[]> {
  const answer = await listAll(client, resource, selection)
  if (answer.ok) return answer.value
  // The kind itself is not there: no Prometheus operator, or Bellhop's definitions are gone already.
  if (answer.error.code === 'NotFound') return []
  if (answer.error.code === 'Forbidden')
    throw new CannotAsk(`Not allowed to read ${resource.plural}: ${answer.error.message}`)
  throw cannotAsk(answer.error)
}

// The label alone is not enough where others live: somebody may have an application of that name.
function isPart({ metadata }: KubeObject, own: readonly string[]): boolean {
  return own.includes(metadata.namespace ?? '') || metadata.name?.startsWith('bellhop') === true
}

function partOf(resource: Resource, { metadata }: KubeObject): Part {
  return { resource, namespace: metadata.namespace, name: metadata.name ?? '' }
}

// What the programs make themselves.
function unlabelledIn(namespace: string, all: readonly KubeObject[]): readonly Part[] {
  const ours = all.filter(({ metadata }) => /^(speaker-.+|bellhop-controller)$/.test(metadata.name ?? ''))
  return [
    ...ours.map((object) => partOf(leases, object)),
    { resource: secrets, namespace, name: 'bellhop-webhook-tls' },
  ]
}

// By the clock of the API server's own clients, not by ours: a Lease is alive if it was renewed not long before the newest
// renewal of any.
function runningOthers(objects: readonly KubeObject[]): readonly string[] {
  const all = objects.map(readLease)
  const newestMs = all.reduce((newest, { renewedMs = 0 }) => Math.max(newest, renewedMs), 0)
  return all
    .filter(({ name, holder, renewedMs = 0 }) => {
      return otherLeases.includes(name) && holder !== '' && newestMs - renewedMs < otherAliveMs
    })
    .map((lease) => `Lease ${keyOf(lease)}`)
    .toSorted()
}

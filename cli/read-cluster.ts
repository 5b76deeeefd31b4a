// One read of the cluster: lists in parallel, in pages, each into the raw objects that core/explain makes values of.
// What one may not read, or what is not installed, is named in `unread` and costs its part alone.
import {
  type Cluster,
  type ClusterObjects,
  type Part,
  type Unread,
  clusterOf,
  parts,
} from '../src/core/explain/index.ts'
import { type KubeObjectLike, poolLabel, systemNamespace } from '../src/core/model/index.ts'
import type { KubeClient, KubeError, Resource, Selection } from '../src/io/kube/interface.ts'
import {
  bgpConfs,
  bgpPeers,
  daemonSets,
  deployments,
  eipAllocations,
  eips,
  endpointSlices,
  leases,
  mutatingWebhookConfigurations,
  namespaces,
  nodes,
  racks,
  serviceCidrs,
  services,
  speakers,
  validatingWebhookConfigurations,
} from '../src/io/kube/resources.ts'
import { cannotAsk } from './connect.ts'
import { listAll } from './list-all.ts'

export interface ReadOptions {
  /** Default: everything. */
  readonly parts?: readonly Part[]
  /** Slices of that Service alone, and that Service whatever its type; default: those that speakers look at. */
  readonly service?: { readonly namespace: string; readonly name: string } | undefined
  /** Default: bellhop-system. */
  readonly systemNamespace?: string | undefined
  readonly wallMs?: (() => number) | undefined
}

/** Throws CannotAsk when the cluster does not answer at all. */
export async function readCluster(client: KubeClient, options: ReadOptions = {}): Promise<Cluster> {
  const { parts: wanted = parts, systemNamespace: system = systemNamespace, wallMs = Date.now } = options
  const unread: Unread[] = []
  const read = async (part: Part): Promise<readonly [Part, readonly KubeObjectLike[]]> => {
    const items: KubeObjectLike[] = []
    const lists = listsOf(part, system, options.service)
    const answers = await Promise.all(lists.map(({ resource, selection }) => listAll(client, resource, selection)))
    for (const [at, answer] of answers.entries()) {
      if (answer.ok) {
        items.push(...answer.value)
        continue
      }
      const { error } = answer
      if (error.code !== 'Forbidden' && error.code !== 'NotFound') throw cannotAsk(error)
      const isSaid = lists[at]?.isOptional === true || unread.some((each) => each.part === part)
      if (!isSaid) unread.push({ part, why: whyUnread(part, error) })
    }
    return [part, items]
  }
  const objects = Object.fromEntries(await Promise.all(wanted.map(read))) as ClusterObjects
  const order = (a: Unread, b: Unread): number => parts.indexOf(a.part) - parts.indexOf(b.part)
  return clusterOf(objects, { readAtMs: wallMs(), systemNamespace: system, unread: unread.toSorted(order) })
}

function whyUnread(part: Part, { code }: KubeError): string {
  return code === 'Forbidden'
    ? `not allowed to read ${part}: answers that rest on them are left out`
    : `the cluster has no ${part}: is all of Bellhop installed (manifests/crds)?`
}

interface List {
  readonly resource: Resource
  readonly selection: Selection
  /** Who may not read it misses little: nothing is said. */
  readonly isOptional?: true
}

function listsOf(part: Part, system: string, service: ReadOptions['service']): readonly List[] {
  if (isWhole(part)) return [{ resource: wholeLists[part], selection: {} }]
  const bellhop = 'app.kubernetes.io/name=bellhop'
  const ofKubernetes = { namespace: 'default', labelSelector: 'kubernetes.io/service-name=kubernetes' }
  switch (part) {
    case 'services':
      return [
        { resource: services, selection: { fieldSelector: 'spec.type=LoadBalancer' } },
        // What has been one, and what tells the family of the cluster.
        { resource: services, selection: { labelSelector: poolLabel } },
        {
          resource: services,
          selection: { namespace: 'default', fieldSelector: 'metadata.name=kubernetes' },
          isOptional: true,
        },
        ...(service === undefined ? [] : [{ resource: services, selection: named(service) }]),
      ]
    case 'endpointslices':
      return [
        { resource: endpointSlices, selection: ofKubernetes, isOptional: true },
        ...(service === undefined
          ? [
              { resource: endpointSlices, selection: { labelSelector: poolLabel } },
              // Of Services without a selector: they carry no label of ours.
              { resource: endpointSlices, selection: { labelSelector: bareSlices } },
            ]
          : [slicesOf(service)]),
      ]
    case 'leases':
      return [{ resource: leases, selection: { namespace: system } }]
    case 'deployments':
      return [{ resource: deployments, selection: { namespace: system, labelSelector: bellhop } }]
    case 'daemonsets':
      return [{ resource: daemonSets, selection: { namespace: system, labelSelector: bellhop } }]
    case 'mutatingwebhookconfigurations':
      return [{ resource: mutatingWebhookConfigurations, selection: { labelSelector: bellhop } }]
    case 'validatingwebhookconfigurations':
      return [{ resource: validatingWebhookConfigurations, selection: { labelSelector: bellhop } }]
  }
}

const bareSlices = `kubernetes.io/service-name,endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io,!${poolLabel}`

const wholeLists = {
  namespaces,
  nodes,
  servicecidrs: serviceCidrs,
  eips,
  eipallocations: eipAllocations,
  bgpconfs: bgpConfs,
  bgppeers: bgpPeers,
  speakers,
  racks,
}

function isWhole(part: Part): part is keyof typeof wholeLists {
  return part in wholeLists
}

function slicesOf({ namespace, name }: { readonly namespace: string; readonly name: string }): List {
  return {
    resource: endpointSlices,
    selection: { namespace, labelSelector: `kubernetes.io/service-name=${name}` },
  }
}

function named({ namespace, name }: { readonly namespace: string; readonly name: string }): Selection {
  return { namespace, fieldSelector: `metadata.name=${name}` }
}

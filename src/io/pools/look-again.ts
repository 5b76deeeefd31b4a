// Before a "no" is said: watches lag by some milliseconds, and nobody is refused for what is not so any more, such as an
// Eip deleted or a default taken away by the command before. The API server is asked, and it is decided again.
import type { Pools } from '../../core/ipam/index.ts'
import { type eipLabel, type namespaceLabel, readAllocation, readEip, readMetadata } from '../../core/model/index.ts'
import type { KubeClient, KubeObject, Resource } from '../kube/interface.ts'
import { isOlderVersion } from '../kube/resource-version.ts'
import { eipAllocations, eips, namespaces } from '../kube/resources.ts'
import type { Allocations } from './allocations.ts'

const pageSize = 500

/**
 * `pools` with all Eips, and the labels of `namespace`, as a consistent read has them (Kubernetes API concepts, "Resource
 * versions"); what the watches know stays untouched. Undefined: the API server did not say in `timeoutMs`.
 */
export async function readPools(
  client: KubeClient,
  pools: Pools,
  { namespace, timeoutMs }: { readonly namespace: string | undefined; readonly timeoutMs: number },
): Promise<Pools | undefined> {
  const [listed, found] = await Promise.all([
    listAll(client, eips, { timeoutMs }),
    namespace === undefined
      ? undefined
      : client.list(namespaces, { fieldSelector: `metadata.name=${namespace}`, timeoutMs }),
  ])
  if (listed === undefined || found?.ok === false) return undefined
  const labels = new Map(pools.namespaces)
  for (const object of found?.value.items ?? []) labels.set(object.metadata.name ?? '', readMetadata(object).labels)
  const byName = new Map(listed.objects.map(readEip).map((eip) => [eip.name, eip]))
  return { ...pools, eips: byName, namespaces: labels }
}

/**
 * Brings what is known of the records with the label up to date: of an Eip, or of a namespace, among `eipNames`. False:
 * the API server did not say.
 */
export async function refreshRecords(
  client: KubeClient,
  { taken, learn, forget }: Pick<Allocations, 'learn' | 'forget' | 'taken'>,
  options: {
    readonly label: typeof eipLabel | typeof namespaceLabel
    readonly value: string
    readonly eipNames: Iterable<string>
    readonly timeoutMs: number
  },
): Promise<boolean> {
  const { label, value, eipNames, timeoutMs } = options
  const listed = await listAll(client, eipAllocations, { labelSelector: `${label}=${value}`, timeoutMs })
  if (listed === undefined) return false
  const found = new Set<string>()
  for (const record of listed.objects.map(readAllocation)) {
    if (record === undefined) continue
    found.add(record.name)
    learn(record)
  }
  for (const eip of eipNames) {
    const known = [...taken.ofEip(eip)].filter(({ labels }) => labels[label] === value)
    for (const { name, resourceVersion } of known) {
      if (!found.has(name) && isOlderVersion(resourceVersion, listed.resourceVersion)) forget(name)
    }
  }
  return true
}

async function listAll(
  client: KubeClient,
  resource: Resource,
  options: { readonly labelSelector?: string; readonly timeoutMs: number },
): Promise<{ readonly objects: readonly KubeObject[]; readonly resourceVersion: string } | undefined> {
  const objects: KubeObject[] = []
  let resourceVersion = ''
  let next: string | undefined
  do {
    const page = await client.list(resource, {
      ...options,
      limit: pageSize,
      ...(next === undefined ? {} : { continue: next }),
    })
    if (!page.ok) return undefined
    objects.push(...page.value.items)
    resourceVersion = page.value.resourceVersion
    next = page.value.continue
  } while (next !== undefined && next !== '')
  return { objects, resourceVersion }
}

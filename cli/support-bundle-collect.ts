// Everything that helps to tell from afar what is wrong, read as it is; what may be shown of it is decided elsewhere.
import { type Unread, parts } from '../src/core/explain/index.ts'
import { type KubeObjectLike, listAt, numberAt, poolLabel, readMetadata, stringAt } from '../src/core/model/index.ts'
import type { KubeClient, KubeObject, Resource, Selection } from '../src/io/kube/interface.ts'
import {
  bgpConfs,
  bgpPeers,
  customResourceDefinitions,
  daemonSets,
  deployments,
  eipAllocations,
  eips,
  endpointSlices,
  events,
  leases,
  mutatingWebhookConfigurations,
  namespaces,
  nodes,
  pods,
  racks,
  serviceCidrs,
  services,
  speakers,
  validatingWebhookConfigurations,
} from '../src/io/kube/resources.ts'
import type { TextReader } from '../src/io/kube/text.ts'
import { listAll } from './list-all.ts'
import { policies } from './uninstall-kinds.ts'

export interface Collected {
  /** By plural; Secrets are never read. */
  readonly objects: ReadonlyMap<string, readonly KubeObjectLike[]>
  /** By path in the bundle: logs, metrics, the version of the API server. */
  readonly texts: ReadonlyMap<string, string>
  /** What could not be had, a sentence each. */
  readonly missing: readonly string[]
  /** Of that, the lists on which answers rest. */
  readonly unread: readonly Unread[]
}

export interface CollectOptions {
  readonly client: KubeClient
  readonly text: TextReader
  readonly system: string
  /** Lines of each log. */
  readonly tailLines: number
}

const bellhop = 'app.kubernetes.io/name=bellhop'
const eventSources = ['bellhop-controller', 'bellhop-speaker']
const logLimitBytes = 4 * 1024 * 1024
const textTimeoutMs = 15_000
const atOnce = 8

interface Wanted {
  readonly resource: Resource
  readonly selections: readonly Selection[]
}

function wantedOf(system: string): readonly Wanted[] {
  const all = (resource: Resource): Wanted => ({ resource, selections: [{}] })
  const labelled = (resource: Resource, namespace?: string): Wanted => ({
    resource,
    selections: [{ labelSelector: bellhop, ...(namespace === undefined ? {} : { namespace }) }],
  })
  return [
    ...[eips, bgpConfs, bgpPeers, eipAllocations, speakers, racks, nodes, namespaces, serviceCidrs].map(all),
    // Only Services that could be ours, and what is behind those that are.
    {
      resource: services,
      selections: [
        { fieldSelector: 'spec.type=LoadBalancer' },
        { labelSelector: poolLabel },
        { namespace: 'default', fieldSelector: 'metadata.name=kubernetes' },
        { namespace: system, labelSelector: bellhop },
      ],
    },
    {
      resource: endpointSlices,
      selections: [
        { labelSelector: poolLabel },
        { namespace: 'default', labelSelector: 'kubernetes.io/service-name=kubernetes' },
        { namespace: system },
      ],
    },
    { resource: leases, selections: [{ namespace: system }] },
    { resource: pods, selections: [{ namespace: system }] },
    labelled(deployments, system),
    labelled(daemonSets, system),
    ...[mutatingWebhookConfigurations, validatingWebhookConfigurations, customResourceDefinitions].map((kind) =>
      labelled(kind),
    ),
    ...policies.map((kind) => labelled(kind)),
    {
      resource: events,
      // Of a large cluster's tens of thousands, ours.
      selections: [
        { namespace: system },
        ...eventSources.map((source) => ({ fieldSelector: `reportingController=${source}` })),
      ],
    },
  ]
}

export async function collect({ client, text, system, tailLines }: CollectOptions): Promise<Collected> {
  const missing: string[] = []
  const unread: Unread[] = []
  const objects = new Map<string, readonly KubeObjectLike[]>()
  const texts = new Map<string, string>()
  await forEach(wantedOf(system), async ({ resource, selections }) => {
    const found = new Map<string, KubeObject>()
    for (const selection of selections) {
      const answer = await listAll(client, resource, selection)
      if (answer.ok) {
        for (const object of answer.value) {
          found.set(`${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`, object)
        }
      } else {
        missing.push(`${resource.plural}: ${answer.error.message}`)
        const part = parts.find((name) => name === resource.plural)
        if (part !== undefined) unread.push({ part, why: `${part} could not be read` })
      }
    }
    objects.set(resource.plural, [...found.values()])
  })
  const readText = async (path: string, into: string): Promise<void> => {
    const answer = await text.read(path, { limitBytes: logLimitBytes, timeoutMs: textTimeoutMs })
    if (answer.ok) texts.set(into, answer.value)
    else missing.push(`${into}: ${answer.error.message}`)
  }
  const reads = (objects.get(pods.plural) ?? []).flatMap((pod) => textsOf(pod, system, tailLines))
  await forEach([{ path: '/version', into: 'versions/api-server.json' }, ...reads], ({ path, into }) =>
    readText(path, into),
  )
  return { objects, texts, missing: missing.toSorted(), unread }
}

/** Logs of every container, also of the run before where there was one, and the metrics. */
function textsOf(
  pod: KubeObjectLike,
  system: string,
  tailLines: number,
): readonly { readonly path: string; readonly into: string }[] {
  const { name } = readMetadata(pod)
  const base = `/api/v1/namespaces/${encodeURIComponent(system)}/pods/`
  return listAt(pod, 'spec', 'containers').flatMap((container) => {
    const of = stringAt(container, 'name') ?? ''
    const log = `${base}${name}/log?container=${encodeURIComponent(of)}&tailLines=${tailLines}&limitBytes=${logLimitBytes}`
    const status = listAt(pod, 'status', 'containerStatuses').find((each) => stringAt(each, 'name') === of)
    const port = listAt(container, 'ports').find((each) => stringAt(each, 'name') === 'metrics')
    const metricsPort = numberAt(port, 'containerPort')
    return [
      { path: log, into: `logs/${name}.${of}.log` },
      ...((numberAt(status, 'restartCount') ?? 0) > 0
        ? [{ path: `${log}&previous=true`, into: `logs/${name}.${of}.previous.log` }]
        : []),
      ...(metricsPort === undefined
        ? []
        : [{ path: `${base}http:${name}:${metricsPort}/proxy/metrics`, into: `metrics/${name}.txt` }]),
    ]
  })
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}

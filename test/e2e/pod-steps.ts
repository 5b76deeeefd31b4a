// Pods of a claim's own behind Services of its own: where they run, when they end, and what their EndpointSlices say.
import { endpointSlices } from '../../src/io/kube/index.ts'
import { type Lab, type NodeName, waitFor } from '../lab/index.ts'
import { getOrUndefined, remove } from './claim.ts'

export interface OwnPod {
  readonly name: string
  /** Label `app`. */
  readonly app: string
  readonly node: NodeName
  /** How long it goes on serving when it is deleted. */
  readonly lingerSeconds?: number
}

const podPath = (name: string): string => `/api/v1/namespaces/default/pods/${name}`

/** Resolves when the Pod is ready. */
export async function createPod(lab: Lab, { name, app, node, lingerSeconds }: OwnPod): Promise<void> {
  const lifecycle = lingerSeconds === undefined ? undefined : { preStop: { sleep: { seconds: lingerSeconds } } }
  await lab.request('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name, labels: { app } },
    spec: {
      nodeName: node,
      containers: [{ name: 'http', image: 'lab/http-echo', ports: [{ containerPort: 8080 }], lifecycle }],
    },
  })
  await waitFor(`Pod ${name} is ready`, () => lab.pods().some((run) => run.pod.name === name && run.isReady()), {
    timeoutMs: 60_000,
  })
}

/** Resolves when the API server has begun to delete it. */
export async function deletePod(lab: Lab, name: string): Promise<void> {
  await lab.request('DELETE', podPath(name))
}

/** Makes the Pods, shows, and waits until nothing is left of them, nor of others named in `also`. */
export async function withPods<T>(
  lab: Lab,
  pods: readonly OwnPod[],
  show: () => Promise<T>,
  also: readonly string[] = [],
): Promise<T> {
  const names = [...pods.map(({ name }) => name), ...also]
  try {
    await Promise.all(pods.map((pod) => createPod(lab, pod)))
    return await show()
  } finally {
    await remove(lab, 'pod', ...names)
    for (const name of names) {
      await waitFor(`Pod ${name} is gone`, async () => (await getOrUndefined(lab, podPath(name))) === undefined, {
        timeoutMs: 60_000,
      })
    }
  }
}

export interface Endpoint {
  readonly nodeName?: string
  readonly conditions: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean }
}

interface SlicesWatch {
  /** Of all its slices, as last heard. */
  endpoints(): readonly Endpoint[]
  /** When the last change was heard of, by performance.now(). */
  changedMs(): number
  stop(): void
}

/** Follows the EndpointSlices of a Service from now on; resolves when there is one. */
export async function watchSlices(lab: Lab, service: string): Promise<SlicesWatch> {
  const selection = { namespace: 'default', labelSelector: `kubernetes.io/service-name=${service}` }
  const slices = new Map<string, readonly Endpoint[]>()
  let changedMs = 0
  const endpointsOf = (object: unknown): readonly Endpoint[] =>
    (object as { readonly endpoints?: readonly Endpoint[] | null }).endpoints ?? []
  const listed = await waitFor(
    `Service ${service} has an EndpointSlice`,
    async () => {
      const answer = await lab.api.list(endpointSlices, selection)
      return answer.ok && answer.value.items.length > 0 ? answer.value : undefined
    },
    { timeoutMs: 30_000 },
  )
  for (const object of listed.items) slices.set(object.metadata.name ?? '', endpointsOf(object))
  const { resourceVersion } = listed
  const watch = lab.api.watch(
    endpointSlices,
    { ...selection, resourceVersion, timeoutSeconds: 300 },
    ({ type, object }) => {
      if (type === 'BOOKMARK') return
      changedMs = performance.now()
      if (type === 'DELETED') slices.delete(object.metadata.name ?? '')
      else slices.set(object.metadata.name ?? '', endpointsOf(object))
    },
  )
  return {
    endpoints: () => [...slices.values()].flat(),
    changedMs: () => changedMs,
    stop: () => watch.stop(),
  }
}

// KubeClient over HTTP: kinds and options become requests, answers become values. No cache, no retries beyond those of
// the transport: who calls decides what a failure means.
import { stringAt } from '../../core/model/field.ts'
import type { Clock } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { Credentials } from './credentials.ts'
import { kubeError } from './error.ts'
import type { Answer, KubeClient, KubeList, KubeObject, Resource, WriteOptions } from './interface.ts'
import { openOutages } from './outage.ts'
import { type QueryValue, resourcePath, withQuery } from './path.ts'
import { openRefusals } from './refusals.ts'
import { apiVersionOf } from './resources.ts'
import { type Exchange, nameOf, openTransport } from './transport.ts'
import { openWatch } from './watch.ts'

export interface ClientOptions {
  readonly log: Log
  readonly clock: Clock
  /** `bellhop-speaker/0.1.0`; the part before the slash is the default field manager of writes. */
  readonly userAgent: string
}

const defaultTimeoutMs = 30_000

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  // JSON is YAML; servers before 1.3x know server-side apply by this name only.
  apply: 'application/apply-patch+yaml',
} as const

/** Opens nothing yet: connections are made by the first calls. */
export function openClient(credentials: Credentials, { log, clock, userAgent }: ClientOptions): KubeClient {
  const transport = openTransport(credentials, { clock, userAgent })
  const outages = openOutages(clock)
  const refusals = openRefusals(clock, log)

  async function send(exchange: Exchange): Promise<Answer<unknown>> {
    const answer = await transport.send(exchange)
    outages.note(answer)
    refusals.note(exchange.method, exchange.path, answer)
    return answer
  }

  async function sendForObject(exchange: Exchange): Promise<Answer<KubeObject>> {
    const answer = await send(exchange)
    if (!answer.ok) return answer
    if (isKubeObject(answer.value)) return { ok: true, value: answer.value }
    return { ok: false, error: kubeError('MalformedAnswer', nameOf(exchange.method, exchange.path), 'not an object') }
  }

  return {
    get: (ref, { timeoutMs = defaultTimeoutMs } = {}) =>
      sendForObject({ method: 'GET', path: resourcePath(ref.resource, ref), timeoutMs }),

    async list(resource, { namespace, timeoutMs = defaultTimeoutMs, ...query } = {}) {
      const path = withQuery(resourcePath(resource, { namespace }), {
        labelSelector: query.labelSelector,
        fieldSelector: query.fieldSelector,
        limit: query.limit,
        continue: query.continue,
        resourceVersion: query.resourceVersion,
      })
      const answer = await send({ method: 'GET', path, timeoutMs })
      if (!answer.ok) return answer
      return readList(resource, answer.value, nameOf('GET', path))
    },

    create: (resource, object, options = {}) =>
      sendForObject({
        method: 'POST',
        path: withQuery(resourcePath(resource, { namespace: object.metadata.namespace }), writeQuery(options)),
        body: JSON.stringify(object),
        timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
      }),

    patch: (ref, { type, body, subresource, force, ...options }) =>
      sendForObject({
        method: 'PATCH',
        path: withQuery(resourcePath(ref.resource, { ...ref, subresource }), { ...writeQuery(options), force }),
        contentType: patchTypes[type],
        body: JSON.stringify(body),
        timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
      }),

    replace: (ref, object, options = {}) =>
      sendForObject({
        method: 'PUT',
        path: withQuery(resourcePath(ref.resource, ref), writeQuery(options)),
        body: JSON.stringify(object),
        timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
      }),

    async delete(ref, { uid, resourceVersion, timeoutMs = defaultTimeoutMs } = {}) {
      const conditional = uid !== undefined || resourceVersion !== undefined
      const answer = await send({
        method: 'DELETE',
        path: resourcePath(ref.resource, ref),
        body: conditional ? JSON.stringify({ preconditions: { uid, resourceVersion } }) : undefined,
        timeoutMs,
      })
      return answer.ok ? { ok: true, value: undefined } : answer
    },

    watch: (resource, options, onEvent) => openWatch(transport, { resource, ...options, onEvent, outages, clock, log }),

    close: () => {
      outages.close()
      transport.close()
    },
  }
}

// What we write is typed here: that the API server looks for unknown fields as well would cost it time in every write.
function writeQuery({ dryRun, fieldManager }: WriteOptions): Record<string, QueryValue> {
  return { dryRun: dryRun === true ? 'All' : undefined, fieldManager, fieldValidation: 'Ignore' }
}

function readList(resource: Resource, value: unknown, name: string): Answer<KubeList> {
  const items = (value as { items?: unknown } | null)?.items
  const resourceVersion = stringAt(value, 'metadata', 'resourceVersion')
  // `items` may be null: Go's way of writing an empty list.
  if (resourceVersion === undefined || !(items === null || items === undefined || Array.isArray(items)))
    return { ok: false, error: kubeError('MalformedAnswer', name, 'not a list') }
  const apiVersion = apiVersionOf(resource)
  const objects = ((items ?? []) as Record<string, unknown>[]).map(
    // Items of built-in kinds come without apiVersion and kind.
    (item) => ({ apiVersion, kind: resource.kind, ...item }) as unknown as KubeObject,
  )
  const broken = objects.find((object) => !isKubeObject(object))
  if (broken !== undefined)
    return { ok: false, error: kubeError('MalformedAnswer', name, 'an item of the list has no name') }
  return { ok: true, value: { items: objects, resourceVersion, continue: stringAt(value, 'metadata', 'continue') } }
}

function isKubeObject(value: unknown): value is KubeObject {
  return stringAt(value, 'metadata', 'name') !== undefined && stringAt(value, 'kind') !== undefined
}

// The caBundles: without one the API server calls nobody. They stand in both webhook configurations, and in those of our
// kinds that are converted by the webhook. Only this field is written, and only where our Service is called; the rest
// belongs to whoever installs Bellhop.
import type { PatchOperation } from '../../core/admission/json-patch.ts'
import { listAt, objectAt, stringAt } from '../../core/model/field.ts'
import { group } from '../../core/model/names.ts'
import type { Answer, KubeClient, KubeObject, ObjectRef } from '../kube/interface.ts'
import {
  customResourceDefinitions,
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
} from '../kube/resources.ts'

export interface ServiceName {
  readonly namespace: string
  readonly name: string
}

/**
 * `missing`: no such object, Bellhop is being installed or taken away. `unused`: it does not call our Service.
 */
export type BundleState = 'right' | 'wrong' | 'missing' | 'unused'

// Kinds with more than one version.
const converted = ['eips', 'bgpconfs', 'bgppeers']

/** Every object that holds a caBundle of ours: both configurations of that name, and our kinds. */
export function bundleHolders(configurationName: string): readonly ObjectRef[] {
  return [
    ...[mutatingWebhookConfigurations, validatingWebhookConfigurations].map((resource) => ({
      resource,
      name: configurationName,
    })),
    ...converted.map((plural) => ({ resource: customResourceDefinitions, name: `${plural}.${group}` })),
  ]
}

interface Place {
  /** JSON pointer of the clientConfig. */
  readonly path: string
  readonly clientConfig: unknown
  /** True only while `path` still points at what was read: a list may be reordered in between. */
  readonly test: PatchOperation
}

/** Where the object says how our Service is called. */
function placesOf(object: KubeObject, service: ServiceName): readonly Place[] {
  const webhooks = listAt(object, 'webhooks').map((webhook, index): Place => {
    const test = { op: 'test', path: `/webhooks/${index}/name`, value: stringAt(webhook, 'name') ?? '' } as const
    return { path: `/webhooks/${index}/clientConfig`, clientConfig: objectAt(webhook, 'clientConfig'), test }
  })
  const conversion = objectAt(object, 'spec', 'conversion')
  const test = { op: 'test', path: '/spec/conversion/strategy', value: 'Webhook' } as const
  const clientConfig = objectAt(conversion, 'webhook', 'clientConfig')
  const conversions: readonly Place[] =
    stringAt(conversion, 'strategy') === 'Webhook'
      ? [{ path: '/spec/conversion/webhook/clientConfig', clientConfig, test }]
      : []
  return [...webhooks, ...conversions].filter(
    (place) =>
      stringAt(place.clientConfig, 'service', 'name') === service.name &&
      stringAt(place.clientConfig, 'service', 'namespace') === service.namespace,
  )
}

/** The JSON patch that puts `bundlePem` where it is not; empty when all is right. */
export function planBundle(object: KubeObject, service: ServiceName, bundlePem: string): readonly PatchOperation[] {
  const caBundle = Buffer.from(bundlePem, 'utf8').toString('base64')
  return placesOf(object, service)
    .filter(({ clientConfig }) => stringAt(clientConfig, 'caBundle') !== caBundle)
    .flatMap(({ path, test }) => [test, { op: 'add' as const, path: `${path}/caBundle`, value: caBundle }])
}

/** What the object looks like now. */
export async function readBundleState(
  client: KubeClient,
  ref: ObjectRef,
  service: ServiceName,
  bundlePem: string,
): Promise<Answer<BundleState>> {
  const found = await client.get(ref)
  if (!found.ok) return found.error.code === 'NotFound' ? { ok: true, value: 'missing' } : found
  if (placesOf(found.value, service).length === 0) return { ok: true, value: 'unused' }
  return { ok: true, value: planBundle(found.value, service, bundlePem).length === 0 ? 'right' : 'wrong' }
}

/** Puts the bundle right; answers what was found before. */
export async function applyBundle(
  client: KubeClient,
  ref: ObjectRef,
  service: ServiceName,
  bundlePem: string,
): Promise<Answer<BundleState>> {
  const found = await client.get(ref)
  if (!found.ok) return found.error.code === 'NotFound' ? { ok: true, value: 'missing' } : found
  if (placesOf(found.value, service).length === 0) return { ok: true, value: 'unused' }
  const body = planBundle(found.value, service, bundlePem)
  if (body.length === 0) return { ok: true, value: 'right' }
  const answer = await client.patch(ref, { type: 'json', body })
  return answer.ok ? { ok: true, value: 'wrong' } : answer
}

// The caBundle of the webhook configurations: without it the API server calls nobody. Only this field is written, and
// only in webhooks that point at our Service; the rest belongs to whoever installs Bellhop.
import type { PatchOperation } from '../../core/admission/json-patch.ts'
import { listAt, stringAt } from '../../core/model/field.ts'
import type { Answer, KubeClient, KubeObject, ObjectRef } from '../kube/interface.ts'
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from '../kube/resources.ts'

export interface ServiceName {
  readonly namespace: string
  readonly name: string
}

/** `missing`: no such configuration, Bellhop is being installed or taken away. */
export type BundleState = 'right' | 'wrong' | 'missing'

/** Both configurations that Bellhop's manifests make. */
export function webhookConfigurations(name: string): readonly ObjectRef[] {
  return [mutatingWebhookConfigurations, validatingWebhookConfigurations].map((resource) => ({ resource, name }))
}

/** The JSON patch that puts `bundlePem` where it is not; empty when all is right. */
export function planBundle(
  configuration: KubeObject,
  service: ServiceName,
  bundlePem: string,
): readonly PatchOperation[] {
  const caBundle = Buffer.from(bundlePem, 'utf8').toString('base64')
  return listAt(configuration, 'webhooks').flatMap((webhook, index): readonly PatchOperation[] => {
    const ours =
      stringAt(webhook, 'clientConfig', 'service', 'name') === service.name &&
      stringAt(webhook, 'clientConfig', 'service', 'namespace') === service.namespace
    if (!ours || stringAt(webhook, 'clientConfig', 'caBundle') === caBundle) return []
    return [
      // The list may have been reordered meanwhile: then nothing is written, and the next look finds it.
      { op: 'test', path: `/webhooks/${index}/name`, value: stringAt(webhook, 'name') ?? '' },
      { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle },
    ]
  })
}

/** What the configuration looks like now. */
export async function readBundleState(
  client: KubeClient,
  ref: ObjectRef,
  service: ServiceName,
  bundlePem: string,
): Promise<Answer<BundleState>> {
  const answer = await client.get(ref)
  if (answer.ok) {
    return { ok: true, value: planBundle(answer.value, service, bundlePem).length === 0 ? 'right' : 'wrong' }
  }
  return answer.error.code === 'NotFound' ? { ok: true, value: 'missing' } : answer
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
  const body = planBundle(found.value, service, bundlePem)
  if (body.length === 0) return { ok: true, value: 'right' }
  const answer = await client.patch(ref, { type: 'json', body })
  return answer.ok ? { ok: true, value: 'wrong' } : answer
}

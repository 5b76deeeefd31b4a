// Bellhop on the lab, as its manifests have it.
import { join } from 'node:path'

import { listAt, stringAt } from '../../src/core/model/field.ts'
import type { Lab } from './lab.ts'
import { waitFor } from './wait.ts'

const manifests = join(import.meta.dirname, '../../manifests')

/** Speakers only on the nodes that the guide labels; the others are announced by their rack. */
export const labelledOverlay = join(manifests, 'overlays/labelled')
export const openelbSamples = join(manifests, 'samples/openelb')
export const porterSamples = join(manifests, 'samples/porter')

const configurations = [
  '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/bellhop',
  '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/bellhop',
]

/** Applies the manifests; resolves when every program is ready and the API server can call the webhook. */
export async function deployBellhop(lab: Lab, { overlay = labelledOverlay, timeoutMs = 60_000 } = {}): Promise<void> {
  await lab.deploy(overlay, { timeoutMs })
  for (const path of configurations) {
    await waitFor(
      `Bellhop has put its CA into ${path.split('/').at(-2)}`,
      async () => {
        const webhooks = listAt(await lab.request('GET', path), 'webhooks')
        return webhooks.length > 0 && webhooks.every((each) => stringAt(each, 'clientConfig', 'caBundle') !== undefined)
      },
      { timeoutMs: 20_000 },
    )
  }
}

/** Address in the status of the Service `namespace/name`; undefined while it has none. */
export async function readIngress(lab: Lab, service: string): Promise<string | undefined> {
  const [namespace = '', name = ''] = service.split('/')
  const object = await lab.request('GET', `/api/v1/namespaces/${namespace}/services/${name}`)
  return stringAt(listAt(object, 'status', 'loadBalancer', 'ingress')[0], 'ip')
}

// The ServiceAccount of a Pod as a folder: token, ca.crt, namespace, as a kubelet mounts it.
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { stringAt } from '../../src/core/model/field.ts'
import type { Plane } from './plane.ts'
import type { Pod } from './pod.ts'

const tokenSeconds = 3607

/** How often the folder is to be written again. */
export const tokenRenewMs = 30 * 60_000

/** Writes the folder with a new token, bound to this Pod: so it says on which node it runs, and ends with it. */
export async function writeAccount({ api, ca }: Plane, pod: Pod, directory: string): Promise<void> {
  const answer = await api.request(
    'POST',
    `/api/v1/namespaces/${pod.namespace}/serviceaccounts/${pod.serviceAccount}/token`,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        expirationSeconds: tokenSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid },
      },
    },
  )
  const token = stringAt(answer, 'status', 'token')
  if (token === undefined) throw new Error('the API server has answered without a token')
  mkdirSync(directory, { recursive: true })
  const { user, group } = pod.container.confinement
  for (const [file, text, mode] of [
    ['token', token, 0o600],
    ['ca.crt', ca, 0o644],
    ['namespace', pod.namespace, 0o644],
  ] as const) {
    writeFileSync(join(directory, file), text)
    chmodSync(join(directory, file), mode)
    chownSync(join(directory, file), user, group)
  }
}

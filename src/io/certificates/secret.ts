// The Secret that all replicas share: whoever comes first writes it, the others adopt what they find.
import { objectAt, stringAt } from '../../core/model/field.ts'
import type { Answer, KubeClient, KubeObject, ObjectRef } from '../kube/interface.ts'
import { secrets } from '../kube/resources.ts'
import type { CertificateMaterial } from './material.ts'

/** Missing fields read as empty: such a Secret is filled, not replaced. */
export interface StoredSecret {
  readonly resourceVersion: string
  readonly material: CertificateMaterial
}

/** `value` undefined: there is no Secret. */
export async function readSecret(client: KubeClient, ref: ObjectRef): Promise<Answer<StoredSecret | undefined>> {
  const answer = await client.get(ref)
  if (answer.ok) return { ok: true, value: toStored(answer.value) }
  return answer.error.code === 'NotFound' ? { ok: true, value: undefined } : answer
}

/**
 * Writes only over what was read: AlreadyExists or Conflict when another replica was faster, and its material is to be
 * read and adopted.
 */
export async function writeSecret(
  client: KubeClient,
  ref: ObjectRef,
  material: CertificateMaterial,
  over: StoredSecret | undefined,
): Promise<Answer<StoredSecret>> {
  const data = {
    'ca.crt': encode(material.authoritiesPem),
    'ca.key': encode(material.authorityKeyPem),
    'tls.crt': encode(material.leaf.certificatePem),
    'tls.key': encode(material.leaf.keyPem),
  }
  const answer =
    over === undefined
      ? await client.create(secrets, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: {
            name: ref.name,
            ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }),
            labels: { 'app.kubernetes.io/part-of': 'bellhop' },
          },
          type: 'kubernetes.io/tls',
          data,
        })
      : await client.patch(ref, {
          type: 'merge',
          // With a resourceVersion a merge patch is a compare-and-set.
          body: { metadata: { resourceVersion: over.resourceVersion }, data },
        })
  return answer.ok ? { ok: true, value: toStored(answer.value) } : answer
}

export function secretRef(namespace: string, name: string): ObjectRef {
  return { resource: secrets, namespace, name }
}

function toStored(object: KubeObject): StoredSecret {
  const data = objectAt(object, 'data')
  const decode = (key: string): string => Buffer.from(stringAt(data, key) ?? '', 'base64').toString('utf8')
  return {
    resourceVersion: object.metadata.resourceVersion ?? '',
    material: {
      authoritiesPem: decode('ca.crt'),
      authorityKeyPem: decode('ca.key'),
      leaf: { certificatePem: decode('tls.crt'), keyPem: decode('tls.key') },
    },
  }
}

function encode(pem: string): string {
  return Buffer.from(pem, 'utf8').toString('base64')
}

// What `status` tries besides reading: whether the API server reaches the webhook, and how long its certificate lasts.
import { X509Certificate } from 'node:crypto'
import type { Probes } from '../src/core/explain/index.ts'
import { addressAnnotation, stringAt } from '../src/core/model/index.ts'
import type { KubeClient } from '../src/io/kube/interface.ts'
import { secrets, services } from '../src/io/kube/resources.ts'

const notAnAddress = 'bellhop-status'

/**
 * As a dry run a Service is created that the webhook must refuse, since it asks for what is no address. Refused in its
 * words: it answers. Created: nobody asked it. Nothing is stored and no address is claimed either way.
 */
export async function probeWebhook(client: KubeClient, timeoutMs: number): Promise<boolean | undefined> {
  const object = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: 'bellhop-status', annotations: { [addressAnnotation[0]]: notAnAddress } },
    spec: { type: 'LoadBalancer', loadBalancerClass: 'bellhop.dev/lb', ports: [{ port: 80, protocol: 'TCP' }] },
  }
  const answer = await client.create(services, object, { dryRun: true, timeoutMs })
  if (answer.ok) return false
  return answer.error.message.includes(`"${notAnAddress}"`) ? true : undefined
}

/** Wall time; undefined: there is none, or it may not be read. Of the Secret only the certificate is looked at. */
export async function readCertificateEnd(client: KubeClient, namespace: string): Promise<number | undefined> {
  const answer = await client.get({ resource: secrets, namespace, name: 'bellhop-webhook-tls' })
  const pem = answer.ok ? stringAt(answer.value, 'data', 'tls.crt') : undefined
  if (pem === undefined) return undefined
  try {
    return Date.parse(new X509Certificate(Buffer.from(pem, 'base64')).validTo)
  } catch {
    return undefined
  }
}

export async function probe(client: KubeClient, namespace: string): Promise<Probes> {
  const [webhookAnswers, certificateEndsMs] = await Promise.all([
    probeWebhook(client, 10_000),
    readCertificateEnd(client, namespace),
  ])
  return { webhookAnswers, certificateEndsMs }
}

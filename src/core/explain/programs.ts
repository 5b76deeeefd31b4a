// Bellhop's own programs as the cluster shows them: their Leases, how many of their Pods are ready, whether the API
// server would call the webhook.
import {
  type KubeObjectLike,
  type Metadata,
  currentUpToAnnotation,
  listAt,
  numberAt,
  readMetadata,
  stringAt,
} from '../model/index.ts'
import { millisOf } from './time.ts'

export interface Lease extends Metadata {
  /** Empty: given up in good order. */
  readonly holder: string
  /** By the holder's clock. */
  readonly renewedMs: number | undefined
  readonly durationMs: number
  /** Of a speaker: up to when its watches were current, by its clock. */
  readonly currentUpToMs: number | undefined
}

export function readLease(object: KubeObjectLike): Lease {
  const metadata = readMetadata(object)
  return {
    ...metadata,
    holder: stringAt(object, 'spec', 'holderIdentity') ?? '',
    renewedMs: millisOf(stringAt(object, 'spec', 'renewTime') ?? ''),
    durationMs: (numberAt(object, 'spec', 'leaseDurationSeconds') ?? 0) * 1000,
    currentUpToMs: millisOf(metadata.annotations[currentUpToAnnotation] ?? ''),
  }
}

/** A Deployment or DaemonSet of Bellhop. */
export interface Program extends Metadata {
  readonly kind: string
  /** `webhook`, `controller`, `speaker`. */
  readonly component: string
  /** Pods wanted, ready, and of the newest template. */
  readonly wanted: number
  readonly ready: number
  readonly updated: number
  readonly images: readonly string[]
}

export function readProgram(object: KubeObjectLike): Program {
  const metadata = readMetadata(object)
  const { spec, status, kind = '' } = object
  const isDaemonSet = kind === 'DaemonSet'
  return {
    ...metadata,
    kind,
    component: metadata.labels['app.kubernetes.io/component'] ?? metadata.name,
    wanted: (isDaemonSet ? numberAt(status, 'desiredNumberScheduled') : numberAt(spec, 'replicas')) ?? 0,
    ready: numberAt(status, isDaemonSet ? 'numberReady' : 'readyReplicas') ?? 0,
    updated: numberAt(status, isDaemonSet ? 'updatedNumberScheduled' : 'updatedReplicas') ?? 0,
    images: listAt(spec, 'template', 'spec', 'containers').flatMap((container) => stringAt(container, 'image') ?? []),
  }
}

export interface WebhookConfiguration extends Metadata {
  readonly kind: string
  readonly hooks: readonly { readonly name: string; readonly hasCaBundle: boolean; readonly fails: boolean }[]
}

export function readWebhooks(object: KubeObjectLike): WebhookConfiguration {
  return {
    ...readMetadata(object),
    kind: object.kind ?? '',
    hooks: listAt(object, 'webhooks').map((hook) => ({
      name: stringAt(hook, 'name') ?? '',
      hasCaBundle: stringAt(hook, 'clientConfig', 'caBundle') !== undefined,
      fails: stringAt(hook, 'failurePolicy') !== 'Ignore',
    })),
  }
}

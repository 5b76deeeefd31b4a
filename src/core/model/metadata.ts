// What every object has (Kubernetes API conventions, "Metadata").
import { type KubeObjectLike, numberAt, stringAt, stringMapAt, stringsAt } from './field.ts'

export interface Metadata {
  readonly namespace: string
  /** Empty at CREATE when the API server is to generate it. */
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  /** RFC 3339, as the API server wrote it; order of creation, never compared with our own clock. */
  readonly creationTimestamp: string
  readonly deleting: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly finalizers: readonly string[]
}

export function readMetadata({ metadata }: KubeObjectLike): Metadata {
  return {
    namespace: stringAt(metadata, 'namespace') ?? '',
    name: stringAt(metadata, 'name') ?? '',
    uid: stringAt(metadata, 'uid') ?? '',
    resourceVersion: stringAt(metadata, 'resourceVersion') ?? '',
    generation: numberAt(metadata, 'generation') ?? 0,
    creationTimestamp: stringAt(metadata, 'creationTimestamp') ?? '',
    deleting: stringAt(metadata, 'deletionTimestamp') !== undefined,
    labels: stringMapAt(metadata, 'labels'),
    annotations: stringMapAt(metadata, 'annotations'),
    finalizers: stringsAt(metadata, 'finalizers'),
  }
}

/** Key of an object in stores and queues: `namespace/name`, or `name` for a cluster-scoped one. */
export function keyOf({ namespace, name }: Pick<Metadata, 'namespace' | 'name'>): string {
  // One piece, as texts of addresses are.
  return namespace === '' ? name : [namespace, name].join('/')
}

// A Node as far as announcing needs it.
import { type Ip, parseIp } from '../address/index.ts'
import { findCondition, readConditions } from './condition.ts'
import { type KubeObjectLike, listAt, stringAt } from './field.ts'
import { type Metadata, readMetadata } from './metadata.ts'
import { drainAnnotation, eitherSpelling, excludeNodeLabel, rackLabel } from './names.ts'

export interface Node extends Metadata {
  /** Addresses of type InternalIP, in order. */
  readonly internalIps: readonly Ip[]
  /** All addresses of the node that are IPs, ExternalIP too. */
  readonly addresses: readonly Ip[]
  readonly ready: 'True' | 'False' | 'Unknown'
  readonly networkUnavailable: boolean
  readonly excluded: boolean
  readonly drain: boolean
  readonly rack: string | undefined
}

export function readNode(object: KubeObjectLike): Node {
  const metadata = readMetadata(object)
  const conditions = readConditions(object.status)
  const entries = listAt(object.status, 'addresses').map((entry) => ({
    type: stringAt(entry, 'type'),
    ip: parseIp(stringAt(entry, 'address') ?? ''),
  }))
  const addressesOf = (type?: string): readonly Ip[] =>
    entries.filter((entry) => type === undefined || entry.type === type).flatMap(({ ip }) => (ip ? [ip] : []))
  return {
    ...metadata,
    internalIps: addressesOf('InternalIP'),
    addresses: addressesOf(),
    ready: findCondition(conditions, 'Ready')?.status ?? 'Unknown',
    networkUnavailable: findCondition(conditions, 'NetworkUnavailable')?.status === 'True',
    excluded: excludeNodeLabel in metadata.labels,
    drain: metadata.annotations[drainAnnotation] === 'true',
    rack: eitherSpelling(metadata.labels, rackLabel),
  }
}

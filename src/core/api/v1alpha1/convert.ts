// One object from one version into the other.
//
// There: the mapping says what the other version can say; what it cannot is what a mapping back would not restore, and
// goes into the annotation. Back: the mapping again, and what was kept is put in where it contradicts nothing: the
// object must read the same in the other version with it as without. So an edit made in the other version stays, and
// only what that version cannot see comes from the annotation.
import { group } from '../../model/index.ts'
import { sameValue } from '../../status/same-value.ts'
import { bgpConf } from '../bgp-conf.ts'
import { bgpPeer } from '../bgp-peer.ts'
import { objectSchema } from '../crd.ts'
import { eip } from '../eip.ts'
import type { Kind } from '../kind.ts'
import { type Version, fitsTypes, readKept, withKept } from './annotation.ts'
import { bgpConfMapping } from './bgp-conf.ts'
import { bgpPeerMapping } from './bgp-peer.ts'
import { eipMapping } from './eip.ts'
import { type Json, type Mapping, isJson } from './mapping.ts'
import { differenceOf, mergedWhere } from './merge.ts'

interface Convertible {
  readonly mapping: Mapping
  /** Structural schema of the whole object by version. */
  readonly schemas: ReadonlyMap<string, Json>
}

function convertible(kind: Kind, mapping: Mapping): readonly [string, Convertible] {
  return [kind.kind, { mapping, schemas: new Map(kind.versions.map((each) => [each.name, objectSchema(kind, each)])) }]
}

const kinds: ReadonlyMap<string, Convertible> = new Map([
  convertible(eip, eipMapping),
  convertible(bgpConf, bgpConfMapping),
  convertible(bgpPeer, bgpPeerMapping),
])

export type Converted = { readonly ok: true; readonly object: Json } | { readonly ok: false; readonly message: string }

/**
 * The object in the version `apiVersion` (`network.kubesphere.io/v1alpha1` or `…/v1alpha2`); as it is when it is in that
 * version already. Refused with one sentence: an unknown version or kind, and what is no object of the API.
 */
export function convertObject(object: unknown, apiVersion: string): Converted {
  const refused = (message: string): Converted => ({ ok: false, message })
  const to = versionOf(apiVersion)
  if (to === undefined) return refused(unknownVersion('the version asked for', apiVersion))
  if (!isJson(object)) return refused('what is to be converted is no object')
  const { apiVersion: written, kind: name, metadata, ...body } = object
  const from = versionOf(written)
  if (from === undefined) return refused(unknownVersion('the version of the object', written))
  const kind = typeof name === 'string' ? kinds.get(name) : undefined
  if (kind === undefined) {
    return refused(`kind ${said(name)} cannot be converted: the kinds are ${[...kinds.keys()].join(', ')}`)
  }
  if (!isJson(metadata)) return refused(`the ${String(name)} to be converted has no metadata`)
  if (from === to) return { ok: true, object }
  const forth = project(kind.mapping, to)
  const back = project(kind.mapping, from)
  const direct = forth(body)
  const kept = readKept(metadata, to)
  const settled = to === 'v1alpha2' ? (kind.mapping.settle?.(kept, direct) ?? kept) : kept
  const readBack = back(direct)
  const schema = kind.schemas.get(to)
  const result = mergedWhere(
    direct,
    settled,
    (candidate, part) => fitsTypes(schema, part) && sameValue(back(candidate), readBack),
  )
  const lost = differenceOf(readBack, body)
  return { ok: true, object: { apiVersion, kind: name, metadata: withKept(metadata, from, lost), ...result } }
}

function project({ toV1alpha1, toV1alpha2 }: Mapping, to: Version): (body: Json) => Json {
  return to === 'v1alpha1' ? toV1alpha1 : toV1alpha2
}

function versionOf(apiVersion: unknown): Version | undefined {
  if (apiVersion === `${group}/v1alpha1`) return 'v1alpha1'
  return apiVersion === `${group}/v1alpha2` ? 'v1alpha2' : undefined
}

function unknownVersion(what: string, version: unknown): string {
  return `${what} is ${said(version)}: only ${group}/v1alpha1 and ${group}/v1alpha2 can be converted`
}

function said(value: unknown): string {
  return typeof value === 'string' ? `"${value.slice(0, 100)}"` : 'missing'
}

// maxPerNamespace (openelb-api.md 1.3): how many addresses of an Eip the Services of one namespace may hold.
import type { Family } from '../address/index.ts'
import { type Allocation, type Eip, type Holder, type Reason, type Service, claimAnnotation } from '../model/index.ts'
import type { Taken } from './taken.ts'

/**
 * Whether the Service of `holder` gives the record back once it has another address of the family: while it moves within
 * an Eip it holds two, make before break, and has one in the end. What it shares with its namespace counts on.
 */
export function isGivenUpFor(
  record: Allocation,
  family: Family,
  { namespace, name, claim }: Pick<Holder, 'namespace' | 'name' | 'claim'>,
): boolean {
  const ofNamespace = record.holders.filter((holder) => holder.namespace === namespace)
  return (
    record.address.family === family &&
    ofNamespace.length > 0 &&
    ofNamespace.every((holder) => holder.name === name && holder.claim === claim)
  )
}

/**
 * The namespace has no address of the Eip left for another one of the family; undefined: it has. `besides`: how many the
 * same request is to have of it already, of the other family.
 */
export function quotaReached(
  service: Service,
  { name: eip, maxPerNamespace }: Eip,
  family: Family,
  taken: Taken,
  besides = 0,
): Reason | undefined {
  if (maxPerNamespace === undefined) return undefined
  const most = maxPerNamespace - besides
  const { namespace, name, uid, annotations } = service
  if (taken.countOf(eip, namespace) < most) return undefined
  const claims = [annotations[claimAnnotation] ?? uid, uid].filter((claim) => claim !== '')
  const givenUp = taken
    .ofService(`${namespace}/${name}`)
    .filter(
      (record) =>
        record.eip === eip && claims.some((claim) => isGivenUpFor(record, family, { namespace, name, claim })),
    )
  if (taken.countOf(eip, namespace) - givenUp.length < most) return undefined
  const counted = besides > 0 ? ', counting the one of its other IP family that the same Service is to have' : ''
  const message = `namespace ${namespace} already has ${maxPerNamespace} ${maxPerNamespace === 1 ? 'address' : 'addresses'} of Eip ${eip}, as many as its maxPerNamespace allows${counted}; delete a Service that has one, or raise spec.maxPerNamespace`
  return { code: 'QuotaExceeded', message }
}

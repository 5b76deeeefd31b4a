// ConversionReview (apiextensions.k8s.io/v1): some objects and the version they are wanted in. v1beta1 is gone since
// Kubernetes 1.22 and is refused.
import { listAt, objectAt, stringAt } from '../../model/index.ts'
import { convertObject } from './convert.ts'
import type { Json } from './mapping.ts'

export interface ConversionReview {
  readonly apiVersion: 'apiextensions.k8s.io/v1'
  readonly kind: 'ConversionReview'
  readonly response: {
    /** That of the request; empty when it had none. */
    readonly uid: string
    readonly result: { readonly status: 'Success' } | { readonly status: 'Failure'; readonly message: string }
    /** All of the request, in its order, or none. */
    readonly convertedObjects?: readonly Json[]
  }
}

/** Never throws: what cannot be read or converted is a Failure with one sentence, which the API server passes on. */
export function convertReview(body: unknown): ConversionReview {
  const request = objectAt(body, 'request')
  const uid = stringAt(request, 'uid') ?? ''
  const failed = (message: string): ConversionReview => review(uid, { result: { status: 'Failure', message } })
  const malformed = (what: string): ConversionReview =>
    failed(`the body is no ConversionReview of apiextensions.k8s.io/v1: ${what}`)
  if (stringAt(body, 'apiVersion') !== 'apiextensions.k8s.io/v1') return malformed('apiVersion is another')
  if (stringAt(body, 'kind') !== 'ConversionReview') return malformed('kind is another')
  if (uid === '') return malformed('request.uid is missing')
  const wanted = stringAt(request, 'desiredAPIVersion')
  if (wanted === undefined) return malformed('request.desiredAPIVersion is missing')
  if (!Array.isArray(request['objects'])) return malformed('request.objects is no list')
  const convertedObjects: Json[] = []
  for (const [index, object] of listAt(request, 'objects').entries()) {
    const converted = convertObject(object, wanted)
    if (!converted.ok) {
      const name = stringAt(object, 'metadata', 'name')
      return failed(`${name === undefined ? `object ${index + 1}` : name} is not converted: ${converted.message}`)
    }
    convertedObjects.push(converted.object)
  }
  return review(uid, { result: { status: 'Success' }, convertedObjects })
}

function review(uid: string, rest: Omit<ConversionReview['response'], 'uid'>): ConversionReview {
  return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response: { uid, ...rest } }
}

// Reading an AdmissionReview (admission.k8s.io/v1). v1beta1 is gone since Kubernetes 1.22 and is refused.
import { type KubeObjectLike, type Service, booleanAt, objectAt, readService, stringAt } from '../model/index.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE'

export interface Review {
  readonly uid: string
  readonly operation: Operation
  readonly dryRun: boolean
  readonly namespace: string
  readonly name: string
  /** Missing on DELETE. */
  readonly object: KubeObjectLike | undefined
  /** Missing on CREATE. */
  readonly oldObject: KubeObjectLike | undefined
}

/** A Service being created. */
export interface ServiceReview {
  readonly service: Service
  readonly dryRun: boolean
}

export type ReadReview =
  | { readonly ok: true; readonly review: Review }
  /** One sentence for the caller, who is no API server. */
  | { readonly ok: false; readonly message: string }

export function readReview(body: unknown): ReadReview {
  const malformed = (what: string): ReadReview => ({
    ok: false,
    message: `the body is no AdmissionReview of admission.k8s.io/v1: ${what}`,
  })
  if (stringAt(body, 'apiVersion') !== 'admission.k8s.io/v1') return malformed('apiVersion is another')
  if (stringAt(body, 'kind') !== 'AdmissionReview') return malformed('kind is another')
  const request = objectAt(body, 'request')
  const uid = stringAt(request, 'uid')
  if (uid === undefined) return malformed('request.uid is missing')
  const operation = stringAt(request, 'operation')
  if (operation !== 'CREATE' && operation !== 'UPDATE' && operation !== 'DELETE') {
    return malformed(`request.operation is ${operation ?? 'missing'}`)
  }
  const object = presentAt(request, 'object')
  const oldObject = presentAt(request, 'oldObject')
  if (operation !== 'DELETE' && object === undefined) return malformed('request.object is missing')
  if (operation !== 'CREATE' && oldObject === undefined) return malformed('request.oldObject is missing')
  const review: Review = {
    uid,
    operation,
    dryRun: booleanAt(request, 'dryRun') ?? false,
    namespace: stringAt(request, 'namespace') ?? '',
    name: stringAt(request, 'name') ?? '',
    object,
    oldObject,
  }
  return { ok: true, review }
}

/** The namespace is that of the request: the object may not name it. */
export function serviceOf(object: KubeObjectLike, { namespace }: Review): Service {
  const service = readService(object)
  return service.namespace === '' ? { ...service, namespace } : service
}

function presentAt(request: unknown, field: string): KubeObjectLike | undefined {
  const object = objectAt(request, field)
  return Object.keys(object).length === 0 ? undefined : object
}

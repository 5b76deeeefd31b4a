// The answer to an AdmissionReview (admission.k8s.io/v1).
import type { JsonPatch } from '../src/core/admission/index.ts'
import type { Reason, ReasonCode } from '../src/core/model/index.ts'

export type Verdict =
  | { readonly allowed: true; readonly warnings: readonly Reason[]; readonly patch: JsonPatch }
  | { readonly allowed: false; readonly reason: Reason }

export const allowed: Verdict = { allowed: true, warnings: [], patch: [] }

// What contradicts itself cannot be processed (422); everything else that is refused is a matter of policy (403).
const invalid: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'MalformedAddress',
  'MalformedObject',
  'AddressOutsidePool',
  'ProtocolMismatch',
  'FamilyMismatch',
])

/** The review that goes back; kubectl prints the sentence of a refusal, and each warning on a line of its own. */
export function toReview(uid: string, verdict: Verdict): unknown {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...toResponse(verdict) } }
}

function toResponse(verdict: Verdict): object {
  if (!verdict.allowed) {
    const { code, message } = verdict.reason
    const [status, reason] = invalid.has(code) ? [422, 'Invalid'] : [403, 'Forbidden']
    return { allowed: false, status: { code: status, reason, message } }
  }
  const { warnings, patch } = verdict
  return {
    allowed: true,
    ...(warnings.length === 0 ? {} : { warnings: warnings.map(({ message }) => message) }),
    ...(patch.length === 0
      ? {}
      : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch), 'utf8').toString('base64') }),
  }
}

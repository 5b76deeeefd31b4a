// What is to be done about the certificates, from what is stored and the time alone: every replica, and the command,
// comes to the same result, and nothing has to be remembered between two looks.
import type { Certificate } from './x509.ts'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs

export const authorityLifeMs = 3652 * dayMs
export const leafLifeMs = 90 * dayMs

/** A new authority is trusted so long before a leaf of it is served: API servers must have seen the new caBundle. */
export const trustBeforeUseMs = 5 * 60 * 1000

/** An old authority is trusted so long after the last leaf of it was replaced: a replica may still be serving that. */
export const trustAfterUseMs = dayMs

/** What the Secret holds, read and found to fit together. */
export interface CertificateState {
  /** Trusted authorities, newest first; the newest one's key is at hand. */
  readonly authorities: readonly [Certificate, ...Certificate[]]
  readonly leaf: Certificate
  /** Which of `authorities` signed the leaf. */
  readonly signer: Certificate
}

export type CertificateStep =
  /** Nothing to do before `nextLookMs` (wall time). */
  | { readonly kind: 'keep'; readonly nextLookMs: number }
  /** Nothing usable: a new authority and a leaf of it. */
  | { readonly kind: 'issue'; readonly why: string }
  /** A further authority in front; the leaf stays that of the old one until API servers trust the new one. */
  | { readonly kind: 'addAuthority'; readonly why: string }
  | { readonly kind: 'renewLeaf'; readonly why: string }
  /** Only the newest authority stays. */
  | { readonly kind: 'dropAuthorities'; readonly why: string }

/** The next step; after it was done there may be another. `state` undefined: no Secret, or one that cannot be used. */
export function planCertificates(
  state: CertificateState | undefined,
  dnsNames: readonly string[],
  nowMs: number,
): CertificateStep {
  if (state === undefined) return { kind: 'issue', why: 'there is no usable certificate' }
  const { authorities, leaf, signer } = state
  const [newest] = authorities
  if (newest.expiresMs <= nowMs) return { kind: 'issue', why: 'the authority has expired' }
  const missing = dnsNames.filter((name) => !leaf.dnsNames.includes(name))
  if (missing.length > 0) return { kind: 'renewLeaf', why: `the certificate lacks the name ${missing.join(', ')}` }

  const leafRenewMs = renewalOf(leaf)
  if (signer.fingerprint !== newest.fingerprint) {
    const switchMs = Math.min(newest.issuedMs + trustBeforeUseMs, leaf.expiresMs)
    return nowMs >= switchMs
      ? { kind: 'renewLeaf', why: 'the new authority has been trusted long enough' }
      : { kind: 'keep', nextLookMs: switchMs }
  }
  const authorityRenewMs = renewalOf(newest)
  if (nowMs >= authorityRenewMs) {
    return { kind: 'addAuthority', why: 'two thirds of the life of the authority have passed' }
  }
  if (nowMs >= leafRenewMs) return { kind: 'renewLeaf', why: 'two thirds of the life of the certificate have passed' }
  if (authorities.length === 1) return { kind: 'keep', nextLookMs: Math.min(leafRenewMs, authorityRenewMs) }
  const dropMs = leaf.issuedMs + trustAfterUseMs
  return nowMs >= dropMs
    ? { kind: 'dropAuthorities', why: 'nothing serves a certificate of the old authority any more' }
    : { kind: 'keep', nextLookMs: Math.min(leafRenewMs, authorityRenewMs, dropMs) }
}

/** When two thirds of a certificate's life have passed. */
export function renewalOf({ issuedMs, expiresMs }: Certificate): number {
  return issuedMs + ((expiresMs - issuedMs) * 2) / 3
}

/** Names under which the API server (`service.namespace.svc`) and others in the cluster call the Service. */
export function servingNames(service: string, namespace: string): readonly string[] {
  const name = `${service}.${namespace}`
  return [`${name}.svc`, name, `${name}.svc.cluster.local`]
}

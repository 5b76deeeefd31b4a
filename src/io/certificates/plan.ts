// What is to be done about the certificates, from what is stored and the time alone: every replica, and the command,
// comes to the same result, and nothing has to be remembered between two looks.
import type { Certificate } from './x509.ts'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs

export const authorityLifeMs = 3652 * dayMs
export const leafLifeMs = 90 * dayMs

/**
 * An authority is trusted so long after the last leaf of it was replaced. Replicas see a new leaf within a second; one
 * that is cut off from the API server may serve the old one longer.
 */
export const trustAfterUseMs = hourMs

/** What is due by age alone is done up to so much later, at another moment at each replica: one of them comes first. */
export const mostJitterMs = hourMs

/** What the Secret holds, as far as it can be used. */
export interface CertificateState {
  /** Authorities that can be read, newest first. */
  readonly authorities: readonly Certificate[]
  /** Whether the newest one's key is at hand. */
  readonly canSign: boolean
  /** Undefined when it cannot be read, or its key is not at hand. */
  readonly leaf: Certificate | undefined
  /** Which of `authorities` signed the leaf. */
  readonly signer: Certificate | undefined
  /** What is damaged: `tls.key is no private key of tls.crt`. Empty when all fits together. */
  readonly faults: readonly string[]
}

/** All fits together: what can be served. */
export interface UsableCertificates extends CertificateState {
  readonly authorities: readonly [Certificate, ...Certificate[]]
  readonly leaf: Certificate
  readonly signer: Certificate
}

export type CertificateStep =
  /** Nothing to do before `nextLookMs` (wall time). */
  | { readonly kind: 'keep'; readonly nextLookMs: number }
  /** Nothing usable: a new authority and a leaf of it. */
  | { readonly kind: 'issue'; readonly why: string }
  /** A new authority in front and a leaf of it; the older ones stay trusted. */
  | { readonly kind: 'replaceAuthority'; readonly why: string }
  /** A new leaf of the newest authority. */
  | { readonly kind: 'renewLeaf'; readonly why: string }
  /** Only the newest authority stays. */
  | { readonly kind: 'dropAuthorities'; readonly why: string }

/**
 * The next step; after it was done there may be another. `state` undefined: no Secret. `jitterMs` puts off what is due
 * by age; what cannot be used is mended at once.
 */
export function planCertificates(
  state: CertificateState | undefined,
  dnsNames: readonly string[],
  nowMs: number,
  jitterMs = 0,
): CertificateStep {
  if (state === undefined) return { kind: 'issue', why: 'there is no Secret' }
  const { authorities, canSign, leaf, signer, faults } = state
  const [newest] = authorities
  const fault = faults.join(', ')
  if (newest === undefined) return { kind: 'issue', why: fault }
  if (newest.expiresMs <= nowMs) {
    return { kind: 'replaceAuthority', why: `the authority expired on ${dateOf(newest.expiresMs)}` }
  }
  if (!canSign) return { kind: 'replaceAuthority', why: fault }
  if (leaf === undefined || signer === undefined) return { kind: 'renewLeaf', why: fault }
  if (leaf.expiresMs <= nowMs) return { kind: 'renewLeaf', why: `the certificate expired on ${dateOf(leaf.expiresMs)}` }
  const missing = dnsNames.filter((name) => !leaf.dnsNames.includes(name))
  if (missing.length > 0) return { kind: 'renewLeaf', why: `the certificate lacks the name ${missing.join(', ')}` }
  if (signer.fingerprint !== newest.fingerprint) {
    return { kind: 'renewLeaf', why: 'the certificate is signed by an older authority' }
  }
  return planByAge({ newest, older: authorities.length - 1, leaf }, nowMs - jitterMs, jitterMs)
}

function planByAge(
  { newest, older, leaf }: { readonly newest: Certificate; readonly older: number; readonly leaf: Certificate },
  ageAtMs: number,
  jitterMs: number,
): CertificateStep {
  const authorityMs = renewalOf(newest)
  const leafMs = renewalOf(leaf)
  const dropMs = older === 0 ? Infinity : dropOf(leaf)
  if (ageAtMs >= authorityMs) {
    return { kind: 'replaceAuthority', why: 'two thirds of the life of the authority have passed' }
  }
  if (ageAtMs >= leafMs) return { kind: 'renewLeaf', why: 'two thirds of the life of the certificate have passed' }
  if (ageAtMs >= dropMs) {
    return { kind: 'dropAuthorities', why: 'nothing serves a certificate of an older authority any more' }
  }
  return { kind: 'keep', nextLookMs: Math.min(authorityMs, leafMs, dropMs) + jitterMs }
}

/** `asked`, unless there is nothing to build it upon: then what the plan says. */
export function chooseStep(planned: CertificateStep, asked: CertificateStep | undefined): CertificateStep {
  const needed = planned.kind === 'issue' || planned.kind === 'replaceAuthority'
  return needed ? planned : (asked ?? planned)
}

/** Whether all of it fits together, whatever its age. */
export function isUsable(state: CertificateState): state is UsableCertificates {
  return state.faults.length === 0 && state.leaf !== undefined && state.signer !== undefined
}

/** When two thirds of a certificate's life have passed. */
export function renewalOf({ issuedMs, expiresMs }: Certificate): number {
  return issuedMs + ((expiresMs - issuedMs) * 2) / 3
}

/** When the authorities before that of the leaf are dropped. */
export function dropOf(leaf: Certificate): number {
  return leaf.issuedMs + trustAfterUseMs
}

/** Names under which the API server (`service.namespace.svc`) and others in the cluster call the Service. */
export function servingNames(service: string, namespace: string): readonly string[] {
  const name = `${service}.${namespace}`
  return [`${name}.svc`, name, `${name}.svc.cluster.local`]
}

/** `2027-02-19`. */
export function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

// What stands in the Secret, and the steps of plan.ts carried out on it. No API calls here.
import { type CertificateState, type CertificateStep, authorityLifeMs, leafLifeMs } from './plan.ts'
import { type Certificate, type KeyPair, isKeyOf, isSignedBy, issueAuthority, issueLeaf, readBundle } from './x509.ts'

/** The Secret's fields, as PEM; empty when missing. */
export interface CertificateMaterial {
  /** `ca.crt`: trusted authorities, newest first: the caBundle. */
  readonly authoritiesPem: string
  /** `ca.key`: of the newest authority. */
  readonly authorityKeyPem: string
  /** `tls.crt` and `tls.key`. */
  readonly leaf: KeyPair
}

/** Each part is judged apart, so that what can still be used is; `faults` says of the others what is wrong. */
export async function readMaterial(material: CertificateMaterial): Promise<CertificateState> {
  const { authoritiesPem, authorityKeyPem, leaf: pair } = material
  const faults: string[] = []
  const bundle = await readBundle(authoritiesPem)
  const authorities = (bundle ?? []).filter(({ isAuthority }) => isAuthority)
  const [newest] = authorities
  if (newest === undefined) {
    faults.push(`ca.crt ${absence(authoritiesPem, bundle === undefined ? 'is no PEM certificate' : 'is no authority')}`)
  }
  const canSign = newest !== undefined && (await isKeyOf({ certificatePem: newest.pem, keyPem: authorityKeyPem }))
  if (newest !== undefined && !canSign) {
    faults.push(`ca.key ${absence(authorityKeyPem, 'is no private key of the first certificate in ca.crt')}`)
  }
  const [served] = (await readBundle(pair.certificatePem)) ?? []
  const fits = served !== undefined && (await isKeyOf(pair))
  const signer = served === undefined ? undefined : await findSigner(served, authorities)
  if (served === undefined) faults.push(`tls.crt ${absence(pair.certificatePem, 'is no PEM certificate')}`)
  else if (!fits) faults.push(`tls.key ${absence(pair.keyPem, 'is no private key of tls.crt')}`)
  else if (signer === undefined && newest !== undefined) faults.push('tls.crt is signed by no authority in ca.crt')
  return { authorities, canSign, leaf: fits ? served : undefined, signer, faults }
}

function absence(pem: string, otherwise: string): string {
  return pem.trim() === '' ? 'is missing' : otherwise
}

/** The material after `step`; everything is issued when there is nothing before. */
export async function applyStep(
  step: Exclude<CertificateStep, { kind: 'keep' }>,
  before: CertificateMaterial | undefined,
  dnsNames: readonly string[],
  nowMs: number,
): Promise<CertificateMaterial> {
  const known = before === undefined ? [] : (await readMaterial(before)).authorities
  const [newest] = known
  if (step.kind === 'issue' || step.kind === 'replaceAuthority' || before === undefined || newest === undefined) {
    const trusted = known.filter(({ expiresMs }) => expiresMs > nowMs)
    return issueAll(step.kind === 'issue' ? [] : trusted, dnsNames, nowMs)
  }
  if (step.kind === 'dropAuthorities') return { ...before, authoritiesPem: newest.pem }
  const signer = { certificatePem: newest.pem, keyPem: before.authorityKeyPem }
  return { ...before, leaf: await issueLeaf(signer, dnsNames, nowMs, leafLifeMs) }
}

/** A new authority in front of those trusted so far, and a leaf of it. */
async function issueAll(
  trusted: readonly Certificate[],
  dnsNames: readonly string[],
  nowMs: number,
): Promise<CertificateMaterial> {
  // The time in the name tells authorities apart: verifiers look an issuer up by its name.
  const authority = await issueAuthority(`bellhop webhook ${new Date(nowMs).toISOString()}`, nowMs, authorityLifeMs)
  return {
    authoritiesPem: authority.certificatePem + trusted.map(({ pem }) => pem).join(''),
    authorityKeyPem: authority.keyPem,
    leaf: await issueLeaf(authority, dnsNames, nowMs, leafLifeMs),
  }
}

async function findSigner(leaf: Certificate, authorities: readonly Certificate[]): Promise<Certificate | undefined> {
  for (const authority of authorities) if (await isSignedBy(leaf.pem, authority.pem)) return authority
  return undefined
}

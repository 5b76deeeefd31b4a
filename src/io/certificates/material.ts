// What stands in the Secret, and the steps of plan.ts carried out on it. No API calls here.
import { type CertificateState, type CertificateStep, authorityLifeMs, leafLifeMs } from './plan.ts'
import { type Certificate, type KeyPair, isKeyOf, isSignedBy, issueAuthority, issueLeaf, readBundle } from './x509.ts'

/** The Secret's fields, as PEM. */
export interface CertificateMaterial {
  /** `ca.crt`: trusted authorities, newest first: the caBundle. */
  readonly authoritiesPem: string
  /** `ca.key`: of the newest authority. */
  readonly authorityKeyPem: string
  /** `tls.crt` and `tls.key`. */
  readonly leaf: KeyPair
}

/** Undefined when anything is damaged or does not fit together: then everything is issued anew. */
export async function readMaterial(material: CertificateMaterial): Promise<CertificateState | undefined> {
  const { authoritiesPem, authorityKeyPem, leaf: pair } = material
  const [newest, ...older] = (await readBundle(authoritiesPem)) ?? []
  const [leaf] = (await readBundle(pair.certificatePem)) ?? []
  if (newest === undefined || leaf === undefined) return undefined
  const fits = (await isKeyOf({ certificatePem: newest.pem, keyPem: authorityKeyPem })) && (await isKeyOf(pair))
  const signer = await findSigner(leaf, [newest, ...older])
  return fits && signer !== undefined ? { authorities: [newest, ...older], leaf, signer } : undefined
}

/** The material after `step`. */
export async function applyStep(
  step: Exclude<CertificateStep, { kind: 'keep' }>,
  before: CertificateMaterial | undefined,
  dnsNames: readonly string[],
  nowMs: number,
): Promise<CertificateMaterial> {
  if (step.kind === 'issue' || before === undefined) return issueAll(dnsNames, nowMs)
  const newest = { certificatePem: firstPem(before.authoritiesPem), keyPem: before.authorityKeyPem }
  if (step.kind === 'renewLeaf') return { ...before, leaf: await issueLeaf(newest, dnsNames, nowMs, leafLifeMs) }
  if (step.kind === 'dropAuthorities') return { ...before, authoritiesPem: newest.certificatePem }
  const authority = await newAuthority(nowMs)
  return {
    ...before,
    authoritiesPem: `${authority.certificatePem}${before.authoritiesPem.trim()}\n`,
    authorityKeyPem: authority.keyPem,
  }
}

async function issueAll(dnsNames: readonly string[], nowMs: number): Promise<CertificateMaterial> {
  const authority = await newAuthority(nowMs)
  return {
    authoritiesPem: authority.certificatePem,
    authorityKeyPem: authority.keyPem,
    leaf: await issueLeaf(authority, dnsNames, nowMs, leafLifeMs),
  }
}

// The time in the name tells authorities apart: verifiers look an issuer up by its name.
function newAuthority(nowMs: number): Promise<KeyPair> {
  return issueAuthority(`bellhop webhook ${new Date(nowMs).toISOString()}`, nowMs, authorityLifeMs)
}

async function findSigner(leaf: Certificate, authorities: readonly Certificate[]): Promise<Certificate | undefined> {
  for (const authority of authorities) if (await isSignedBy(leaf.pem, authority.pem)) return authority
  return undefined
}

function firstPem(bundle: string): string {
  const end = '-----END CERTIFICATE-----'
  return `${bundle.slice(0, bundle.indexOf(end) + end.length)}\n`
}

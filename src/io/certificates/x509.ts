// Certificates as values: issuing and reading. P-256 throughout. The only file that knows @peculiar/x509, which needs
// reflect-metadata to be loaded first.
import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  AuthorityKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' }
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' }

/** Certificates are valid from so much before they are issued: the API server's clock may be behind ours. */
export const backdateMs = 60 * 60 * 1000

/** A certificate with its private key, both PEM. The key is never logged. */
export interface KeyPair {
  readonly certificatePem: string
  readonly keyPem: string
}

export interface Certificate {
  readonly pem: string
  readonly subject: string
  readonly issuedMs: number
  readonly expiresMs: number
  readonly dnsNames: readonly string[]
  readonly isAuthority: boolean
  /** SHA-256 of the DER, hexadecimal. */
  readonly fingerprint: string
}

/** A self-signed authority that may sign leaves only. */
export async function issueAuthority(commonName: string, issuedMs: number, lifeMs: number): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(issuedMs - backdateMs),
    notAfter: new Date(issuedMs + lifeMs),
    signingAlgorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return toPems(certificate, keys.privateKey)
}

/** A serving certificate for `dnsNames`, never valid longer than its authority. Rejects when the authority is damaged. */
export async function issueLeaf(
  authority: KeyPair,
  dnsNames: readonly string[],
  issuedMs: number,
  lifeMs: number,
): Promise<KeyPair> {
  const issuer = new X509Certificate(authority.certificatePem)
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [dnsNames[0] ?? ''] }],
    issuer: issuer.subject,
    notBefore: new Date(issuedMs - backdateMs),
    notAfter: new Date(Math.min(issuedMs + lifeMs, issuer.notAfter.getTime())),
    signingAlgorithm,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.keyPem),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: 'dns', value }))),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return toPems(certificate, keys.privateKey)
}

/** Every certificate of a PEM bundle, in order; undefined when any of it cannot be read, or there is none. */
export async function readBundle(pem: string): Promise<readonly Certificate[] | undefined> {
  try {
    const parts = PemConverter.decode(pem)
    if (parts.length === 0) return undefined
    return await Promise.all(parts.map((part) => describe(new X509Certificate(part))))
  } catch {
    return undefined
  }
}

/** True when `issuer` has signed `pem`; validity in time is not looked at. */
export async function isSignedBy(pem: string, issuerPem: string): Promise<boolean> {
  try {
    return await new X509Certificate(pem).verify({ publicKey: new X509Certificate(issuerPem), signatureOnly: true })
  } catch {
    return false
  }
}

/** True when the private key belongs to the certificate. */
export async function isKeyOf({ certificatePem, keyPem }: KeyPair): Promise<boolean> {
  try {
    const probe = new Uint8Array([98, 101, 108, 108])
    const signature = await crypto.subtle.sign(signingAlgorithm, await importKey(keyPem), probe)
    const publicKey = await new X509Certificate(certificatePem).publicKey.export(keyAlgorithm, ['verify'])
    return await crypto.subtle.verify(signingAlgorithm, publicKey, signature, probe)
  } catch {
    return false
  }
}

async function describe(certificate: X509Certificate): Promise<Certificate> {
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? []
  return {
    pem: `${certificate.toString('pem').trim()}\n`,
    subject: certificate.subject,
    issuedMs: certificate.notBefore.getTime() + backdateMs,
    expiresMs: certificate.notAfter.getTime(),
    dnsNames: names.filter(({ type }) => type === 'dns').map(({ value }) => value),
    isAuthority: certificate.getExtension(BasicConstraintsExtension)?.ca === true,
    fingerprint: Buffer.from(await certificate.getThumbprint('SHA-256')).toString('hex'),
  }
}

async function toPems(certificate: X509Certificate, key: webcrypto.CryptoKey): Promise<KeyPair> {
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', key)
  return {
    certificatePem: `${certificate.toString('pem').trim()}\n`,
    keyPem: `${PemConverter.encode(pkcs8, 'PRIVATE KEY').trim()}\n`,
  }
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), keyAlgorithm, false, ['sign'])
}

// RFC 5280 §4.1.2.2: positive, at most 20 octets.
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = (bytes[0] ?? 0) & 0x7f || 1
  return Buffer.from(bytes).toString('hex')
}

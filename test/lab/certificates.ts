// The cluster's certificate authority and what it signs, made anew for every lab.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { generateKeyPairSync } from 'node:crypto'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000

/** Certificate and private key, PEM. */
export interface KeyAndCertificate {
  readonly certificate: string
  readonly key: string
}

export interface CertificateAuthority {
  readonly certificate: string
  /** For a server at these IP addresses and DNS names. */
  signServer(name: string, addresses: readonly string[], dnsNames: readonly string[]): Promise<KeyAndCertificate>
  /** For a client: to the API server, the user `name` in `groups`. */
  signClient(name: string, groups?: readonly string[]): Promise<KeyAndCertificate>
}

export async function createAuthority(): Promise<CertificateAuthority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const validity = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 365 * dayMs) }
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=bellhop-lab',
    keys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })

  async function sign(subject: x509.JsonName, extensions: readonly x509.Extension[]): Promise<KeyAndCertificate> {
    const leaf = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: root.subject,
      publicKey: leaf.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity,
      extensions: [new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true), ...extensions],
    })
    const key = await crypto.subtle.exportKey('pkcs8', leaf.privateKey)
    return { certificate: certificate.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') }
  }

  return {
    certificate: root.toString('pem'),
    signServer: (name, addresses, dnsNames) =>
      sign(
        [{ CN: [name] }],
        [
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension([
            ...addresses.map((value) => ({ type: 'ip' as const, value })),
            ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
          ]),
        ],
      ),
    signClient: (name, groups = []) =>
      sign(
        [...groups.map((group) => ({ O: [group] })), { CN: [name] }],
        [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
      ),
  }
}

/** The pair that signs the tokens of ServiceAccounts, PEM. */
export function createTokenKeys(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
}

/** A kubeconfig (JSON is YAML) for one user by certificate. */
export function kubeconfig(server: string, ca: string, user: string, { certificate, key }: KeyAndCertificate): string {
  const encode = (pem: string): string => Buffer.from(pem).toString('base64')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': encode(ca) } }],
    users: [{ name: user, user: { 'client-certificate-data': encode(certificate), 'client-key-data': encode(key) } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user, namespace: 'default' } }],
    'current-context': 'lab',
  }
  return `${JSON.stringify(config, undefined, 2)}\n`
}

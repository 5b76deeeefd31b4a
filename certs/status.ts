// What is stored, served and trusted, as a value and as the page that is printed.
import {
  type BundleState,
  type CertificateState,
  type CertificatesAbout,
  bundleHolders,
  dateOf,
  dropOf,
  mostJitterMs,
  planCertificates,
  readBundleState,
  readMaterial,
  readSecret,
  renewalOf,
  secretRef,
  servingNames,
} from '../src/io/certificates/index.ts'
import type { KubeClient } from '../src/io/kube/interface.ts'

export interface CertificateStatus {
  /** Nothing is missing, damaged, overdue or not trusted. */
  readonly ok: boolean
  /** One sentence each: what is not well, and what to do. */
  readonly problems: readonly string[]
  /** `namespace/name`. */
  readonly secret: string
  readonly serving: Described | null
  /** Newest first. */
  readonly authorities: readonly Described[]
  readonly caBundles: readonly {
    readonly kind: string
    readonly name: string
    readonly state: BundleState | 'unreadable'
  }[]
}

/** Times in RFC 3339. */
interface Described {
  readonly subject: string
  readonly fingerprint: string
  readonly issued: string
  readonly expires: string
  readonly next: { readonly what: 'renewed' | 'replaced' | 'dropped'; readonly from: string }
  readonly dnsNames?: readonly string[]
  /** Fingerprint of the authority. */
  readonly signedBy?: string
}

const dayMs = 24 * 60 * 60 * 1000

/** Reads everything, changes nothing. */
export async function readStatus(
  client: KubeClient,
  about: CertificatesAbout,
  nowMs: number,
): Promise<CertificateStatus> {
  const secret = `${about.service.namespace}/${about.secretName}`
  const found = { secret, serving: null, authorities: [], caBundles: [] }
  const stored = await readSecret(client, secretRef(about.service.namespace, about.secretName))
  if (!stored.ok) return { ...found, ok: false, problems: [`Secret ${secret} cannot be read: ${stored.error.message}`] }
  if (stored.value === undefined) {
    return { ...found, ok: false, problems: [`Secret ${secret} does not exist: start a webhook, or run "certs issue"`] }
  }
  const state = await readMaterial(stored.value.material)
  const names = servingNames(about.service.name, about.service.namespace)
  // What running webhooks may still take their time for is not overdue.
  const step = planCertificates(state, names, nowMs, mostJitterMs)
  const due = step.kind === 'keep' ? [] : [`Secret ${secret}: ${step.why}; running webhooks mend it, or "certs issue"`]
  const bundles = await readBundles(client, about, state)
  const problems = [...due, ...bundles.problems]
  const { caBundles } = bundles
  return { ok: problems.length === 0, problems, secret, ...describe(state), caBundles }
}

async function readBundles(
  client: KubeClient,
  about: CertificatesAbout,
  { authorities }: CertificateState,
): Promise<Pick<CertificateStatus, 'caBundles' | 'problems'>> {
  const caBundles: CertificateStatus['caBundles'][number][] = []
  const problems: string[] = []
  const pem = authorities.map((authority) => authority.pem).join('')
  for (const { resource, name } of bundleHolders(about.configurationName)) {
    const { kind } = resource
    const state = await readBundleState(client, { resource, name }, about.service, pem)
    caBundles.push({ kind, name, state: state.ok ? state.value : 'unreadable' })
    if (!state.ok) problems.push(`${kind} ${name} cannot be read: ${state.error.message}`)
    else if (state.value === 'wrong') {
      problems.push(`${kind} ${name} has another caBundle: the API server will not call the webhook; run "certs issue"`)
    }
  }
  return { caBundles, problems }
}

function describe({ authorities, leaf, signer }: CertificateState): Pick<CertificateStatus, 'serving' | 'authorities'> {
  const time = (ms: number): string => new Date(ms).toISOString()
  return {
    serving:
      leaf === undefined
        ? null
        : {
            subject: leaf.subject,
            fingerprint: leaf.fingerprint,
            issued: time(leaf.issuedMs),
            expires: time(leaf.expiresMs),
            next: { what: 'renewed', from: time(renewalOf(leaf)) },
            dnsNames: leaf.dnsNames,
            ...(signer === undefined ? {} : { signedBy: signer.fingerprint }),
          },
    authorities: authorities.map((authority, index) => ({
      subject: authority.subject,
      fingerprint: authority.fingerprint,
      issued: time(authority.issuedMs),
      expires: time(authority.expiresMs),
      next:
        index === 0 || leaf === undefined
          ? { what: 'replaced', from: time(renewalOf(authority)) }
          : { what: 'dropped', from: time(dropOf(leaf)) },
    })),
  }
}

const saidOf: Readonly<Record<BundleState | 'unreadable', string>> = {
  right: 'trusts every authority',
  wrong: 'HAS ANOTHER CABUNDLE',
  missing: 'does not exist',
  unused: 'does not call the webhook',
  unreadable: 'CANNOT BE READ',
}

/** The page for people, a line each. */
export function formatStatus(
  { ok, problems, secret, serving, authorities, caBundles }: CertificateStatus,
  nowMs: number,
): readonly string[] {
  const row = (name: string, { expires, next }: Described): readonly string[] => [
    name,
    dateOf(Date.parse(expires)),
    left(Date.parse(expires), nowMs),
    `${next.what} from ${next.what === 'dropped' ? `${next.from.slice(0, 16)}Z` : next.from.slice(0, 10)}`,
  ]
  const certificates = [
    ...(serving === null ? [] : [row(`serving ${serving.dnsNames?.[0] ?? ''}`, serving)]),
    ...authorities.map((authority) => {
      const signs = authority.fingerprint === serving?.signedBy ? ' (signed it)' : ''
      return row(`authority ${authority.fingerprint.slice(0, 12)}${signs}`, authority)
    }),
  ]
  const trust = caBundles.map(({ kind, name, state }) => [`${kind} ${name}`, saidOf[state]])
  return [
    `Secret ${secret}`,
    ...(certificates.length === 0 ? [] : ['', ...table(['CERTIFICATE', 'VALID UNTIL', 'LEFT', 'NEXT'], certificates)]),
    ...(trust.length === 0 ? [] : ['', ...table(['CABUNDLE OF', 'STATE'], trust)]),
    '',
    ...(ok ? ['All is well.'] : problems),
  ]
}

function left(expiresMs: number, nowMs: number): string {
  const days = Math.floor((expiresMs - nowMs) / dayMs)
  return days < 0 ? 'EXPIRED' : `${days} days`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  )
}

import {
  type CertificateState,
  type Certificates,
  type CertificatesAbout,
  applyBundle,
  ensureCertificates,
  planCertificates,
  readBundleState,
  readMaterial,
  readSecret,
  renewalOf,
  secretRef,
  servingNames,
  webhookConfigurations,
} from '../src/io/certificates/index.ts'
import type { Answer, KubeClient } from '../src/io/kube/interface.ts'
import type { Log } from '../src/io/telemetry/log.ts'

/** What to print, and whether all is well (exit status 0). */
export interface Report {
  readonly lines: readonly string[]
  readonly ok: boolean
}

const dayMs = 24 * 60 * 60 * 1000

/** Certificates and caBundles as they are; changes nothing. */
export async function reportStatus(client: KubeClient, about: CertificatesAbout, nowMs: number): Promise<Report> {
  const ref = secretRef(about.service.namespace, about.secretName)
  const where = `Secret ${about.service.namespace}/${about.secretName}`
  const stored = await readSecret(client, ref)
  if (!stored.ok) return failed(`${where} cannot be read: ${stored.error.message}`)
  if (stored.value === undefined) return failed(`${where} does not exist: start a webhook, or run "certs issue"`)
  const state = await readMaterial(stored.value.material)
  if (state === undefined) return failed(`${where} is damaged: run "certs issue" to have it made anew`)

  const names = servingNames(about.service.name, about.service.namespace)
  const plan = planCertificates(state, names, nowMs)
  const lines = [...describe(state, nowMs), ...(plan.kind === 'keep' ? [] : [`due: ${plan.kind}, since ${plan.why}`])]
  const bundles = await reportBundles(client, about, stored.value.material.authoritiesPem)
  return { lines: [...lines, ...bundles.lines], ok: plan.kind === 'keep' && bundles.ok }
}

/** Makes what is missing or due, and puts the caBundles right. */
export async function issueCertificates(
  client: KubeClient,
  about: CertificatesAbout,
  wallMs: () => number,
  log: Log,
): Promise<Report> {
  return finish(client, about, wallMs, await ensureCertificates(client, about, { wallMs, log }))
}

/** A new leaf now, or a new authority that is trusted from now on. */
export async function rotateCertificates(
  client: KubeClient,
  about: CertificatesAbout,
  what: 'leaf' | 'authority',
  wallMs: () => number,
  log: Log,
): Promise<Report> {
  const first = { kind: what === 'leaf' ? 'renewLeaf' : 'addAuthority', why: 'it was asked for' } as const
  return finish(client, about, wallMs, await ensureCertificates(client, about, { wallMs, log, first }))
}

async function finish(
  client: KubeClient,
  about: CertificatesAbout,
  wallMs: () => number,
  answer: Answer<Certificates>,
): Promise<Report> {
  if (!answer.ok) return failed(`the certificates were not written: ${answer.error.message}`)
  for (const ref of webhookConfigurations(about.configurationName)) {
    const bundle = await applyBundle(client, ref, about.service, answer.value.material.authoritiesPem)
    if (!bundle.ok) return failed(`${ref.resource.kind} ${ref.name} was not written: ${bundle.error.message}`)
  }
  return reportStatus(client, about, wallMs())
}

async function reportBundles(client: KubeClient, about: CertificatesAbout, bundlePem: string): Promise<Report> {
  const lines: string[] = []
  let ok = true
  for (const ref of webhookConfigurations(about.configurationName)) {
    const state = await readBundleState(client, ref, about.service, bundlePem)
    const said = !state.ok
      ? `cannot be read: ${state.error.message}`
      : state.value === 'right'
        ? 'trusts the authority'
        : state.value === 'wrong'
          ? 'has another caBundle: the API server will not call the webhook; run "certs issue"'
          : 'does not exist'
    ok &&= state.ok && state.value !== 'wrong'
    lines.push(`${ref.resource.kind} ${ref.name}: ${said}`)
  }
  return { lines, ok }
}

function describe({ authorities, leaf, signer }: CertificateState, nowMs: number): readonly string[] {
  return [
    `serving certificate: ${leaf.dnsNames.join(', ')}`,
    `  valid until ${day(leaf.expiresMs)} (${daysUntil(leaf.expiresMs, nowMs)}), renewed from ${day(renewalOf(leaf))}`,
    ...authorities.flatMap((authority) => [
      `authority: ${authority.subject.replace(/^CN=/, '')}${authority === signer ? ', which signed it' : ''}`,
      `  valid until ${day(authority.expiresMs)} (${daysUntil(authority.expiresMs, nowMs)})`,
    ]),
  ]
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function daysUntil(ms: number, nowMs: number): string {
  const days = Math.floor((ms - nowMs) / dayMs)
  return days < 0 ? 'EXPIRED' : `${days} days`
}

function failed(sentence: string): Report {
  return { lines: [sentence], ok: false }
}

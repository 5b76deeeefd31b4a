// What `certs issue` and `certs rotate` do, and what they say they did.
import {
  type CertificatesAbout,
  type DueStep,
  applyBundle,
  bundleHolders,
  chooseStep,
  dropOf,
  ensureCertificates,
  planCertificates,
  readBundleState,
  readMaterial,
  readSecret,
  secretRef,
  servingNames,
  settleMs,
} from '../src/io/certificates/index.ts'
import type { Answer, KubeClient } from '../src/io/kube/interface.ts'
import { silentLog } from '../src/io/telemetry/log.ts'

/** What to print, and whether all went well (exit status 0). */
export interface Report {
  readonly lines: readonly string[]
  readonly ok: boolean
}

export interface CommandOptions {
  readonly wallMs: () => number
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean
}

const doing: Readonly<Record<DueStep['kind'], string>> = {
  issue: 'a new authority and a serving certificate of it',
  replaceAuthority: 'a new authority and a serving certificate of it; the authority before stays trusted for now',
  renewLeaf: 'a new serving certificate of the same authority',
  dropAuthorities: 'older authorities dropped',
}

/** Makes what is missing or due, and puts the caBundles right; `force`: a new serving certificate in any case. */
export function issueCertificates(
  client: KubeClient,
  about: CertificatesAbout,
  { force, ...options }: CommandOptions & { readonly force: boolean },
): Promise<Report> {
  return change(client, about, options, force ? { kind: 'renewLeaf', why: 'asked for with --force' } : undefined)
}

/** A new authority in front of the one in use, which stays trusted until nothing serves a certificate of it. */
export function rotateCertificates(
  client: KubeClient,
  about: CertificatesAbout,
  options: CommandOptions,
): Promise<Report> {
  return change(client, about, options, { kind: 'replaceAuthority', why: 'asked for with "certs rotate"' })
}

async function change(
  client: KubeClient,
  about: CertificatesAbout,
  { wallMs, dryRun }: CommandOptions,
  first: DueStep | undefined,
): Promise<Report> {
  const secret = `Secret ${about.service.namespace}/${about.secretName}`
  if (dryRun) return foresee(client, about, wallMs(), secret, first)
  const answer = await ensureCertificates(client, about, { wallMs, log: silentLog, first })
  if (!answer.ok) return failed(`${secret} was not brought into order: ${answer.error.message}`)
  const { state, done } = answer.value
  const pem = state.authorities.map((authority) => authority.pem).join('')
  const written: string[] = []
  for (const ref of bundleHolders(about.configurationName)) {
    const bundle = await applyBundle(client, ref, about.service, pem)
    const name = `${ref.resource.kind} ${ref.name}`
    if (!bundle.ok) return failed(`the caBundle of ${name} was not written: ${bundle.error.message}`)
    if (bundle.value === 'wrong') written.push(`${name}: caBundle written`)
  }
  const steps = done.map(({ kind, why }) => `${secret}: ${doing[kind]} (${why})`)
  if (steps.length + written.length === 0) return { ok: true, lines: ['Nothing is missing or due.'] }
  const next: string[] = []
  if (done.some(({ kind }) => kind === 'replaceAuthority')) {
    next.push(
      `Next: every running webhook serves the new certificate within ${settleMs / 1000} s of seeing the new caBundles, ` +
        `without closing a connection; the authority before is dropped from ${timeOf(dropOf(state.leaf))}.`,
    )
  } else if (done.length > 0) next.push('Next: every running webhook serves the new certificate within a second.')
  return { ok: true, lines: [...steps, ...written, ...next] }
}

async function foresee(
  client: KubeClient,
  about: CertificatesAbout,
  nowMs: number,
  secret: string,
  first: DueStep | undefined,
): Promise<Report> {
  const stored = await readSecret(client, secretRef(about.service.namespace, about.secretName))
  if (!stored.ok) return failed(`${secret} cannot be read: ${stored.error.message}`)
  const state = stored.value === undefined ? undefined : await readMaterial(stored.value.material)
  const planned = planCertificates(state, servingNames(about.service.name, about.service.namespace), nowMs)
  const step = chooseStep(planned, first)
  const lines = step.kind === 'keep' ? [] : [`Would be written to ${secret}: ${doing[step.kind]} (${step.why})`]
  const bundles = await foreseeBundles(client, about, {
    pem: (state?.authorities ?? []).map((authority) => authority.pem).join(''),
    all: step.kind !== 'keep' && step.kind !== 'renewLeaf',
  })
  if (!bundles.ok) return failed(bundles.error.message)
  const all = [...lines, ...bundles.value]
  return { ok: true, lines: all.length === 0 ? ['Nothing is missing or due.'] : all }
}

/** `all`: the authorities change, so every caBundle there is does. */
async function foreseeBundles(
  client: KubeClient,
  about: CertificatesAbout,
  { pem, all }: { readonly pem: string; readonly all: boolean },
): Promise<Answer<readonly string[]>> {
  const lines: string[] = []
  for (const ref of bundleHolders(about.configurationName)) {
    const state = await readBundleState(client, ref, about.service, pem)
    if (!state.ok) return state
    if (state.value === 'wrong' || (all && state.value === 'right')) {
      lines.push(`Would be written to ${ref.resource.kind} ${ref.name}: caBundle`)
    }
  }
  return { ok: true, value: lines }
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`
}

function failed(sentence: string): Report {
  return { lines: [sentence], ok: false }
}

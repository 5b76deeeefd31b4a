// Keeps the Secret and the caBundles right for as long as a program runs, and once for the command.
import type { Clock, Timer } from '../process/clock.ts'
import type { Answer, KubeClient, KubeError } from '../kube/interface.ts'
import type { Log } from '../telemetry/log.ts'
import { type ServiceName, applyBundle, webhookConfigurations } from './ca-bundle.ts'
import { type CertificateMaterial, applyStep, readMaterial } from './material.ts'
import { type CertificateState, type CertificateStep, planCertificates, servingNames } from './plan.ts'
import { type StoredSecret, readSecret, secretRef, writeSecret } from './secret.ts'

export interface CertificatesAbout {
  /** Of the webhook; the Secret lives in its namespace. */
  readonly service: ServiceName
  readonly secretName: string
  /** Name of both webhook configurations. */
  readonly configurationName: string
}

export interface Certificates {
  readonly material: CertificateMaterial
  readonly state: CertificateState
}

// More than issue, add, renew and drop in a row, with a lost race in between each.
const mostSteps = 10

/**
 * Reads the Secret and carries out what the plan says, until it says `keep`. `served`, when given, is what goes into a
 * Secret that someone deleted or damaged, so that nothing trusted changes. `first` is a step to take before the plan's.
 */
export async function ensureCertificates(
  client: KubeClient,
  about: CertificatesAbout,
  options: {
    readonly wallMs: () => number
    readonly log: Log
    readonly served?: CertificateMaterial | undefined
    readonly first?: Exclude<CertificateStep, { kind: 'keep' }> | undefined
  },
): Promise<Answer<Certificates>> {
  const { wallMs, log, served } = options
  const ref = secretRef(about.service.namespace, about.secretName)
  const names = servingNames(about.service.name, about.service.namespace)
  let { first } = options
  for (let step = 0; step < mostSteps; step++) {
    const stored = await readSecret(client, ref)
    if (!stored.ok) return stored
    const state = stored.value === undefined ? undefined : await readMaterial(stored.value.material)
    const plan = first ?? planCertificates(state, names, wallMs())
    if (plan.kind === 'keep') {
      if (stored.value !== undefined && state !== undefined) {
        return { ok: true, value: { material: stored.value.material, state } }
      }
      continue
    }
    const material =
      state === undefined && served !== undefined && first === undefined
        ? served
        : await applyStep(plan, state === undefined ? undefined : stored.value?.material, names, wallMs())
    const written = await writeOrLose(client, ref, material, stored.value)
    if (!written.ok) return written
    if (written.value === 'lost') continue
    first = undefined
    log.info('certificates written', { step: plan.kind, why: plan.why })
  }
  return {
    ok: false,
    error: { code: 'Conflict', message: `Secret ${ref.name} is rewritten by someone else all the time` },
  }
}

async function writeOrLose(
  client: KubeClient,
  ref: ReturnType<typeof secretRef>,
  material: CertificateMaterial,
  over: StoredSecret | undefined,
): Promise<Answer<'written' | 'lost'>> {
  const answer = await writeSecret(client, ref, material, over)
  if (answer.ok) return { ok: true, value: 'written' }
  const { code } = answer.error
  const lost = code === 'AlreadyExists' || code === 'Conflict' || code === 'NotFound'
  return lost ? { ok: true, value: 'lost' } : answer
}

export interface CertificateKeeper {
  /** Resolves with the first usable certificates; never while the API server cannot be asked. */
  readonly ready: Promise<Certificates>
  stop(): void
}

/** Looks at once, then every `lookEveryMs`; failures are logged and tried again after `retryMs`. */
export function keepCertificates(options: {
  readonly client: KubeClient
  readonly about: CertificatesAbout
  readonly clock: Clock
  readonly log: Log
  readonly lookEveryMs: number
  readonly retryMs: number
  /** Called with the first ones, and whenever they differ from those before. */
  readonly onChange: (certificates: Certificates) => void
}): CertificateKeeper {
  const { client, about, clock, log, lookEveryMs, retryMs, onChange } = options
  const { promise: ready, resolve } = Promise.withResolvers<Certificates>()
  let served: CertificateMaterial | undefined
  let timer: Timer | undefined
  let stopped = false

  const look = async (): Promise<KubeError | undefined> => {
    const answer = await ensureCertificates(client, about, { wallMs: () => clock.wallMs(), log, served })
    if (!answer.ok) return answer.error
    const { material } = answer.value
    if (!sameMaterial(served, material)) {
      served = material
      onChange(answer.value)
      resolve(answer.value)
    }
    for (const ref of webhookConfigurations(about.configurationName)) {
      const bundle = await applyBundle(client, ref, about.service, material.authoritiesPem)
      if (!bundle.ok) return bundle.error
      if (bundle.value === 'wrong') log.info('caBundle written', { kind: ref.resource.kind, name: ref.name })
      if (bundle.value === 'missing') log.debug('no webhook configuration', { kind: ref.resource.kind, name: ref.name })
    }
    return undefined
  }
  const turn = async (): Promise<void> => {
    const error = await look().catch((thrown: unknown): KubeError => ({ code: 'Server', message: String(thrown) }))
    if (error !== undefined) log.warn('certificates not looked after', { code: error.code, reason: error.message })
    if (!stopped) timer = clock.after(error === undefined ? lookEveryMs : retryMs, () => void turn())
  }
  void turn()
  return {
    ready,
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}

function sameMaterial(a: CertificateMaterial | undefined, b: CertificateMaterial): boolean {
  return (
    a?.leaf.certificatePem === b.leaf.certificatePem &&
    a.leaf.keyPem === b.leaf.keyPem &&
    a.authoritiesPem === b.authoritiesPem
  )
}

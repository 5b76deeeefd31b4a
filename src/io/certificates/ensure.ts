// The Secret brought to what the plan says, against others who do the same at the same time.
import type { Answer, KubeClient } from '../kube/interface.ts'
import type { Log } from '../telemetry/log.ts'
import type { ServiceName } from './ca-bundle.ts'
import { type CertificateMaterial, applyStep, readMaterial } from './material.ts'
import {
  type CertificateStep,
  type UsableCertificates,
  chooseStep,
  isUsable,
  planCertificates,
  servingNames,
} from './plan.ts'
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
  readonly state: UsableCertificates
  /** Wall time at which something is due by age. */
  readonly nextLookMs: number
  /** What was done to get there, in order. */
  readonly done: readonly DueStep[]
}

export type DueStep = Exclude<CertificateStep, { kind: 'keep' }>

// More than issue, renew and drop in a row, with a lost race in between each.
const mostSteps = 10

/**
 * Reads the Secret and carries out what the plan says, until it says `keep`. `known`, when given, goes into a Secret that
 * someone deleted or damaged, so that nothing trusted changes. `first` is a step to take before the plan's.
 */
export async function ensureCertificates(
  client: KubeClient,
  about: CertificatesAbout,
  options: {
    readonly wallMs: () => number
    readonly log: Log
    readonly known?: CertificateMaterial | undefined
    readonly first?: DueStep | undefined
    readonly jitterMs?: number | undefined
  },
): Promise<Answer<Certificates>> {
  const { wallMs, log, known, jitterMs } = options
  const ref = secretRef(about.service.namespace, about.secretName)
  const names = servingNames(about.service.name, about.service.namespace)
  const done: DueStep[] = []
  let { first } = options
  for (let round = 0; round < mostSteps; round++) {
    const stored = await readSecret(client, ref)
    if (!stored.ok) return stored
    const state = stored.value === undefined ? undefined : await readMaterial(stored.value.material)
    const step = chooseStep(planCertificates(state, names, wallMs(), jitterMs), first)
    if (step.kind === 'keep') {
      if (stored.value === undefined || state === undefined || !isUsable(state)) continue
      return { ok: true, value: { material: stored.value.material, state, nextLookMs: step.nextLookMs, done } }
    }
    const damaged = state === undefined || state.faults.length > 0
    const putBack = damaged && first === undefined ? known : undefined
    const material = putBack ?? (await applyStep(step, stored.value?.material, names, wallMs()))
    const written = await writeOrLose(client, ref, material, stored.value)
    if (!written.ok) return written
    if (written.value === 'lost') continue
    first = undefined
    done.push(step)
    const fields = { secret: ref.name, step: putBack === undefined ? step.kind : 'putBack' }
    if (state === undefined || !damaged) log.info('certificates written', { ...fields, why: step.why })
    else log.warn('the Secret of the certificates was damaged', { ...fields, wrong: state.faults.join(', ') })
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

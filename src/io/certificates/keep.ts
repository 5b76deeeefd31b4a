// Keeps the Secret and the caBundles right for as long as a webhook runs.
import type { Answer, KubeClient, KubeError, ObjectRef, Reflector } from '../kube/interface.ts'
import { openReflector } from '../kube/reflector.ts'
import type { Clock, Timer } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { applyBundle, bundleHolders } from './ca-bundle.ts'
import { type Certificates, type CertificatesAbout, ensureCertificates } from './ensure.ts'
import type { CertificateMaterial } from './material.ts'
import { mostJitterMs } from './plan.ts'
import { secretRef } from './secret.ts'
import { Trust } from './trust.ts'

export interface CertificateKeeper {
  /** Resolves with the first usable certificates; never while the API server cannot be asked. */
  readonly ready: Promise<Certificates>
  stop(): Promise<void>
}

// Somebody who undoes our writes is followed less and less closely.
const firstPauseMs = 50
const mostPauseMs = 30_000
const calmAfterMs = 60_000

/**
 * Looks at once, at every change of the Secret or of an object with a caBundle, when something is due, and every
 * `lookEveryMs` in any case; failures are logged and tried again after `retryMs`, then ever later.
 */
export function keepCertificates(options: {
  readonly client: KubeClient
  readonly about: CertificatesAbout
  readonly clock: Clock
  readonly log: Log
  /** 0 ≤ x < 1: when in the time that is left for it this replica does what is due by age. */
  readonly random: () => number
  readonly lookEveryMs: number
  readonly retryMs: number
  /** What is to be served, first and whenever it changes: by then every caBundle has its authority. */
  readonly onChange: (certificates: Certificates) => void
}): CertificateKeeper {
  const { client, about, clock, log, random, lookEveryMs, retryMs, onChange } = options
  const { promise: ready, resolve } = Promise.withResolvers<Certificates>()
  const holders = bundleHolders(about.configurationName)
  const trust = new Trust()
  const jitterMs = random() * mostJitterMs
  let known: CertificateMaterial | undefined
  let served: Certificates | undefined
  let timer: Timer | undefined
  let looking = false
  let again = false
  let stopped = false
  let failures = 0
  let pauseMs = firstPauseMs
  let repairedAtMs = -Infinity

  /** Milliseconds until the next look. */
  async function look(): Promise<Answer<number>> {
    const answer = await ensureCertificates(client, about, { wallMs: () => clock.wallMs(), log, known, jitterMs })
    if (!answer.ok) return answer
    const latest = answer.value
    known = latest.material
    const bundles = await putBundles(trust.bundlePem(latest.state.authorities, clock.nowMs(), clock.wallMs()))
    if (bundles.ok) trust.noteBundles(latest.state.authorities, bundles.value === 'repaired', clock.nowMs())
    const waitMs = offer(latest)
    if (!bundles.ok) return bundles
    return { ok: true, value: Math.min(lookEveryMs, waitMs, Math.max(0, latest.nextLookMs - clock.wallMs())) }
  }

  async function putBundles(pem: string): Promise<Answer<'right' | 'repaired'>> {
    let failure: KubeError | undefined
    let repaired = false
    const put = async (ref: ObjectRef): Promise<void> => {
      const bundle = await applyBundle(client, ref, about.service, pem)
      if (!bundle.ok) failure ??= bundle.error
      else if (bundle.value === 'wrong') {
        repaired = true
        log.info('caBundle written', { kind: ref.resource.kind, name: ref.name })
      } else if (bundle.value === 'missing') {
        log.debug('nothing there to hold a caBundle', { kind: ref.resource.kind, name: ref.name })
      }
    }
    await Promise.all(holders.map(put))
    if (repaired) slowDown()
    if (failure !== undefined) return { ok: false, error: failure }
    return { ok: true, value: repaired ? 'repaired' : 'right' }
  }

  function slowDown(): void {
    const nowMs = clock.nowMs()
    pauseMs = nowMs - repairedAtMs > calmAfterMs ? firstPauseMs : Math.min(mostPauseMs, pauseMs * 2)
    repairedAtMs = nowMs
  }

  /** Serves what the Secret holds as soon as that is trusted; milliseconds until it may be. */
  function offer(latest: Certificates): number {
    const nowMs = clock.nowMs()
    if (served !== undefined && sameLeaf(served.material, latest.material)) {
      served = latest
      return Infinity
    }
    // Of the same authority: as trusted as what is served now. What has expired cannot be made worse.
    const waits =
      served !== undefined &&
      served.state.signer.fingerprint !== latest.state.signer.fingerprint &&
      served.state.leaf.expiresMs > clock.wallMs()
    const waitMs = waits ? (trust.waitMs(latest.state.signer, nowMs) ?? Infinity) : 0
    if (waitMs > 0) return waitMs
    trust.noteServed(latest.state.signer, served?.state.signer, nowMs)
    const { leaf, signer } = latest.state
    log.info('serving certificate', { expires: new Date(leaf.expiresMs).toISOString(), authority: signer.subject })
    served = latest
    onChange(latest)
    resolve(latest)
    return 0
  }

  async function turn(): Promise<void> {
    timer?.cancel()
    looking = true
    again = false
    const answer = await look().catch((thrown: unknown): Answer<number> => {
      return { ok: false, error: { code: 'Server', message: String(thrown) } }
    })
    looking = false
    if (!answer.ok) log.warn('certificates not looked after', { code: answer.error.code, reason: answer.error.message })
    if (stopped) return
    failures = answer.ok ? 0 : failures + 1
    const dueMs = answer.ok ? Math.max(answer.value, 1) : Math.min(mostPauseMs, retryMs * 2 ** (failures - 1))
    timer = clock.after(again ? Math.min(pauseMs, dueMs) : dueMs, () => void turn())
  }

  /** Something changed: also what was written here, which costs one look more. */
  function wake(): void {
    if (stopped || again) return
    again = true
    if (looking) return
    timer?.cancel()
    timer = clock.after(pauseMs, () => void turn())
  }

  void turn()
  const secret = secretRef(about.service.namespace, about.secretName)
  const watches = [secret, ...holders].map((ref) => watchOne(client, ref, { clock, log, random, wake }))
  return {
    ready,
    async stop() {
      stopped = true
      timer?.cancel()
      await Promise.all(watches.map((watch) => watch.stop()))
    },
  }
}

/** Keeps nothing of the object: a look reads it. */
function watchOne(
  client: KubeClient,
  { resource, namespace, name }: ObjectRef,
  { wake, ...rest }: Pick<Parameters<typeof keepCertificates>[0], 'clock' | 'log' | 'random'> & { wake: () => void },
): Reflector<string> {
  const read = (): string => ''
  const fieldSelector = `metadata.name=${name}`
  return openReflector(client, { resource, namespace, fieldSelector, read, onChange: wake, ...rest })
}

function sameLeaf(a: CertificateMaterial, b: CertificateMaterial): boolean {
  return a.leaf.certificatePem === b.leaf.certificatePem && a.leaf.keyPem === b.leaf.keyPem
}

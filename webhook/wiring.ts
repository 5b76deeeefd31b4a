//   API server ──HTTPS──▶ admission server ──▶ reviews.ts ─┬─▶ service-create.ts ──▶ claim.ts ──▶ EipAllocations
//                              ▲                           └─▶ judgements of core/admission
//                              │ certificate                     │ what is known
//   Secret, caBundles ◀──▶ certificate keeper                    ▼
//                                                   pools (Eips, Namespaces, reserved) and allocations, by watches
//   kubelet, Prometheus ──HTTP──▶ health server ◀── ready when all is listed and the certificate is served
import { keepCertificates } from '../src/io/certificates/index.ts'
import { type AdmissionServer, type ServingCertificate, openAdmissionServer } from '../src/io/http/admission-server.ts'
import { openHealthServer } from '../src/io/http/health.ts'
import { type KubeClient, eipAllocations } from '../src/io/kube/index.ts'
import { observePools, openAllocations } from '../src/io/pools/index.ts'
import type { Clock } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'
import { openMetrics } from '../src/io/telemetry/metrics.ts'
import type { Config } from './config.ts'
import { readyOf } from './ready.ts'
import { reviewHandlers } from './reviews.ts'

export interface Webhook {
  /** Ports really listened on; `admission` is undefined until there is a certificate. */
  readonly ports: { readonly admission: number | undefined; readonly health: number }
  /** Resolves when reviews are answered; rejects when the address cannot be listened on. */
  readonly serving: Promise<void>
  /** True, or the sentence that says what is missing. */
  ready(): true | string
  close(options: { readonly lameDuckMs: number; readonly drainMs: number }): Promise<void>
}

// Changes are seen at once; this is for what a watch may have missed.
const certificateLookMs = 300_000
const certificateRetryMs = 1_000

export async function openWebhook(options: {
  readonly config: Config
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly newNonce: () => string
  readonly version: string
}): Promise<Webhook> {
  const { config, client, clock, log, random, newNonce, version } = options
  const metrics = openMetrics('webhook', version)
  const observer = observePools({ client, clock, log })
  const allocations = openAllocations({ client, clock, log })
  const reflectors = new Map([...observer.reflectors, [eipAllocations.plural, allocations.reflector] as const])
  metrics.exposition.beforeScrape(() => {
    for (const [resource, reflector] of reflectors) {
      metrics.watchedObjects.set({ resource }, reflector.store.size)
      const currentMs = reflector.currentUpToMs()
      if (currentMs !== undefined) metrics.watchCurrentUpTo.set({ resource }, currentMs / 1000)
    }
    metrics.ready.set({ program: 'webhook' }, ready() === true ? 1 : 0)
  })

  let server: AdmissionServer | undefined
  let servingSinceMs: number | undefined
  let latest: ServingCertificate | undefined
  let closing = false
  const missing = (): readonly string[] =>
    [...reflectors].filter(([, reflector]) => !reflector.isSynced()).map(([plural]) => plural)
  const ready = (): true | string =>
    readyOf({
      closing,
      missing: missing(),
      servingMs: servingSinceMs === undefined ? undefined : clock.nowMs() - servingSinceMs,
    })
  const health = await openHealthServer({ listen: config.metricsListen, ready, exposition: metrics.exposition })

  const handlers = reviewHandlers({
    client,
    clock,
    log,
    random,
    newNonce,
    pools: observer.pools,
    allocations,
    metrics,
    attempts: metrics.claimAttempts,
    unavailable: config.unavailable,
    isSynced: () => missing().length === 0,
  })
  const keeper = keepCertificates({
    client,
    about: {
      service: { namespace: config.namespace, name: config.service },
      secretName: config.secret,
      configurationName: config.configuration,
    },
    clock,
    log,
    random,
    lookEveryMs: certificateLookMs,
    retryMs: certificateRetryMs,
    onChange: ({ state, material }) => {
      metrics.certificateExpiry.set({ certificate: 'serving' }, state.leaf.expiresMs / 1000)
      metrics.certificateExpiry.set({ certificate: 'ca' }, state.authorities[0].expiresMs / 1000)
      latest = material.leaf
      server?.setCertificate(latest)
    },
  })
  const serve = async (): Promise<void> => {
    const { material } = await keeper.ready
    if (closing) return
    server = await openAdmissionServer({ listen: config.listen, certificate: material.leaf, handlers, log })
    servingSinceMs = clock.nowMs()
    if (latest !== undefined) server.setCertificate(latest)
    log.info('serving', { port: server.port })
  }
  const serving = serve()

  return {
    ports: {
      get admission() {
        return server?.port
      },
      health: health.port,
    },
    serving,
    ready,
    async close(times) {
      closing = true
      await server?.close(times)
      await Promise.all([keeper.stop(), observer.stop(), allocations.stop(), health.close()])
    },
  }
}

import { randomUUID } from 'node:crypto'
import packageJson from '../package.json' with { type: 'json' }
import { openClient, readCredentials } from '../src/io/kube/index.ts'
import { systemClock } from '../src/io/process/clock.ts'
import { onShutdown } from '../src/io/process/shutdown.ts'
import { openLog } from '../src/io/telemetry/log.ts'
import { readConfig } from './config.ts'
import { openWebhook } from './wiring.ts'

// Endpoints of a Pod that ends are gone everywhere within a few seconds; no review takes longer than its timeout of 3 s.
const lameDuckMs = 5_000
const drainMs = 4_000

const config = readConfig(process.argv)
const log = openLog({ program: 'webhook', level: config.logLevel })
try {
  const clock = systemClock
  const client = openClient(await readCredentials({ kubeconfig: config.kubeconfig }), {
    log,
    clock,
    userAgent: `bellhop-webhook/${packageJson.version}`,
  })
  const webhook = await openWebhook({
    config,
    client,
    clock,
    log,
    random: Math.random,
    newNonce: randomUUID,
    version: packageJson.version,
  })
  onShutdown(
    async () => {
      await webhook.close({ lameDuckMs, drainMs })
      client.close()
    },
    { deadlineMs: lameDuckMs + drainMs + 3_000, log, clock },
  )
  await webhook.serving
} catch (error) {
  log.error('the webhook could not start', { error })
  process.exit(1)
}

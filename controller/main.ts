import packageJson from '../package.json' with { type: 'json' }
import { openClient, readCredentials } from '../src/io/kube/index.ts'
import { systemClock } from '../src/io/process/clock.ts'
import { onShutdown } from '../src/io/process/shutdown.ts'
import { openLog } from '../src/io/telemetry/log.ts'
import { readConfig } from './config.ts'
import { openController } from './wiring.ts'

// Writes under way, events and the release of the Lease.
const shutdownMs = 15_000

const config = readConfig(process.argv)
const log = openLog({ program: 'controller', level: config.logLevel })
try {
  const clock = systemClock
  const userAgent = `bellhop-controller/${packageJson.version}`
  const client = openClient(await readCredentials({ kubeconfig: config.kubeconfig }), { log, clock, userAgent })
  const controller = await openController({
    config,
    client,
    clock,
    log,
    random: Math.random,
    version: packageJson.version,
  })
  onShutdown(
    async () => {
      await controller.close()
      client.close()
    },
    { deadlineMs: shutdownMs, log, clock },
  )
} catch (error) {
  log.error('the controller could not start', { error })
  process.exit(1)
}

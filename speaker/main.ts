import { InvalidArgumentError } from 'commander'
import { openBgp } from '../src/io/bgp/index.ts'
import { openClient, readCredentials } from '../src/io/kube/index.ts'
import { openNetlink } from '../src/io/net/netlink.ts'
import {
  type CommonOptions,
  type ServeAddress,
  openCommand,
  readName,
  readServeAddress,
} from '../src/io/process/config.ts'
import { systemClock } from '../src/io/process/clock.ts'
import { onShutdown } from '../src/io/process/shutdown.ts'
import { openLog } from '../src/io/telemetry/log.ts'
import packageJson from '../package.json' with { type: 'json' }
import { removeAll } from './cleanup.ts'
import { findSpeakers, leaveAll, leaveSignal } from './leave.ts'
import { openSpeaker } from './wiring.ts'

interface Options extends CommonOptions {
  readonly nodeName?: string
  readonly metricsListen: ServeAddress
  readonly cleanup?: true
  readonly leave?: true
}

const command = openCommand({
  name: 'bellhop-speaker',
  description: 'Announces the addresses of Services to routers by BGP and has this node take their traffic.',
})
  .option('--node-name <name>', 'name of the own Node (default: $NODE_NAME)', readName)
  .option('--metrics-listen <address>', 'address of /healthz, /readyz and /metrics', readServeAddress, {
    host: '127.0.0.1',
    port: 9082,
  })
  .option('--cleanup', 'remove every route and rule of Bellhop from this node, nothing else, and end')
  .option('--leave', 'have the speaker that runs on this node withdraw everything and end')
  .parse()
const options = command.opts<Options>()
const log = openLog({ program: 'speaker', level: options.logLevel })

if (options.cleanup === true) await cleanUp()
else if (options.leave === true) await leave()
else await run()

async function run(): Promise<void> {
  const nodeName = options.nodeName ?? readEnvironmentName()
  const clock = systemClock
  const credentials = await readCredentials({ kubeconfig: options.kubeconfig })
  const userAgent = `bellhop-speaker/${packageJson.version}`
  const client = openClient(credentials, { log, clock, userAgent })
  const speaker = await openSpeaker({
    ...{ client, nodeName, namespace: options.namespace, metricsListen: options.metricsListen },
    ...{ netlink: openNetlink(), openBgp, version: packageJson.version, clock, log },
  }).catch((error: unknown) => fail(`the metrics address cannot be served: ${messageOf(error)}`))
  onShutdown(
    async () => {
      const how = await speaker.meaningOfTermination()
      log.info('terminating', { how })
      await speaker.stop(how)
    },
    { deadlineMs: 15_000, log, clock },
  )
  process.once(leaveSignal, () => {
    log.info('leaving')
    void speaker.stop('leave').finally(() => process.exit(0))
  })
}

async function cleanUp(): Promise<void> {
  const netlink = openNetlink()
  const removed = await removeAll(netlink)
  netlink.close()
  if (!removed.ok) fail(`routes and rules could not be removed: ${removed.error.message}`)
  log.info('cleaned up', { ...removed.value })
}

async function leave(): Promise<void> {
  const pids = await findSpeakers()
  if (pids.length === 0) return log.info('no speaker runs here')
  const left = await leaveAll(pids, 20_000, systemClock)
  if (!left) fail('the speaker has not ended within 20 s')
  log.info('left')
}

function readEnvironmentName(): string {
  const name = process.env['NODE_NAME'] ?? ''
  try {
    return readName(name)
  } catch (error) {
    if (error instanceof InvalidArgumentError) fail('--node-name or the environment variable NODE_NAME is needed')
    throw error
  }
}

function fail(sentence: string): never {
  process.stderr.write(`error: ${sentence}\n`)
  process.exit(1)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

import { hostname } from 'node:os'
import { Option } from 'commander'
import { type CommonOptions, type ServeAddress, openCommand, readServeAddress } from '../src/io/process/config.ts'

export interface Config extends CommonOptions {
  readonly metricsListen: ServeAddress
  /** Name of this replica in the leader's Lease and in events. */
  readonly identity: string
}

/** Ends the process with one sentence when an option makes no sense. */
export function readConfig(argv: readonly string[]): Config {
  const metricsListen = '0.0.0.0:9081'
  return openCommand({
    name: 'bellhop-controller',
    description: 'Keeps Services, their addresses and the summaries in step. One of the replicas leads.',
  })
    .addOption(
      new Option('--metrics-listen <host:port>', 'health, readiness and metrics')
        .argParser(readServeAddress)
        .default(readServeAddress(metricsListen), metricsListen),
    )
    .addOption(
      new Option('--identity <name>', 'name of this replica, unique among them').env('POD_NAME').default(hostname()),
    )
    .parse(argv)
    .opts<Config>()
}

import { Option } from 'commander'
import {
  type CommonOptions,
  type ServeAddress,
  openCommand,
  readName,
  readServeAddress,
} from '../src/io/process/config.ts'

export interface Config extends CommonOptions {
  readonly listen: ServeAddress
  readonly metricsListen: ServeAddress
  /** Of the webhook, in `namespace`: the certificate is made out to it. */
  readonly service: string
  readonly secret: string
  /** Name of both webhook configurations. */
  readonly configuration: string
  /** What merely lacks something now is admitted and waits, or is refused too (openelb-api.md 1.3). */
  readonly unavailable: 'wait' | 'refuse'
}

/** Ends the process with one sentence when an option makes no sense. */
export function readConfig(argv: readonly string[]): Config {
  return openCommand({
    name: 'bellhop-webhook',
    description: 'Gives a LoadBalancer Service its address while it is being created.',
  })
    .addOption(addressOption('--listen <host:port>', 'where the API server sends its reviews', '0.0.0.0:9443'))
    .addOption(addressOption('--metrics-listen <host:port>', 'health, readiness and metrics', '0.0.0.0:9080'))
    .option('--service <name>', 'Service that the webhook is reached by', readName, 'bellhop-webhook')
    .option('--secret <name>', 'Secret that holds the certificates', readName, 'bellhop-webhook-tls')
    .option('--configuration <name>', 'name of both webhook configurations', readName, 'bellhop')
    .addOption(
      new Option('--unavailable <answer>', 'a Service whose address is not to be had now')
        .choices(['wait', 'refuse'])
        .default('wait'),
    )
    .parse(argv)
    .opts<Config>()
}

function addressOption(flags: string, description: string, otherwise: string): Option {
  return new Option(flags, description).argParser(readServeAddress).default(readServeAddress(otherwise), otherwise)
}

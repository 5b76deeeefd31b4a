// Options of the programs: commander reads them, these functions name the ones that all programs share. Whatever is
// wrong with an option ends in one sentence on standard error and status 1, before anything is opened.
import { Command, InvalidArgumentError, Option } from 'commander'

import { systemNamespace } from '../../core/model/names.ts'
import { type LogLevel, logLevels } from '../telemetry/log.ts'

export interface ServeAddress {
  /** Without brackets. */
  readonly host: string
  readonly port: number
}

export interface CommonOptions {
  readonly namespace: string
  readonly logLevel: LogLevel
  /** Undefined in a Pod. */
  readonly kubeconfig?: string | undefined
}

export interface ProgramOptions {
  /** `bellhop-webhook`. */
  readonly name: string
  readonly description: string
}

/** A command with --namespace, --log-level and --kubeconfig; its `opts()` are CommonOptions and what is added. */
export function openCommand({ name, description }: ProgramOptions): Command {
  return new Command(name)
    .description(description)
    .option('--namespace <name>', 'namespace of Bellhop', readName, systemNamespace)
    .addOption(new Option('--log-level <level>', 'least level that is logged').choices([...logLevels]).default('info'))
    .option('--kubeconfig <file>', 'how to reach the cluster from outside (default: $KUBECONFIG, ~/.kube/config)')
    .allowExcessArguments(false)
    .showHelpAfterError('(--help shows the options)')
}

/** `0.0.0.0:9443`, `[::]:9443`, and `fd00::1:9443` as it comes from `$(NODE_IP):9443`: the last colon counts. */
export function readServeAddress(text: string): ServeAddress {
  const at = text.lastIndexOf(':')
  const host = text.slice(0, Math.max(0, at)).replace(/^\[(.*)\]$/, '$1')
  const port = readPort(text.slice(at + 1))
  if (at < 0 || host === '') throw new InvalidArgumentError('It must be HOST:PORT, such as 0.0.0.0:9443.')
  return { host, port }
}

export function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port < 0 || port > 65_535) throw new InvalidArgumentError('The port must be a number from 0 to 65535.')
  return port
}

/** A name that is neither empty nor a shell variable nobody replaced. */
export function readName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError('It must be a Kubernetes name: lower case letters, digits, "-" and ".".')
  return text
}

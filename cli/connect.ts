// From the options to a client of the cluster that kubectl would ask too.
import { type Credentials, readCredentials } from '../src/io/kube/credentials.ts'
import { openClient } from '../src/io/kube/client.ts'
import type { KubeClient, KubeError } from '../src/io/kube/interface.ts'
import { systemClock } from '../src/io/process/clock.ts'
import type { Log } from '../src/io/telemetry/log.ts'

export interface ConnectOptions {
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
  /** Of the Services that are asked about; default: the namespace of the context, else `default`. */
  readonly namespace?: string | undefined
}

export interface Connection {
  readonly client: KubeClient
  /** For what is no JSON: logs. */
  readonly credentials: Credentials
  readonly namespace: string
  readonly server: string
}

/** The cluster cannot be asked: exit status 3. */
export class CannotAsk extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CannotAsk'
  }
}

/** Whoever calls closes the client. Throws CannotAsk when no cluster is known; whether it answers is not tried. */
export async function connect({ kubeconfig, context, namespace }: ConnectOptions): Promise<Connection> {
  const credentials = await credentialsOf({ kubeconfig, context })
  const client = openClient(credentials, { log: noLog, clock: systemClock, userAgent: 'kubectl-bellhop' })
  const { server } = credentials
  return { client, credentials, namespace: namespace ?? credentials.namespace ?? 'default', server: server.href }
}

/** What an error of the cluster says to somebody at a terminal. */
export function cannotAsk(error: KubeError): CannotAsk {
  return new CannotAsk(`The cluster cannot be asked: ${error.message}`)
}

async function credentialsOf(options: Pick<ConnectOptions, 'kubeconfig' | 'context'>): Promise<Credentials> {
  try {
    return await readCredentials(options)
  } catch (error) {
    throw new CannotAsk(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

// Whatever goes wrong is in an answer; a terminal is no place for a log.
const noLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => noLog }

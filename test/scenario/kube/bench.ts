// The setting of the reflector's scenarios: a fake API server with two Services, a client, a view, and a clock of the
// test for all pauses. Requests are real.
import { test } from 'node:test'

import {
  type KubeClient,
  type KubeObject,
  type Reflector,
  openClient,
  openReflector,
  services,
} from '../../../src/io/kube/index.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { type ManualClock, manualClock } from '../../unit/io/process/manual-clock.ts'
import { type FakeApiServer, openFakeApiServer } from './fake-api-server.ts'
import { advanceUntil } from './wait.ts'

export const isList = ({ method, isWatch }: { method: string; isWatch: boolean }): boolean =>
  method === 'GET' && !isWatch
export const isWatch = ({ isWatch }: { isWatch: boolean }): boolean => isWatch

export interface Bench {
  readonly server: FakeApiServer
  readonly clock: ManualClock
  readonly client: KubeClient
  readonly view: Reflector<string>
  /** `key: before → after`. */
  readonly changes: string[]
  readonly isSynced: () => boolean
}

/** A server with services a and b, a reflector of their `spec.text`, the test, and everything closed again. */
export function scenario(
  name: string,
  run: (bench: Bench) => Promise<void>,
  options: {
    prepare?: (server: FakeApiServer) => void | Promise<void>
    onChange?: (key: string) => void
    read?: (object: KubeObject) => string | undefined
    /** The transport's time limits on the test's clock too. */
    manualTransport?: boolean
    labelSelector?: string
  } = {},
): void {
  void test(name, { timeout: 30_000 }, async () => {
    const server = await openFakeApiServer()
    const clock = manualClock()
    put(server, 'a', 'one')
    put(server, 'b', 'one')
    await options.prepare?.(server)
    const transportClock = options.manualTransport === true ? clock : systemClock
    const client = openClient(server.credentials, { log: silentLog, clock: transportClock, userAgent: 'test/1' })
    const changes: string[] = []
    const view = openReflector<string>(client, {
      resource: services,
      labelSelector: options.labelSelector,
      read: options.read ?? textOf,
      onChange: (key, was, is) => {
        changes.push(`${key}: ${was ?? '-'} → ${is ?? '-'}`)
        options.onChange?.(key)
      },
      clock,
      log: silentLog,
      random: () => 0.5,
    })
    try {
      await run({ server, clock, client, view, changes, isSynced: () => view.isSynced() })
    } finally {
      await view.stop()
      client.close()
      await server.close()
    }
  })
}

export function textOf(object: KubeObject): string | undefined {
  return (object['spec'] as { text?: string } | undefined)?.text
}

export function put(server: FakeApiServer, name: string, text: string, labels: Record<string, string> = {}): void {
  server.put(services, { metadata: { namespace: 'default', name, labels }, spec: { text } })
}

export async function whenWatching({ server, clock, view }: Bench): Promise<void> {
  await advanceUntil(clock, 'an open watch', () => server.watches.length > 0 && view.isSynced())
}

export async function whenIn(bench: Bench, key: string, text: string | undefined): Promise<void> {
  await advanceUntil(bench.clock, `${key} is ${text} in the view`, () => bench.view.store.get(key) === text)
}

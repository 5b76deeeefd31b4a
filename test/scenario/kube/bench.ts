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
import { advanceUntil, observed } from './wait.ts'

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
  /** Moves the clock until it holds. */
  readonly until: (what: string, holds: () => boolean, stepMs?: number) => Promise<void>
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
  void test(name, { timeout: 120_000 }, async () => {
    const server = await openFakeApiServer()
    const clock = manualClock()
    put(server, 'a', 'one')
    put(server, 'b', 'one')
    await options.prepare?.(server)
    const transportClock = options.manualTransport === true ? clock : systemClock
    const inner = openClient(server.credentials, { log: silentLog, clock: transportClock, userAgent: 'test/1' })
    const { client, busy } = observed(inner, server)
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
      await run({
        ...{ server, clock, client, view, changes },
        isSynced: () => view.isSynced(),
        // With its limits on the test's clock, a call that hangs ends only as that moves.
        until: (what, holds, stepMs = 100) =>
          advanceUntil(clock, what, holds, options.manualTransport === true ? { stepMs } : { stepMs, busy }),
      })
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

export async function whenWatching({ server, until, view }: Bench): Promise<void> {
  await until('an open watch', () => server.watches.length > 0 && view.isSynced())
}

export async function whenIn(bench: Bench, key: string, text: string | undefined): Promise<void> {
  await bench.until(`${key} is ${text} in the view`, () => bench.view.store.get(key) === text)
}

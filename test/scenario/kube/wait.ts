import type { KubeClient } from '../../../src/io/kube/index.ts'
import { type ManualClock, settle } from '../../unit/io/process/manual-clock.ts'
import type { FakeApiServer } from './fake-api-server.ts'

/** Waits in real time until `holds`; fails with what was missing. */
export async function waitFor(what: string, holds: () => boolean, timeoutMs = 5000): Promise<void> {
  const untilMs = performance.now() + timeoutMs
  while (!holds()) {
    if (performance.now() > untilMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/**
 * Waits like waitFor while a clock of the test moves on by itself: for code whose pauses are on that clock and whose
 * requests are real. The clock moves `stepMs` at a time, and not while `busy`: so what a slow machine takes for a
 * request does not count. `maxMs` is on that clock, `realMs` on ours.
 */
export async function advanceUntil(
  clock: ManualClock,
  what: string,
  holds: () => boolean,
  {
    stepMs = 100,
    maxMs = 3_600_000,
    realMs = 60_000,
    busy = () => false,
  }: { stepMs?: number; maxMs?: number; realMs?: number; busy?: () => boolean } = {},
): Promise<void> {
  const untilMs = performance.now() + realMs
  const startMs = clock.nowMs()
  while (!holds()) {
    if (performance.now() > untilMs || clock.nowMs() - startMs > maxMs)
      throw new Error(`not within ${Math.round(clock.nowMs() - startMs)} ms of the test's clock: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
    await settle()
    if (!holds() && !busy()) await clock.advance(stepMs)
  }
}

/**
 * The client, and whether a call of it is under way; a watch counts until the server has it or it has ended, and a call
 * that the server keeps waiting on purpose does not.
 */
export function observed(client: KubeClient, server: FakeApiServer): { client: KubeClient; busy: () => boolean } {
  let calls = 0
  const starting = new Set<() => boolean>()
  const counted =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      calls++
      try {
        return await call(...args)
      } finally {
        // Whoever waits for the answer goes on first.
        setImmediate(() => calls--)
      }
    }
  const watchesSeen = (): number => server.requests.filter(({ isWatch }) => isWatch).length
  return {
    client: {
      get: counted((...args) => client.get(...args)),
      list: counted((...args) => client.list(...args)),
      create: counted((...args) => client.create(...args)),
      patch: counted((...args) => client.patch(...args)),
      replace: counted((...args) => client.replace(...args)),
      delete: counted((...args) => client.delete(...args)),
      watch(...args) {
        const before = watchesSeen()
        const isStarting = (): boolean => watchesSeen() === before
        starting.add(isStarting)
        const watch = client.watch(...args)
        void watch.ended.then(() => starting.delete(isStarting))
        return watch
      },
      close: () => client.close(),
    },
    busy() {
      for (const isStarting of starting) if (!isStarting()) starting.delete(isStarting)
      return calls > server.held || starting.size > 0
    },
  }
}

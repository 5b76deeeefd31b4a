import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import type { SessionReport } from '../../src/core/bgp/index.ts'
import { plainPeer } from '../fixtures/bgp/played-peer.ts'
import { waitFor } from '../lab/wait.ts'
import type { Command, PathText, PeerText } from './engine-program.ts'
import { type Network, addresses } from './network.ts'

/** A report as it comes out of the engine's program: addresses are text. */
export type ReportText = Omit<SessionReport, 'localAddress' | 'remoteRouterId'> & {
  readonly localAddress?: string
  readonly remoteRouterId?: string
}

export interface Engine {
  configure(peers: readonly PeerText[], port?: number): Promise<void>
  setPaths(prefix: string, paths: readonly PathText[], count?: number): Promise<void>
  ask(command: Command): Promise<unknown>
  session(): Promise<ReportText>
  /** Waits for the session's state. */
  reaches(state: SessionReport['state'], timeoutMs?: number): Promise<ReportText>
  close(how: 'restart' | 'leave'): Promise<void>
  /** As kill -9. */
  kill(): Promise<void>
}

/** The peer that most tests want: the router, AS 65002; we are 65001. */
export const routerPeer: PeerText = {
  ...plainPeer,
  key: 'router',
  neighbor: addresses.router,
  remotePort: 179,
  routerId: addresses.engine,
  addPathSendMax: 8,
}

export const self: PathText = { id: 1, nextHop: 'self' }

export function startEngine(network: Network): Engine {
  const program = network.start(
    network.engine,
    process.execPath,
    fileURLToPath(new URL('./engine-program.ts', import.meta.url)),
  )
  const { stdin, stdout } = program.process
  if (stdin === null || stdout === null) throw new Error('the engine has no pipes')
  interface Waiting {
    readonly resolve: (answer: unknown) => void
    readonly reject: (error: Error) => void
  }
  const waiting = new Map<number, Waiting>()
  createInterface({ input: stdout }).on('line', (line) => {
    const { id, answer } = JSON.parse(line) as { readonly id: number; readonly answer: unknown }
    waiting.get(id)?.resolve(answer)
    waiting.delete(id)
  })
  program.process.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`the engine has ended: ${program.output()}`))
  })
  let last = 0
  const ask = (command: Command): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      stdin.write(`${JSON.stringify({ id, command })}\n`)
    })
  const session = async (): Promise<ReportText> => {
    const [report] = (await ask({ do: 'sessions' })) as readonly ReportText[]
    if (report === undefined) throw new Error('the engine has no peer')
    return report
  }
  return {
    ask,
    session,
    async configure(peers, port = -1) {
      await ask({ do: 'configure', port, peers })
    },
    async setPaths(prefix, paths, count = 1) {
      await ask({ do: 'setPaths', peer: routerPeer.key, prefix, paths, count })
    },
    async reaches(state, timeoutMs = 10_000) {
      let seen: ReportText | undefined
      return waitFor(
        `our session in ${state}`,
        async () => {
          seen = await session()
          return seen.state === state ? seen : undefined
        },
        { timeoutMs, missing: () => `it is ${seen?.state}, last error: ${seen?.lastError}; ${program.output()}` },
      )
    },
    async close(how) {
      await ask({ do: 'close', how })
      await program.stop()
    },
    kill: () => program.stop('SIGKILL'),
  }
}

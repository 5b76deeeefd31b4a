// Two namespaces and a link: what an engine and a router need to meet.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const addresses = {
  engine: '10.77.0.1',
  engine6: 'fd77::1',
  router: '10.77.0.2',
  router6: 'fd77::2',
  /** Of nobody: another node, as next hop. */
  third: '10.77.0.3',
  fourth: '10.77.0.4',
} as const

export interface Network {
  /** Names of the two namespaces. */
  readonly engine: string
  readonly router: string
  /** Runs a command to its end; its standard output. */
  run(namespace: string, command: string, ...args: readonly string[]): Promise<string>
  /** Starts a program; stopped by `close` at the latest. */
  start(namespace: string, command: string, ...args: readonly string[]): Program
  /** Takes the link between the two down or up again. */
  setLink(state: 'up' | 'down'): Promise<void>
  /** A counter of the kernel's TCP in a namespace, as `TCPMD5Failure`. */
  tcpCounter(namespace: string, name: string): Promise<number>
  close(): Promise<void>
}

export interface Program {
  readonly process: ChildProcess
  /** What it printed on standard error and, unless somebody reads it, standard output; the end of it. */
  readonly output: () => string
  /** Resolves when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** `name` tells networks of one process apart. */
export async function openNetwork(name = 'only'): Promise<Network> {
  const prefix = `bhi-${process.pid}-${name}-`
  const engine = `${prefix}engine`
  const router = `${prefix}router`
  const programs = new Set<Program>()
  const remove = (): void => {
    for (const { process: child } of programs) if (child.exitCode === null) child.kill('SIGKILL')
    for (const namespace of [engine, router]) {
      try {
        execFileSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' })
      } catch {
        // It was not there, or is gone already.
      }
    }
  }
  process.once('exit', remove)
  // A runner that loses patience; without a listener no 'exit' follows.
  const endNow = (): void => process.exit(143)
  process.once('SIGTERM', endNow)
  const inside = (namespace: string, ...command: readonly string[]): string[] => [
    'netns',
    'exec',
    namespace,
    ...command,
  ]
  for (const namespace of [engine, router]) await run('ip', ['netns', 'add', namespace])
  await run('ip', ['-n', engine, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up0', 'netns', router])
  for (const [namespace, ip, ip6] of [
    [engine, addresses.engine, addresses.engine6],
    [router, addresses.router, addresses.router6],
  ] as const) {
    await run(
      'ip',
      inside(namespace, 'sysctl', '-qw', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.up0.accept_dad=0'),
    )
    await run('ip', ['-n', namespace, 'addr', 'add', `${ip}/24`, 'dev', 'up0'])
    await run('ip', ['-n', namespace, '-6', 'addr', 'add', `${ip6}/64`, 'dev', 'up0', 'nodad'])
    await run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
    await run('ip', ['-n', namespace, 'link', 'set', 'up0', 'up'])
  }
  return {
    engine,
    router,
    async run(namespace, ...command) {
      const { stdout } = await run('ip', inside(namespace, ...command), { maxBuffer: 1 << 28, timeout: 20_000 })
      return stdout
    },
    start(namespace, ...command) {
      const child = spawn('ip', inside(namespace, ...command), { stdio: ['pipe', 'pipe', 'pipe'] })
      let output = ''
      child.stderr.on('data', (chunk) => (output = (output + String(chunk)).slice(-4000)))
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      const program: Program = {
        process: child,
        output: () => output,
        async stop(signal = 'SIGTERM') {
          if (child.exitCode === null && child.signalCode === null) child.kill(signal)
          await ended
          programs.delete(program)
        },
      }
      programs.add(program)
      return program
    },
    async setLink(state) {
      await run('ip', ['-n', engine, 'link', 'set', 'up0', state])
      if (state === 'down') return
      // The kernel takes IPv6 addresses away with the link.
      await run('ip', ['-n', engine, '-6', 'addr', 'replace', `${addresses.engine6}/64`, 'dev', 'up0', 'nodad'])
    },
    async tcpCounter(namespace, name) {
      const { stdout } = await run('ip', inside(namespace, 'cat', '/proc/net/netstat'))
      const [names = '', values = ''] = stdout.split('\n')
      const index = names.split(' ').indexOf(name)
      if (index < 0) throw new Error(`the kernel has no counter ${name}`)
      return Number(values.split(' ')[index])
    },
    async close() {
      await Promise.all([...programs].map((program) => program.stop('SIGKILL')))
      remove()
      process.removeListener('exit', remove)
      process.removeListener('SIGTERM', endNow)
    },
  }
}

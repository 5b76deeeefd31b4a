// A network namespace for the length of one test file, and processes inside it.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Namespace {
  readonly name: string
  /** `ip ARGS` in the namespace. */
  ip(args: string): string
  /** A command in the namespace; its standard output. Throws when it fails. */
  run(command: string, ...args: readonly string[]): string
  /** A module of this repository, run by the same Node; its standard output. Rejects when it fails. */
  node(module: URL, ...args: readonly string[]): Promise<string>
  remove(): void
}

/** Undefined: why there can be none, in one sentence. */
export function reasonAgainstNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'the program `ip` (iproute2) is missing'
  }
}

export function openNamespace(suffix: string): Namespace {
  const name = `bhs-${process.pid}-${suffix}`
  execFileSync('ip', ['netns', 'add', name])
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
  return {
    name,
    ip: (args) => execFileSync('ip', ['-n', name, ...args.split(' ')], { encoding: 'utf8', timeout: 10_000 }),
    run: (command, ...args) =>
      execFileSync('ip', ['netns', 'exec', name, command, ...args], { encoding: 'utf8', timeout: 10_000 }),
    node: async (module, ...args) => {
      const child = spawn('ip', ['netns', 'exec', name, process.execPath, module.pathname, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 120_000,
      })
      let output = ''
      let errors = ''
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
      const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
      if (status === 0) return output
      throw new Error(`${module.pathname} ended with ${signal ?? status}: ${errors}`)
    },
    remove: () => execFileSync('ip', ['netns', 'del', name]),
  }
}

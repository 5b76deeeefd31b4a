// Short-lived commands, in this machine's or in a lab's network namespace.
import { execFile } from 'node:child_process'

export interface CommandResult {
  /** Null when a signal ended it. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly input?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  /** Killed after this long. Default 60 s. */
  readonly timeoutMs?: number | undefined
}

/** Runs to the end whatever its status; rejects only when it could not be started. */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file = '', ...args] = argv
  const { input = '', env, cwd, timeoutMs = 60_000 } = options
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { cwd, env: { ...process.env, ...env }, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code === 'string') {
          reject(new Error(`${file} cannot be run: ${error.message}`))
          return
        }
        const ended = error?.killed === true ? `\nended after ${timeoutMs / 1000} s: it was not done\n` : ''
        resolve({ status: child.exitCode, stdout, stderr: stderr + ended })
      },
    )
    // A command that does not read its input closes it early: no concern of ours.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

/** Standard output of a command that must succeed; rejects with one sentence that ends in what it complained of. */
export async function readCommand(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await runCommand(argv, options)
  if (status === 0) return stdout
  const complaint = (stderr.trim() || stdout.trim()).slice(-2000)
  throw new Error(`${argv.join(' ').slice(0, 200)} ended with ${status ?? 'a signal'}: ${complaint}`)
}

/**
 * argv that runs `argv` in a named network namespace. nsenter and not `ip netns exec`: only the network is exchanged,
 * mounts stay, so namespaces made from within are seen by all; and it becomes the program, so that its pid is the one
 * we started.
 */
export function inNamespace(namespace: string, argv: readonly string[]): readonly string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv]
}

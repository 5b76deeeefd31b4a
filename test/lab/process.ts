// Long-running programs of the lab: each in a network namespace, in a process group of its own (so that Ctrl-C reaches
// only the lab, which then ends them in order), its output in a log file, its pid in the record as long as it lives.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { inNamespace } from './command.ts'
import { type ProgramRecord, readStartTime } from './record.ts'

export interface ProgramOptions {
  /** `kube-proxy`, `speaker`. */
  readonly program: string
  /** Role whose program this is; for a Pod its node. */
  readonly role: string
  /** `namespace/name`, of a Pod's program. */
  readonly pod?: string | undefined
  readonly namespace: string
  readonly argv: readonly string[]
  /** The whole environment; default: the lab's own. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  /** Where it serves metrics: `10.244.1.3:9090`. */
  readonly metrics?: string | undefined
  /** `pipe`: standard input and output are the caller's, only standard error is logged. Default: nothing and the log. */
  readonly stdio?: 'pipe' | undefined
}

export interface Program {
  readonly key: string
  readonly pid: number
  readonly logFile: string
  readonly child: ChildProcess
  /** Resolves when it has ended, with words for how: `status 1`, `SIGKILL`. */
  readonly ended: Promise<string>
  hasEnded(): boolean
  /** No effect when it has ended. */
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, after `graceMs` SIGKILL; resolves when it has ended. */
  stop(graceMs: number): Promise<void>
  /** The end of its log, for messages. */
  lastWords(): string
}

export interface Programs {
  /** Rejects when it cannot be started at all. */
  start(options: ProgramOptions): Promise<Program>
  running(): ReadonlyMap<string, Program>
  /** How each program was started last, by key, also of those that have ended. */
  known(): ReadonlyMap<string, ProgramOptions>
}

export interface ProgramsOptions {
  readonly logs: string
  /** Called whenever a program has started (with its record) or ended (without). */
  readonly onChange: (key: string, record: ProgramRecord | undefined) => void
}

export function openPrograms({ logs, onChange }: ProgramsOptions): Programs {
  const running = new Map<string, Program>()
  const known = new Map<string, ProgramOptions>()

  async function start(options: ProgramOptions): Promise<Program> {
    const { program, role, pod, namespace, argv, env, cwd, metrics, stdio } = options
    const key = freeKey(running, `${program}@${role}`)
    const logFile = join(logs, `${pod === undefined ? key : `${program}@${role}.${pod.replace('/', '.')}`}.log`)
    const log = openSync(logFile, 'a')
    const [file = '', ...args] = inNamespace(namespace, argv)
    const child = spawn(file, args, {
      cwd,
      env: { ...(env ?? process.env) },
      detached: true,
      stdio: stdio === 'pipe' ? ['pipe', 'pipe', log] : ['ignore', log, log],
    })
    closeSync(log)
    const { promise: ended, resolve: end } = Promise.withResolvers<string>()
    let over = false
    child.once('exit', (status, signal) => {
      over = true
      running.delete(key)
      onChange(key, undefined)
      end(signal ?? `status ${status}`)
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error) => reject(new Error(`${program} cannot be started: ${error.message}`)))
    })
    const pid = child.pid ?? 0
    const kill = (signal: NodeJS.Signals): void => {
      if (!over) child.kill(signal)
    }
    const started: Program = {
      key,
      pid,
      logFile,
      child,
      ended,
      hasEnded: () => over,
      kill,
      async stop(graceMs) {
        kill('SIGTERM')
        const late = setTimeout(() => kill('SIGKILL'), graceMs)
        await ended
        clearTimeout(late)
      },
      lastWords: () => readLastLine(logFile),
    }
    if (over) return started
    running.set(key, started)
    known.set(key, options)
    const startTime = readStartTime(pid) ?? 0
    onChange(key, { program, role, namespace, pod, pid, startTime, logFile, metrics })
    return started
  }

  return { start, running: () => running, known: () => known }
}

/** `speaker@master`; a second one at the same time is `speaker@master-2`. */
function freeKey(taken: ReadonlyMap<string, unknown>, wanted: string): string {
  for (let number = 1; ; number++) {
    const key = number === 1 ? wanted : `${wanted}-${number}`
    if (!taken.has(key)) return key
  }
}

function readLastLine(file: string): string {
  const text = readFileSync(file, 'utf8').slice(-4000)
  return text.trim().split('\n').at(-1)?.slice(0, 500) ?? ''
}

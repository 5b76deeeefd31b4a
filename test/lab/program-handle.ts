// One program of the lab, or all that bear its name, to be killed, ended and started again by a test.
import type { PodRun } from './pod-run.ts'
import type { Programs } from './process.ts'
import type { Role } from './topology.ts'

/** All Pods of one program, or one program of the control plane. */
export interface ProgramHandle {
  pids(): readonly number[]
  /** What was killed is started again by itself, if it is a Pod's. */
  kill(signal: NodeJS.Signals): void
  /** Ends it and leaves it ended; for Pods, once the API server knows that they are not ready. */
  stop(signal?: NodeJS.Signals): Promise<void>
  start(): Promise<void>
}

/** Rejects a name that nothing in the lab bears: a misspelt program must not pass for one that is not running. */
export function handleProgram(
  name: string,
  role: Role | undefined,
  allRuns: () => readonly PodRun[],
  programs: Programs,
): ProgramHandle {
  const runs = (): readonly PodRun[] =>
    allRuns().filter((run) => run.programName() === name && (role === undefined || run.node === role))
  return runs().length > 0 ? handleRuns(runs) : handlePrograms(name, role, programs)
}

function handleRuns(runs: () => readonly PodRun[]): ProgramHandle {
  return {
    pids: () => runs().flatMap((run) => run.process()?.pid ?? []),
    kill: (signal) => runs().forEach((run) => run.process()?.kill(signal)),
    stop: async (signal) => void (await Promise.all(runs().map((run) => run.hold(signal)))),
    start: () => Promise.resolve(runs().forEach((run) => run.resume())),
  }
}

function handlePrograms(name: string, role: Role | undefined, programs: Programs): ProgramHandle {
  const known = [...programs.known()].filter(
    ([, each]) =>
      each.program === name &&
      each.pod === undefined &&
      each.stdio === undefined &&
      (role === undefined || each.role === role),
  )
  if (known.length === 0) throw new Error(`no program ${name} runs ${role === undefined ? 'in the lab' : `on ${role}`}`)
  const running = () => known.flatMap(([key]) => programs.running().get(key) ?? [])
  return {
    pids: () => running().map(({ pid }) => pid),
    kill: (signal) => running().forEach((program) => program.kill(signal)),
    async stop(signal = 'SIGTERM') {
      await Promise.all(
        running().map((program) => {
          program.kill(signal)
          return program.ended
        }),
      )
    },
    async start() {
      const ended = known.filter(([key]) => !programs.running().has(key))
      await Promise.all(ended.map(([, options]) => programs.start(options)))
    },
  }
}

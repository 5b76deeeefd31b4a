// A speaker as a process: started, looked at, ended.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { type Whereabouts, speakerCommand } from './stand.ts'

export interface Speaker {
  residentMb(): number
  /** User and system time so far. */
  cpuSeconds(): number
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>
}

const ticksPerSecond = 100

export async function startSpeaker(stand: Whereabouts): Promise<Speaker> {
  const { argv, env } = speakerCommand(stand)
  const [file = '', ...args] = argv
  const child = spawn(file, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  return {
    residentMb: () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProc(child.pid, 'status'))?.[1]) / 1024,
    cpuSeconds() {
      // Fields 14 and 15 of proc(5); the name in parentheses may contain anything.
      const fields = readProc(child.pid, 'stat')
        .replace(/^.*\) /s, '')
        .split(' ')
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
    },
    async stop() {
      process.off('exit', endWithUs)
      child.kill('SIGTERM')
      await ended
    },
  }
}

function readProc(pid: number | undefined, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8')
}

// `speaker --leave`: tells the speaker that runs beside us (the same Pod, or the same network namespace) to withdraw
// everything and end: the preStop hook of an uninstall. By signal, since a port or a socket in the host's network could
// be used by anybody on the node.
import { readFile, readdir, readlink } from 'node:fs/promises'
import { type Clock, pause } from '../src/io/process/clock.ts'

/** SIGTERM means restart, so leaving needs a signal of its own. */
export const leaveSignal: NodeJS.Signals = 'SIGUSR2'

/** Process ids of speakers in our network namespace, ourselves left out. */
export async function findSpeakers(): Promise<readonly number[]> {
  const ownNetwork = await readlink('/proc/self/ns/net')
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    try {
      const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
      const program = args.findIndex((arg) => /(^|\/)speaker\/main\.[jt]s$/.test(arg))
      if (program < 0 || program > 3 || args.includes('--leave') || args.includes('--cleanup')) continue
      if ((await readlink(`/proc/${pid}/ns/net`)) === ownNetwork) found.push(pid)
    } catch {
      // It has ended meanwhile, or is not ours to look at.
    }
  }
  return found
}

/** True when all of them have ended within `limitMs`. */
export async function leaveAll(pids: readonly number[], limitMs: number, clock: Clock): Promise<boolean> {
  for (const pid of pids) process.kill(pid, leaveSignal)
  const untilMs = clock.nowMs() + limitMs
  while (clock.nowMs() < untilMs) {
    if (!pids.some(isAlive)) return true
    await pause(clock, 50)
  }
  return !pids.some(isAlive)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

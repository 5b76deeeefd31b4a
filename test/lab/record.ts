// `.lab/lab.json`: what runs where, kept current, so that other tools can work with a running lab and what a killed one
// has left can be told from what is not ours: a process counts as the lab's only while its start time is the recorded.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { findNamespaces, removeNamespaces } from './network.ts'
import { addresses, type Role, roles } from './topology.ts'

export const defaultPrefix = 'bellhop-'

export interface ProcessIdentity {
  readonly pid: number
  /** Field 22 of /proc/PID/stat: ticks after boot. */
  readonly startTime: number
}

export interface ProgramRecord extends ProcessIdentity {
  readonly program: string
  readonly role: string
  readonly namespace: string
  readonly pod?: string | undefined
  readonly logFile: string
  /** `host:port` that serves /metrics, reached from any node. */
  readonly metrics?: string | undefined
}

export interface LabRecord {
  readonly prefix: string
  /** The process that holds the lab; SIGTERM to it takes the lab down. */
  readonly owner: ProcessIdentity
  readonly startedAt: string
  readonly kubeconfig: string
  readonly kubectl: string
  readonly roles: Readonly<Record<Role, { readonly namespace: string; readonly addresses: readonly string[] }>>
  readonly programs: Readonly<Record<string, ProgramRecord>>
}

export interface LabFiles {
  readonly directory: string
  readonly record: string
  readonly kubeconfig: string
  readonly kubectl: string
  readonly logs: string
  /** Keys, certificates, etcd's data, service accounts; readable by root only, but for what Pods read. */
  readonly state: string
}

const repository = join(import.meta.dirname, '../..')

/** Files of the lab with this prefix: `.lab/` of the repository, for another prefix a folder in it. */
export function labFiles(prefix: string): LabFiles {
  const name = prefix.replace(/-+$/, '')
  const top = join(repository, '.lab')
  const directory = prefix === defaultPrefix ? top : join(top, name)
  return {
    directory,
    record: join(directory, 'lab.json'),
    kubeconfig: join(directory, 'kubeconfig'),
    kubectl: join(directory, 'kubectl'),
    logs: join(directory, 'logs'),
    state: join(directory, 'state'),
  }
}

export function readRecord(prefix: string): LabRecord | undefined {
  try {
    return JSON.parse(readFileSync(labFiles(prefix).record, 'utf8')) as LabRecord
  } catch {
    return undefined
  }
}

/** Whether that very process lives, and not a later one of the same number. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return readStartTime(pid) === startTime
}

/** Undefined when there is no such process, or only what its parent has not yet looked after. */
export function readStartTime(pid: number): number | undefined {
  try {
    // The name in parentheses may contain anything: what counts follows the last one.
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return state === 'Z' ? undefined : Number(fields[18])
  } catch {
    return undefined
  }
}

export interface RecordKeeper {
  readonly set: (key: string, program: ProgramRecord | undefined) => void
}

/** Writes lab.json now, and again after each change. */
export function openRecord(prefix: string): RecordKeeper {
  const files = labFiles(prefix)
  const programs: Record<string, ProgramRecord> = {}
  const base: Omit<LabRecord, 'programs'> = {
    prefix,
    owner: { pid: process.pid, startTime: readStartTime(process.pid) ?? 0 },
    startedAt: new Date().toISOString(),
    kubeconfig: files.kubeconfig,
    kubectl: files.kubectl,
    roles: Object.fromEntries(
      roles.map((role) => [role, { namespace: prefix + role, addresses: addresses[role] }]),
    ) as LabRecord['roles'],
  }
  const write = (): void => {
    // The folder goes when the lab does; what ends after that has nothing to record.
    if (!existsSync(files.directory)) return
    const next = `${files.record}.next`
    writeFileSync(next, `${JSON.stringify({ ...base, programs }, undefined, 2)}\n`)
    renameSync(next, files.record)
  }
  mkdirSync(files.logs, { recursive: true })
  mkdirSync(files.state, { recursive: true, mode: 0o711 })
  write()
  return {
    set(key, program) {
      if (program === undefined) delete programs[key]
      else programs[key] = program
      write()
    },
  }
}

export interface Leftovers {
  readonly processes: readonly ProgramRecord[]
  readonly namespaces: readonly string[]
}

/** What a lab of this prefix has left that nobody holds any more; undefined while its owner lives. */
export function findLeftovers(prefix: string): Leftovers | undefined {
  const record = readRecord(prefix)
  if (record !== undefined && isAlive(record.owner)) return undefined
  return {
    processes: Object.values(record?.programs ?? {}).filter(isAlive),
    namespaces: findNamespaces(prefix),
  }
}

/** Ends those processes, removes those namespaces and every file of the lab; `keepLogs` leaves the logs. */
export async function clear(
  prefix: string,
  { processes, namespaces }: Leftovers,
  { keepLogs = false } = {},
): Promise<void> {
  for (const each of processes) {
    if (isAlive(each)) process.kill(each.pid, 'SIGKILL')
  }
  await removeNamespaces(namespaces)
  for (const role of roles) {
    for (const directory of routerDirectories(prefix + role)) rmSync(directory, { recursive: true, force: true })
  }
  const files = labFiles(prefix)
  for (const path of [files.record, `${files.record}.next`, files.kubeconfig, files.kubectl, files.state])
    rmSync(path, { recursive: true, force: true })
  if (!keepLogs) rmSync(files.logs, { recursive: true, force: true })
  for (const directory of [files.directory, join(repository, '.lab')]) {
    if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory)
  }
}

/** Where FRR keeps the sockets and the configuration of a path space (its `-N`). */
export function routerDirectories(namespace: string): readonly [run: string, etc: string] {
  return [`/var/run/frr/${namespace}`, `/etc/frr/${namespace}`]
}

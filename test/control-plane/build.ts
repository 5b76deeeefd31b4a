// Finds or builds the control plane. Run as a program it does just that: node test/control-plane/build.ts
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

import {
  type ControlPlane,
  type FoundProgram,
  type ProgramName,
  choosePrograms,
  programNames,
  readMinor,
} from './choose.ts'

export type { ControlPlane } from './choose.ts'

/** Gets one sentence now and then, at least every few seconds while something is built. */
export type Progress = (line: string) => void

const module = import.meta.dirname
const reportEveryMs = 5000

/** Every program of a control plane that runs here. Rejects with one sentence, for example when Go is missing. */
export async function findControlPlane(progress: Progress): Promise<ControlPlane> {
  const release = readRelease()
  const chosen = choosePrograms(findInstalled(), release.minor)
  if (programNames.every((name) => chosen.has(name))) return Object.fromEntries(chosen) as ControlPlane
  const built = await openBuilt(release.version, progress)
  return Object.fromEntries(
    programNames.map((name) => [name, chosen.get(name) ?? join(built, name)]),
  ) as unknown as ControlPlane
}

function readRelease(): { readonly version: string; readonly minor: number } {
  const match = /k8s\.io\/kubernetes (v1\.(\d+)\.\S+)/.exec(readFileSync(join(module, 'go.mod'), 'utf8'))
  if (match === null) throw new Error('test/control-plane/go.mod requires no k8s.io/kubernetes')
  return { version: match[1] ?? '', minor: Number(match[2]) }
}

function findInstalled(): ReadonlyMap<ProgramName, FoundProgram> {
  const directories = [process.env['KUBEBUILDER_ASSETS'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter)]
  const found = new Map<ProgramName, FoundProgram>()
  for (const name of programNames) {
    const path = directories
      .filter((directory) => directory !== '')
      .map((directory) => join(directory, name))
      .find(isExecutable)
    if (path === undefined) continue
    // It may be a script for something that is not here: only what says its version counts.
    const args = name === 'kubectl' ? ['version', '--client'] : ['--version']
    const { status, stdout } = spawnSync(path, args, { encoding: 'utf8', timeout: 10_000 })
    const minor = status === 0 ? readMinor(name, stdout) : undefined
    if (minor !== undefined) found.set(name, { path, minor })
  }
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The folder with the five names, built when it is not there yet. */
async function openBuilt(version: string, progress: Progress): Promise<string> {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(module, file)))
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const target = join(cache, 'bellhop', 'control-plane', hash.digest('hex').slice(0, 16))
  if (existsSync(target)) return target
  mkdirSync(join(target, '..'), { recursive: true })
  const release = await lock(`${target}.lock`, progress)
  try {
    if (!existsSync(target)) await build(target, version, progress)
  } finally {
    release()
  }
  return target
}

async function build(target: string, version: string, progress: Progress): Promise<void> {
  if (spawnSync('go', ['version']).status !== 0) {
    throw new Error(
      'Go is not installed, and the control plane of the lab is built with it: install Go 1.21 or newer (https://go.dev/dl), or name a folder with its programs in KUBEBUILDER_ASSETS',
    )
  }
  const unfinished = `${target}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished)
  const [, minor] = version.split('.')
  const variable = 'k8s.io/component-base/version'
  const flags = `-s -w -X ${variable}.gitVersion=${version} -X ${variable}.gitMajor=1 -X ${variable}.gitMinor=${minor}`
  const startedMs = performance.now()
  const seconds = (): number => Math.round((performance.now() - startedMs) / 1000)
  progress(`building the control plane (Kubernetes ${version}), once; about five minutes on two cores`)
  const total = countPackages()
  let compiled = 0
  // A program's path begins with a letter, what the compiler complains of does not look like one.
  const complaints: string[] = []
  const report = setInterval(() => {
    const state = compiled === 0 ? 'nothing compiled yet' : `${compiled} of up to ${total()} packages`
    progress(`building the control plane: ${state}, ${seconds()} s`)
  }, reportEveryMs)
  try {
    const output = join(unfinished, 'control-plane')
    const status = await runGo(['build', '-v', '-trimpath', '-ldflags', flags, '-o', output, '.'], (line) => {
      if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) compiled += 1
      else complaints.push(line)
    })
    if (status !== 0)
      throw new Error(
        `the control plane cannot be built: ${complaints.slice(-3).join(' ') || `go ended with ${status}`}`,
      )
  } finally {
    clearInterval(report)
  }
  for (const name of programNames) symlinkSync('control-plane', join(unfinished, name))
  renameSync(unfinished, target)
  progress(`building the control plane: done in ${seconds()} s`)
}

/** How many packages there are to compile at most; a question mark until it is known. */
function countPackages(): () => string {
  let packages = 0
  // It is only told along the way: when it cannot be counted the build itself will say why.
  void runGo(
    ['list', '-deps', '.'],
    () => {},
    () => (packages += 1),
  ).catch(() => 0)
  return () => (packages === 0 ? '?' : String(packages))
}

function runGo(
  args: readonly string[],
  onComplaint: (line: string) => void,
  onLine: (line: string) => void = () => {},
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd: module,
      env: { ...process.env, CGO_ENABLED: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const kill = (): boolean => child.kill()
    process.once('exit', kill)
    child.once('close', () => process.removeListener('exit', kill))
    createInterface({ input: child.stderr }).on('line', onComplaint)
    createInterface({ input: child.stdout }).on('line', onLine)
    child.once('error', reject)
    child.once('close', resolve)
  })
}

/** Waits while another process holds the lock and lives; resolves with what lets go of it. */
async function lock(path: string, progress: Progress): Promise<() => void> {
  for (let waitedMs = 0; ; waitedMs += 500) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' })
      return () => rmSync(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = readHolder(path)
    if (holder !== undefined && !existsSync(`/proc/${holder}`)) {
      rmSync(path, { force: true })
      continue
    }
    if (waitedMs % reportEveryMs === 0) progress(`waiting for process ${holder ?? '?'}, which builds the control plane`)
    await pause(500)
  }
}

function readHolder(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'))
    return pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

if (import.meta.main) {
  try {
    const programs = await findControlPlane((line) => process.stdout.write(`${line}\n`))
    for (const name of programNames) process.stdout.write(`${name.padEnd(24)} ${programs[name]}\n`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

// `make lab`, `make lab-down`, `make lab-exec`.
//
//   node test/lab/main.ts up [--detach] [--prefix P]     stays until Ctrl-C, SIGTERM or `down`; --detach: in the background
//   node test/lab/main.ts down [--prefix P]
//   node test/lab/main.ts exec ROLE COMMAND [--prefix P]
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'

import { deployBellhop, openelbSamples, readIngress } from './bellhop.ts'
import { inNamespace } from './command.ts'
import { type Lab, startLab } from './lab.ts'
import { clear, defaultPrefix, findLeftovers, isAlive, labFiles, readRecord } from './record.ts'
import { describeLab } from './summary.ts'
import { leafNames, type Role, roles } from './topology.ts'
import { waitFor } from './wait.ts'

const usage = 'usage: node test/lab/main.ts up [--detach] | down | exec ROLE COMMAND   [--prefix PREFIX]'

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { prefix: { type: 'string', default: defaultPrefix }, detach: { type: 'boolean', default: false } },
  })
  const [command, ...args] = positionals
  if (command === 'up' && values.detach) await upDetached(values.prefix)
  else if (command === 'up') await up(values.prefix)
  else if (command === 'down') await down(values.prefix)
  else if (command === 'exec') await exec(values.prefix, args)
  else throw new Error(usage)
} catch (error) {
  tell(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

/** A line for whoever watches: the terminal, or the process that started this one in the background. */
function tell(line: string): void {
  process.stdout.write(`${line}\n`)
  if (process.connected) process.send?.(line)
}

/** What happens while the lab runs, also for later. */
function note(prefix: string, line: string): void {
  tell(line)
  const { logs } = labFiles(prefix)
  if (existsSync(logs)) appendFileSync(join(logs, 'lab.log'), `${new Date().toISOString()} ${line}\n`)
}

async function up(prefix: string): Promise<void> {
  const startedMs = performance.now()
  const progress = (line: string): void =>
    tell(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}`)
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())
  let lab: Lab
  try {
    lab = await startLab({ prefix, progress, log: (line) => note(prefix, line), signal: end.signal })
  } catch (error) {
    if (!end.signal.aborted) throw error
    tell('taken down before it was up')
    return
  }
  const ended = new Promise<void>((resolve) => {
    if (end.signal.aborted) resolve()
    end.signal.addEventListener('abort', () => resolve())
  })
  try {
    await Promise.race([ended, furnish(lab, progress)])
  } catch (error) {
    if (!end.signal.aborted) {
      process.exitCode = 1
      tell(`\nNot everything came up: ${error instanceof Error ? error.message : String(error)}`)
      tell(`The network and the control plane stay up to look at; logs are in ${relative('.', lab.files.logs)}/.`)
    }
  }
  if (!end.signal.aborted) {
    const which = prefix === defaultPrefix ? '' : ` PREFIX=${prefix}`
    const here = process.connected ? '' : 'Ctrl-C here, or '
    tell(`\n${here}\`make lab-down${which}\` anywhere, takes it all down.`)
    if (process.connected) process.disconnect()
  }
  // Nothing else may be holding the process: the lab's own handles do.
  await ended
  tell('\ntaking the lab down')
  await lab.stop()
  process.exit()
}

async function furnish(lab: Lab, progress: (line: string) => void): Promise<void> {
  await deployBellhop(lab)
  progress('Bellhop: webhook, controller and speakers are ready')
  await lab.deploy(openelbSamples)
  const address = await waitFor('the Service default/echo has an address', () => readIngress(lab, 'default/echo'))
  for (const leaf of leafNames) {
    await waitFor(`${leaf} knows the way to ${address}`, async () => (await lab.leafNextHops(leaf, address)).length > 0)
  }
  await waitFor('the spine knows both leaves', async () => (await lab.leafNextHops('spine', address)).length === 2)
  progress(`Service default/echo: ${address}, known to both leaves`)
  tell(await describeLab(lab, address))
}

/** The same in a process of its own, its progress passed on until it is up. */
async function upDetached(prefix: string): Promise<void> {
  const child = spawn(process.execPath, [import.meta.filename, 'up', '--prefix', prefix], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  child.on('message', (line) => void (typeof line === 'string' && process.stdout.write(`${line}\n`)))
  const how = await new Promise<'up' | 'ended'>((resolve) => {
    child.once('disconnect', () => resolve(child.exitCode === null ? 'up' : 'ended'))
    child.once('exit', () => resolve('ended'))
  })
  child.unref()
  process.exit(how === 'up' ? 0 : 1)
}

async function down(prefix: string): Promise<void> {
  const owner = readRecord(prefix)?.owner
  if (owner !== undefined && isAlive(owner)) {
    tell(`ending the lab (process ${owner.pid})`)
    process.kill(owner.pid, 'SIGTERM')
    await waitFor('the lab has ended', () => !isAlive(owner), { timeoutMs: 30_000 })
  }
  const leftovers = findLeftovers(prefix)
  if (leftovers !== undefined) await clear(prefix, leftovers)
  tell('nothing of the lab is left')
}

async function exec(prefix: string, [role, ...command]: readonly string[]): Promise<void> {
  if (role === undefined || command.length === 0 || !(roles as readonly string[]).includes(role))
    throw new Error(`make lab-exec ROLE=… CMD='…': the roles are ${roles.join(', ')}`)
  const record = readRecord(prefix)
  if (record === undefined || !isAlive(record.owner)) throw new Error('No lab is running: make lab brings one up.')
  const [file = '', ...args] = inNamespace(prefix + (role as Role), ['sh', '-c', command.join(' ')])
  const child = spawn(file, args, { stdio: 'inherit' })
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (status) => resolve(status ?? 1))
  })
}

// helm and kustomize, built from their Go modules (tool/) once into the user's cache directory.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const runFile = promisify(execFile)
const module = join(import.meta.dirname, 'tool')
/** Two minutes on two cores when nothing is there, 20 s after the control plane has been built, which has most of it. */
const buildLimitMs = 590_000

export interface InstallTools {
  readonly helm: string
  readonly kustomize: string
}

/** Rejects with one sentence, for example when Go is missing. */
export async function findInstallTools(): Promise<InstallTools> {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum', 'kustomize/main.go']) hash.update(readFileSync(join(module, file)))
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const target = join(cache, 'bellhop', 'install-tools', hash.digest('hex').slice(0, 16))
  if (!existsSync(target)) await build(target)
  return { helm: join(target, 'helm'), kustomize: join(target, 'kustomize') }
}

async function build(target: string): Promise<void> {
  mkdirSync(dirname(target), { recursive: true })
  const unfinished = mkdtempSync(`${target}.`)
  try {
    // Flags as those of the control plane, so that what both need is compiled once.
    const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${unfinished}/`]
    await runFile('go', [...args, 'helm.sh/helm/v3/cmd/helm', './kustomize'], {
      cwd: module,
      env: { ...process.env, CGO_ENABLED: '0' },
      timeout: buildLimitMs,
    })
    renameSync(unfinished, target)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    // Another was faster.
    if (existsSync(target)) return
    const { code, stderr = '' } = error as { readonly code?: unknown; readonly stderr?: string }
    const why = code === 'ENOENT' ? 'Go is not installed' : stderr.trim().split('\n').slice(-3).join(' ')
    throw new Error(`helm and kustomize cannot be built: ${why}`, { cause: error })
  }
}

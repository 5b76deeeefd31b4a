// Prometheus and promtool: on PATH, or where `tools/install.sh lab` unpacks them.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Throws with one sentence when it is nowhere. */
export function findProgram(name: 'prometheus' | 'promtool'): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), join(cache, 'bellhop/prometheus/usr/bin')]
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`${name} is missing: sh tools/install.sh lab brings it`)
  return found
}

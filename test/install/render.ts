// What would be applied: the objects of an overlay, or of the chart with these values.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'

import { findInstallTools } from './build.ts'

const runFile = promisify(execFile)
const root = join(import.meta.dirname, '../..')
export const chart = join(root, 'charts/bellhop')

export interface KubeManifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
}
/** By kind, namespace and name: `Deployment bellhop-system/bellhop-webhook`. */
export type Rendered = ReadonlyMap<string, KubeManifest>

export type Values = Readonly<Record<string, unknown>>

export async function renderOverlay(name: string): Promise<Rendered> {
  const { kustomize } = await findInstallTools()
  return readObjects(await run(kustomize, [join(root, 'manifests/overlays', name)]))
}

/** Rejects with what helm says when it refuses. */
export async function renderChart(values: Values = {}, more: readonly string[] = []): Promise<Rendered> {
  return readObjects(await renderChartText(values, more))
}

export async function renderChartText(values: Values = {}, more: readonly string[] = []): Promise<string> {
  const { helm } = await findInstallTools()
  // The oldest that is supported.
  const args = ['template', 'bellhop', chart, '--namespace', 'bellhop-system', '--kube-version', '1.32.0', ...more]
  return run(helm, [...args, '--values', '-'], JSON.stringify(values))
}

export async function run(program: string, args: readonly string[], input = ''): Promise<string> {
  const running = runFile(program, args, { maxBuffer: 1 << 26, timeout: 60_000 })
  running.child.stdin?.end(input)
  try {
    return (await running).stdout
  } catch (error) {
    throw new Error((error as { readonly stderr?: string }).stderr?.trim() || String(error), { cause: error })
  }
}

export function readObjects(text: string): Rendered {
  const objects = new Map<string, KubeManifest>()
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as KubeManifest | null
    if (object === null) continue
    const { namespace, name } = object.metadata
    const key = `${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`
    if (objects.has(key)) throw new Error(`${key} is there twice`)
    objects.set(key, object)
  }
  return objects
}

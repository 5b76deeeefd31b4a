// Applying manifests as a user does, and waiting until what they describe runs.
import { numberAt } from '../../src/core/model/field.ts'
import type { ApiAccess } from './api.ts'
import type { CommandOptions, CommandResult } from './command.ts'
import type { PodRun } from './pod-run.ts'
import { waitFor } from './wait.ts'

export interface DeployAccess {
  readonly kubectl: (args: readonly string[], options?: CommandOptions) => Promise<CommandResult>
  readonly request: ApiAccess['request']
  readonly runs: () => readonly PodRun[]
}

interface AppliedObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/** `path`: a folder with a kustomization, or a file. Rejects with one sentence that names what is not ready. */
export async function deploy({ kubectl, request, runs }: DeployAccess, path: string, timeoutMs: number): Promise<void> {
  const from = /\.(ya?ml|json)$/.test(path) ? ['-f', path] : ['-k', path]
  const applied = await kubectl(['apply', '--server-side', '--force-conflicts', '-o', 'json', ...from])
  if (applied.status !== 0) throw new Error(`${path} cannot be applied: ${applied.stderr.trim()}`)
  const objects = readObjects(applied.stdout)
  const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition')
  if (definitions.length > 0) {
    const names = definitions.map(({ metadata }) => `crd/${metadata.name}`)
    await kubectl(['wait', '--for=condition=Established', '--timeout=20s', ...names])
  }
  for (const { kind, metadata } of objects) {
    if (kind !== 'Deployment' && kind !== 'DaemonSet') continue
    const namespace = metadata.namespace ?? 'default'
    const path = `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s/${metadata.name}`
    await waitFor(
      `${kind} ${namespace}/${metadata.name} is rolled out`,
      async () => isRolledOut(kind, await request('GET', path)),
      { timeoutMs, everyMs: 100, missing: () => describeUnready(namespace, metadata.name, runs()) },
    )
  }
}

/** As `kubectl rollout status` judges it. */
function isRolledOut(kind: 'Deployment' | 'DaemonSet', object: unknown): boolean {
  const count = (field: string): number => numberAt(object, 'status', field) ?? 0
  if (count('observedGeneration') < (numberAt(object, 'metadata', 'generation') ?? 0)) return false
  if (kind === 'DaemonSet') {
    const wanted = count('desiredNumberScheduled')
    return count('updatedNumberScheduled') === wanted && count('numberAvailable') === wanted
  }
  const wanted = numberAt(object, 'spec', 'replicas') ?? 1
  return ['replicas', 'updatedReplicas', 'availableReplicas'].every((field) => count(field) === wanted)
}

/** What the Pods that are not ready last said. */
function describeUnready(namespace: string, owner: string, runs: readonly PodRun[]): string {
  return runs
    .filter(({ pod }) => pod.namespace === namespace && pod.name.startsWith(`${owner}-`))
    .filter((run) => !run.isReady())
    .map((run) => `${run.pod.name} on ${run.node}: ${run.lastWords()}`)
    .join('; ')
}

/** kubectl prints one object, a List, or one after the other. */
function readObjects(text: string): readonly AppliedObject[] {
  const documents =
    text.trim() === '' ? [] : (JSON.parse(`[${text.trim().replaceAll(/^\}\s*\{/gm, '},{')}]`) as unknown[])
  return documents.flatMap((each) => (each as { items?: readonly AppliedObject[] }).items ?? [each as AppliedObject])
}

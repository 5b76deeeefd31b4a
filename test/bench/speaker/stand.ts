// An API server, a node and its router's place, and nothing else: what a speaker costs is not to be told from what
// kube-proxy and the others do meanwhile.
//
//   master:  etcd, API server, the speaker          leaf1:  the listeners, and whoever makes the changes
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { findControlPlane } from '../../control-plane/build.ts'
import { inNamespace, readCommand } from '../../lab/command.ts'
import { createNetwork, findNamespaces } from '../../lab/network.ts'
import { startApiServer } from '../../lab/plane.ts'
import { type Program, openPrograms } from '../../lab/process.ts'
import { buildPrograms } from '../../lab/programs.ts'
import { clear, findLeftovers, labFiles, openRecord } from '../../lab/record.ts'
import { apiServerAddress, apiServerPort } from '../../lab/topology.ts'
import { waitFor } from '../../lab/wait.ts'

/** What it takes to start a speaker. */
export interface Whereabouts {
  readonly prefix: string
  /** As kubelet mounts it, of the speaker. */
  readonly serviceAccount: string
  /** The compiled ones. */
  readonly programs: string
}

export interface Stand extends Whereabouts {
  readonly kubeconfig: string
  /** Starts a script of this repository in leaf1; its standard output is the caller's. */
  run(script: string, args: readonly string[]): Promise<Program>
  close(): Promise<void>
}

const repository = join(import.meta.dirname, '../../..')
const manifests = join(repository, 'manifests')
/** A second neighbour's address, of the same router. */
export const listenerAddresses = ['192.168.0.2', '192.168.0.12'] as const

export async function openStand(prefix: string, say: (line: string) => void): Promise<Stand> {
  const controlPlane = await findControlPlane(say)
  const leftovers = findLeftovers(prefix)
  if (leftovers === undefined) throw new Error(`a stand with the prefix ${prefix} is in use`)
  await clear(prefix, leftovers)
  const files = labFiles(prefix)
  const programs = openPrograms({ logs: files.logs, onChange: openRecord(prefix).set })
  const close = async (): Promise<void> => {
    await Promise.all(
      [...programs.running().values()].map((program) => {
        program.kill('SIGKILL')
        return program.ended
      }),
    )
    await clear(prefix, { processes: [], namespaces: findNamespaces(prefix) })
  }
  try {
    const compiled = join(files.state, 'programs')
    await Promise.all([createNetwork(prefix), buildPrograms(compiled)])
    await readCommand(['ip', '-n', `${prefix}leaf1`, 'address', 'add', `${listenerAddresses[1]}/24`, 'dev', 'rack'])
    const { authority } = await startApiServer({ prefix, files, programs, controlPlane })
    const kubectl = (args: readonly string[]): Promise<string> =>
      readCommand(inNamespace(`${prefix}leaf1`, [controlPlane.kubectl, '--kubeconfig', files.kubeconfig, ...args]))
    await waitFor('the API server is ready', async () => (await kubectl(['get', '--raw', '/readyz'])) === 'ok', {
      timeoutMs: 60_000,
    })
    await kubectl(['apply', '--server-side', '-k', join(manifests, 'crds')])
    await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
    for (const file of ['namespaces.yaml', 'rbac-speaker.yaml'])
      await kubectl(['apply', '--server-side', '-f', join(manifests, 'base', file)])
    const serviceAccount = join(files.state, 'speaker')
    mkdirSync(serviceAccount)
    const token = await kubectl(['create', 'token', 'bellhop-speaker', '-n', 'bellhop-system', '--duration', '8h'])
    const mounted = { token: token.trim(), 'ca.crt': authority.certificate, namespace: 'bellhop-system' }
    for (const [name, text] of Object.entries(mounted)) writeFileSync(join(serviceAccount, name), text, { mode: 0o600 })
    return {
      ...{ kubeconfig: files.kubeconfig, serviceAccount, prefix, programs: compiled, close },
      run: (script, args) =>
        programs.start({
          ...{ program: 'bench', role: 'leaf1', namespace: `${prefix}leaf1`, stdio: 'pipe' },
          argv: [process.execPath, join(repository, script), ...args],
        }),
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** argv and environment of a speaker on the master, as its DaemonSet has them. */
export function speakerCommand({ prefix, serviceAccount, programs }: Whereabouts): {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
} {
  const args = ['--node-name=master', `--metrics-listen=${apiServerAddress}:9082`, '--namespace=bellhop-system']
  return {
    argv: inNamespace(`${prefix}master`, [
      process.execPath,
      '--optimize-for-size',
      join(programs, 'speaker/main.js'),
      ...args,
    ]),
    env: {
      PATH: process.env['PATH'] ?? '',
      MALLOC_ARENA_MAX: '1',
      KUBERNETES_SERVICE_HOST: apiServerAddress,
      KUBERNETES_SERVICE_PORT: String(apiServerPort),
      BELLHOP_SERVICEACCOUNT_DIR: serviceAccount,
    },
  }
}

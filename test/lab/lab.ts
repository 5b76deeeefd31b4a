// A running lab, as tests, benchmarks and `make lab` hold it.
import { join } from 'node:path'

import type { KubeClient } from '../../src/io/kube/index.ts'
import { findControlPlane } from '../control-plane/build.ts'
import type { ApiAccess } from './api.ts'
import { type CommandOptions, type CommandResult, inNamespace, readCommand, runCommand } from './command.ts'
import { deploy } from './deploy.ts'
import { type Kubelet, podsDirectory, startKubelet } from './kubelet.ts'
import { createNetwork, findNamespaces, readConnections, readNextHops } from './network.ts'
import { setNodeCondition } from './node-objects.ts'
import { startPlane, writeKubectl } from './plane.ts'
import type { PodRun } from './pod-run.ts'
import { type ProgramHandle, handleProgram } from './program-handle.ts'
import { type Programs, openPrograms } from './process.ts'
import { buildPrograms, rootMayRead } from './programs.ts'
import { clear, defaultPrefix, findLeftovers, labFiles, openRecord, readRecord, type LabFiles } from './record.ts'
import { type BgpPath, askRouter, readBgpPaths, readNeighbors, startRouters } from './routers.ts'
import { type NodeName, nodeNames, type Role, type RouterName } from './topology.ts'
import { waitFor } from './wait.ts'

export interface LabOptions {
  /** Of every namespace; two labs with different prefixes can run at once. Default `bellhop-`. */
  readonly prefix?: string | undefined
  /** Gets a line for each step of the start. */
  readonly progress?: ((line: string) => void) | undefined
  /** Gets a line when something of note happens later: a program that was started again. */
  readonly log?: ((line: string) => void) | undefined
  /** Aborted while the lab starts, takes down what there is of it. */
  readonly signal?: AbortSignal | undefined
}

export interface Lab {
  readonly prefix: string
  readonly files: LabFiles
  /** As admin. */
  readonly api: KubeClient
  /** One request by path, as admin; rejects unless it is answered with a 2xx. */
  readonly request: ApiAccess['request']
  namespace(role: Role): string
  /** Runs a command in a role's namespace, a string by the shell; whatever its status. */
  exec(role: Role, command: string | readonly string[], options?: CommandOptions): Promise<CommandResult>
  /** Standard output of a command that must succeed. */
  read(role: Role, command: string | readonly string[], options?: CommandOptions): Promise<string>
  kubectl(args: readonly string[], options?: CommandOptions): Promise<CommandResult>
  /** Applies a folder (kustomization) or file by server-side apply; resolves when all its Pods are ready. */
  deploy(path: string, options?: { readonly timeoutMs?: number }): Promise<void>
  pods(): readonly PodRun[]
  /** The Pod `namespace/name`, of http-echo: whether it is ready from now on. */
  setPodReady(pod: string, ready: boolean): Promise<void>
  /** `webhook`, `controller`, `speaker`, `http-echo`, `kube-apiserver`, `bgpd` …; of one role or of all. */
  program(name: string, role?: Role): ProgramHandle
  /** Every Pod of the Deployment `namespace/name` goes to that node; `null`: anywhere again. */
  moveDeployment(deployment: string, node: NodeName | null): Promise<void>
  /** Sets a label or, with null, removes it. */
  labelNode(node: NodeName, label: string, value: string | null): Promise<void>
  setNodeCondition(node: NodeName, type: string, status: 'True' | 'False' | 'Unknown'): Promise<void>
  /** False: that kubelet falls silent, its node is Unknown some 50 s later. True: it is back and Ready. */
  setHeartbeat(node: NodeName, beats: boolean): Promise<void>
  /** Next hops of the kernel's route for an address on a router, sorted. */
  leafNextHops(router: RouterName, address: string): Promise<readonly string[]>
  /** What the router's BGP table has for an address, used or not. */
  bgpPaths(router: RouterName, address: string): Promise<readonly BgpPath[]>
  /** The router's BGP neighbours and their states in FRR's words. */
  neighbors(router: RouterName): Promise<Readonly<Record<string, string>>>
  /** Output of commands on a router's command line (vtysh). */
  router(router: RouterName, commands: readonly string[]): Promise<string>
  /** Connections from outside to addresses of the pool that came in at each node, since the lab began. */
  countConnections(): Promise<Readonly<Record<NodeName, number>>>
  /** Ends everything and removes it. */
  stop(options?: { readonly keepLogs?: boolean }): Promise<void>
}

const repository = join(import.meta.dirname, '../..')

/** Brings a lab up; what was begun is removed again when that fails. Rejects with one sentence. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const { prefix = defaultPrefix, progress = () => {}, log = () => {}, signal } = options
  if (process.getuid?.() !== 0) throw new Error('The lab makes network namespaces, which takes root: run it with sudo.')
  if (!/^[a-z][a-z0-9-]{0,20}-$/.test(prefix))
    throw new Error(`The prefix ${prefix} must be like bellhop- (at most 22 letters).`)
  const controlPlane = await findControlPlane(progress)
  const files = labFiles(prefix)
  await clearLeftovers(prefix, progress)

  const record = openRecord(prefix)
  const programs = openPrograms({ logs: files.logs, onChange: record.set })
  const step = timed(progress)
  let api: ApiAccess | undefined
  let kubelet: Kubelet | undefined
  let stopping: Promise<void> | undefined
  const stop = (keepLogs: boolean): Promise<void> =>
    (stopping ??= takeDown({ prefix, programs, keepLogs, kubelet, api }))
  // Everything that is waited for then ends with what it waits for.
  signal?.addEventListener('abort', () => void stop(false), { once: true })
  try {
    signal?.throwIfAborted()
    await step('network: client, spine, two leaves, three nodes', () => createNetwork(prefix))
    const compiled = join(files.state, 'programs')
    const [plane] = await Promise.all([
      step(`control plane: ${controlPlane['kube-apiserver']}`, () =>
        startPlane({ prefix, files, programs, controlPlane }),
      ),
      step('routers: FRR on spine and leaves', () => startRouters(prefix, programs)),
      step('programs: compiled', () => buildPrograms(compiled)),
    ])
    api = plane.api
    writeKubectl(prefix, files, controlPlane.kubectl)
    const node = join(repository, 'node_modules/.bin/node')
    const paths = { node, repository, programs: compiled, rootMayRead: await rootMayRead(compiled, node) }
    const directory = podsDirectory(files.state)
    kubelet = await startKubelet({ prefix, plane, programs, paths, directory, report: log })
    const allUsable = (): boolean => kubelet?.usableNodes() === nodeNames.length
    await step('nodes: Ready, kube-proxy on each', () => waitFor('every node is usable', allUsable, { everyMs: 20 }))
    signal?.throwIfAborted()
  } catch (error) {
    await stop(signal?.aborted !== true)
    throw error
  }
  return openLab({ prefix, files, programs, api, kubelet, stop })
}

interface LabParts {
  readonly prefix: string
  readonly files: LabFiles
  readonly programs: Programs
  readonly api: ApiAccess
  readonly kubelet: Kubelet
  readonly stop: (keepLogs: boolean) => Promise<void>
}

function openLab({ prefix, files, programs, api, kubelet, stop }: LabParts): Lab {
  const argvOf = (role: Role, command: string | readonly string[]): readonly string[] =>
    inNamespace(prefix + role, typeof command === 'string' ? ['sh', '-c', command] : command)
  const kubectl: Lab['kubectl'] = (args, options) => runCommand([files.kubectl, ...args], options)
  return {
    prefix,
    files,
    api: api.client,
    request: api.request,
    namespace: (role) => prefix + role,
    exec: (role, command, options) => runCommand(argvOf(role, command), options),
    read: (role, command, options) => readCommand(argvOf(role, command), options),
    kubectl,
    deploy: (path, { timeoutMs = 60_000 } = {}) =>
      deploy({ kubectl, request: api.request, runs: kubelet.runs }, path, timeoutMs),
    pods: kubelet.runs,
    async setPodReady(pod, ready) {
      const run = kubelet.runs().find((each) => `${each.pod.namespace}/${each.pod.name}` === pod)
      if (run === undefined) throw new Error(`no Pod ${pod} runs here`)
      await run.setReady(ready)
    },
    program: (name, role) => handleProgram(name, role, kubelet.runs, programs),
    async moveDeployment(deployment, node) {
      const [namespace = '', name = ''] = deployment.split('/')
      const nodeSelector = { 'kubernetes.io/hostname': node }
      await api.request('PATCH', `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`, {
        spec: { template: { spec: { nodeSelector } } },
      })
    },
    async labelNode(node, label, value) {
      await api.request('PATCH', `/api/v1/nodes/${node}`, { metadata: { labels: { [label]: value } } })
    },
    setNodeCondition: (node, type, status) => setNodeCondition(api, node, type, status),
    setHeartbeat: kubelet.setHeartbeat,
    leafNextHops: (router, address) => readNextHops(prefix + router, address),
    bgpPaths: (router, address) => readBgpPaths(prefix, router, address),
    neighbors: (router) => readNeighbors(prefix, router),
    router: (router, commands) => askRouter(prefix, router, commands),
    async countConnections() {
      const counts = await Promise.all(nodeNames.map(async (node) => [node, await readConnections(prefix + node)]))
      return Object.fromEntries(counts) as Record<NodeName, number>
    },
    stop: ({ keepLogs = false } = {}) => stop(keepLogs),
  }
}

async function clearLeftovers(prefix: string, progress: (line: string) => void): Promise<void> {
  const leftovers = findLeftovers(prefix)
  if (leftovers === undefined) {
    const owner = readRecord(prefix)?.owner.pid
    throw new Error(`A lab with the prefix ${prefix} is running (process ${owner}): make lab-down ends it.`)
  }
  const { processes, namespaces } = leftovers
  if (processes.length + namespaces.length > 0)
    progress(`clearing what a killed lab left: ${processes.length} processes, ${namespaces.length} namespaces`)
  await clear(prefix, leftovers)
}

interface TakeDownOptions {
  readonly prefix: string
  readonly programs: Programs
  readonly keepLogs: boolean
  readonly kubelet: Kubelet | undefined
  readonly api: ApiAccess | undefined
}

/** Nothing outlives the namespaces, so nothing is asked to end in good order. */
async function takeDown({ prefix, programs, keepLogs, kubelet, api }: TakeDownOptions): Promise<void> {
  await kubelet?.stop()
  api?.close()
  // What a start that failed midway was just about to start may come a moment later.
  for (let round = 0; round < 2 || programs.running().size > 0; round++) {
    await Promise.all(
      [...programs.running().values()].map((program) => {
        program.kill('SIGKILL')
        return program.ended
      }),
    )
  }
  await clear(prefix, { processes: [], namespaces: findNamespaces(prefix) }, { keepLogs })
}

/** Runs a step and tells how long it took. */
function timed(progress: (line: string) => void): <T>(what: string, work: () => Promise<T>) => Promise<T> {
  return async (what, work) => {
    const startedMs = performance.now()
    const result = await work()
    progress(`${what} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`)
    return result
  }
}

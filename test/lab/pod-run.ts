// One Pod on its node, from its first sight to its end:
//
//   1. network (its own, or the node's), token bound to the Pod, folder of its ServiceAccount
//   2. the program, confined as its securityContext says; when it ends it is started again, a little later each time
//   3. probes; what they and the program say goes into the Pod's status whenever it changes
//   4. deletion: preStop, SIGTERM, after the grace period SIGKILL; network and files removed; the object deleted
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { ApiError } from './api.ts'
import { inNamespace, runCommand } from './command.ts'
import { tokenRenewMs, writeAccount } from './pod-account.ts'
import type { PodNetwork, PodNetworks } from './pod-network.ts'
import { isLabImage, labPort, readinessProbe, repeatProbe } from './pod-probe.ts'
import { confine, type ProgramPaths, resolveCommand, resolveEnvironment } from './pod-command.ts'
import { podStatus } from './pod-status.ts'
import type { Pod } from './pod.ts'
import type { Program, Programs } from './process.ts'
import { kubernetesServiceAddress, type NodeName, nodes } from './topology.ts'
import type { Plane } from './plane.ts'
import { waitFor } from './wait.ts'

export interface PodRunOptions {
  readonly prefix: string
  readonly plane: Plane
  readonly programs: Programs
  readonly networks: PodNetworks
  readonly paths: ProgramPaths
  /** Folder under which each Pod has one, by its uid. */
  readonly directory: string
  readonly node: NodeName
  /** Something worth a line in the lab's log. */
  readonly report: (line: string) => void
}

export interface PodRun {
  readonly pod: Pod
  readonly node: NodeName
  /** `speaker`, `http-echo`; empty until it is known. */
  programName(): string
  address(): string | undefined
  process(): Program | undefined
  isReady(): boolean
  /** The end of its program's log. */
  lastWords(): string
  /** Writes the status as it is, where it may have been changed by another; nothing before the program has run. */
  refreshStatus(): void
  /** Ends the program and leaves it ended. */
  hold(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again after `hold`. */
  resume(): void
  /** Of a `lab/` image: whether its readiness probe is to succeed; resolves when the status says so. */
  setReady(ready: boolean): Promise<void>
  /** The object is being deleted, or is gone: `graceMs` 0. Resolves when nothing is left of it. */
  end(graceMs: number): Promise<void>
  /** Lets go of everything at once, API server and network as they are: the lab is being taken down. */
  abandon(): void
}

const longestBackoffMs = 5000
const steadyAfterMs = 10_000

export function runPod(pod: Pod, options: PodRunOptions): PodRun {
  const { prefix, plane, programs, networks, paths, node, report } = options
  const { container } = pod
  const directory = join(options.directory, pod.uid)
  const name = `${pod.namespace}/${pod.name}`
  const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`
  const readiness = readinessProbe(container)
  const started = new Date().toISOString()
  const stop = new AbortController()

  const hostAddresses = [nodes[node].address, nodes[node].address6]
  const podAddresses = (): readonly string[] => (network === undefined ? [] : [network.address, network.address6])

  let network: PodNetwork | undefined
  let programName = ''
  let program: Program | undefined
  let restarts = -1
  let ready = false
  let turned = started
  let held = false
  let resume = Promise.withResolvers<void>()
  let probeNow = Promise.withResolvers<void>()
  let ending: Promise<void> | undefined
  let written = Promise.resolve()

  const live = run().catch((error: unknown) => {
    if (!stop.signal.aborted) report(`Pod ${name} cannot run: ${messageOf(error)}`)
  })

  async function run(): Promise<void> {
    if (pod.unsupported !== undefined) throw new Error(pod.unsupported)
    const { address, address6 } = nodes[node]
    network = pod.hostNetwork ? { namespace: prefix + node, address, address6 } : await networks.create(node)
    const writeToken = (): Promise<void> => writeAccount(plane, pod, join(directory, 'serviceaccount'))
    await keepTrying('its token', writeToken)
    const renewal = setInterval(() => void writeToken().catch(() => {}), tokenRenewMs)
    try {
      await runProgram()
    } finally {
      clearInterval(renewal)
    }
  }

  async function runProgram(): Promise<void> {
    let backoffMs = 100
    for (;;) {
      if (held) await Promise.race([resume.promise, aborted()])
      if (stop.signal.aborted) return
      const startedMs = performance.now()
      program = await start()
      restarts += 1
      const probing = new AbortController()
      const probes = probe(program, probing.signal)
      writeStatus(readiness === undefined)
      const how = await program.ended
      probing.abort()
      await probes
      writeStatus(false)
      if (held || stop.signal.aborted) continue
      if (restarts < 3) {
        const more = restarts === 2 ? '; more of this is not told' : ''
        report(`${programName} on ${node} has ended with ${how} and is started again${more}: ${lastWords()}`)
      }
      if (performance.now() - startedMs > steadyAfterMs) backoffMs = 100
      await pause(backoffMs, undefined, { signal: stop.signal }).catch(() => {})
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs)
    }
  }

  function environment(): Readonly<Record<string, string>> {
    const own: Record<string, string> = isLabImage(container.image)
      ? {
          LAB_POD: pod.name,
          LAB_NODE: node,
          LAB_PORT: String(labPort(container.ports)),
          LAB_POD_DIR: directory,
        }
      : {}
    return resolveEnvironment(
      container,
      {
        PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/nonexistent',
        HOSTNAME: pod.hostNetwork ? node : pod.name,
        KUBERNETES_SERVICE_HOST: kubernetesServiceAddress,
        KUBERNETES_SERVICE_PORT: '443',
        BELLHOP_SERVICEACCOUNT_DIR: join(directory, 'serviceaccount'),
        ...own,
      },
      {
        'metadata.name': pod.name,
        'metadata.namespace': pod.namespace,
        'metadata.uid': pod.uid,
        'spec.nodeName': node,
        'spec.serviceAccountName': pod.serviceAccount,
        'status.podIP': network?.address ?? '',
        'status.podIPs': podAddresses().join(),
        'status.hostIP': nodes[node].address,
        'status.hostIPs': hostAddresses.join(),
      },
    )
  }

  async function start(): Promise<Program> {
    const env = environment()
    const { program: image, argv } = resolveCommand(container, env, paths)
    programName = image
    const metrics = container.ports.get('metrics')
    return programs.start({
      program: image,
      role: node,
      pod: name,
      namespace: network?.namespace ?? '',
      argv: confine(container.confinement, argv, paths.rootMayRead),
      env,
      cwd: paths.programs,
      metrics: metrics === undefined ? undefined : `${network?.address}:${metrics}`,
    })
  }

  /** Until `signal`: readiness goes into the status, a liveness that is lost ends the program. */
  async function probe(running: Program, signal: AbortSignal): Promise<void> {
    const target = { node, host: network?.address ?? '' }
    const hurry = (): Promise<void> => probeNow.promise
    const kill = (alive: boolean): void => {
      if (alive) return
      report(`${programName} on ${node} (Pod ${name}) fails its liveness probe: ended`)
      running.kill('SIGKILL')
    }
    const probes = [
      [readiness, writeStatus],
      [container.liveness, kill],
    ] as const
    await Promise.all(
      probes.map(([each, tell]) =>
        each === undefined ? Promise.resolve() : repeatProbe(plane, each, target, signal, hurry, tell),
      ),
    )
  }

  /** Whatever stands in the way (a ServiceAccount that comes a moment later, an API server that is away) may go. */
  async function keepTrying(what: string, work: () => Promise<void>): Promise<void> {
    for (let delayMs = 50; !stop.signal.aborted; delayMs = Math.min(delayMs * 2, 2000)) {
      try {
        await work()
        return
      } catch (error) {
        if (delayMs === 1600) report(`Pod ${name} still waits for ${what}: ${messageOf(error)}`)
      }
      await pause(delayMs, undefined, { signal: stop.signal }).catch(() => {})
    }
  }

  function writeStatus(isReady: boolean): void {
    if (isReady !== ready) turned = new Date().toISOString()
    ready = isReady
    const status = podStatus({
      container,
      hostAddresses,
      addresses: podAddresses(),
      startedAt: started,
      turnedAt: turned,
      ready,
      running: program?.hasEnded() === false,
      restarts: Math.max(0, restarts),
    })
    // One after the other, so that the last one said is the one that stays.
    written = written.then(() =>
      keepTrying('its status', async () => {
        try {
          await plane.api.request('PATCH', `${path}/status`, { metadata: { uid: pod.uid }, status })
        } catch (error) {
          // Gone, or another Pod by now.
          if (!(error instanceof ApiError) || !['NotFound', 'Conflict', 'Invalid'].includes(error.code)) throw error
        }
      }),
    )
  }

  function lastWords(): string {
    return program?.lastWords() ?? 'it has not run yet'
  }

  function aborted(): Promise<void> {
    return new Promise((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  async function finish(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs
    const leftMs = (): number => Math.max(0, deadline - performance.now())
    if (program !== undefined && !program.hasEnded() && graceMs > 0) await runPreStop(leftMs())
    stop.abort()
    resume.resolve()
    if (program !== undefined) await program.stop(leftMs())
    await live
    // Started just before it was told to stop.
    if (program !== undefined) await program.stop(0)
    if (network !== undefined && !pod.hostNetwork) await networks.remove(network)
    rmSync(directory, { recursive: true, force: true })
    await plane.api.request('DELETE', path, { gracePeriodSeconds: 0, preconditions: { uid: pod.uid } }).catch(() => {})
  }

  async function runPreStop(limitMs: number): Promise<void> {
    const { preStop } = container
    if (preStop === undefined) return
    if ('sleepMs' in preStop) return pause(Math.min(preStop.sleepMs, limitMs))
    const env = environment()
    const { argv } = resolveCommand({ ...container, command: preStop.exec, args: [] }, env, paths)
    const confined = confine(container.confinement, argv, paths.rootMayRead)
    const { status, stderr } = await runCommand(inNamespace(network?.namespace ?? '', confined), {
      env,
      cwd: paths.programs,
      timeoutMs: limitMs,
    })
    if (status !== 0) report(`preStop of ${programName} on ${node} has ended with ${status}: ${stderr.slice(-300)}`)
  }

  return {
    pod,
    node,
    programName: () => programName,
    address: () => network?.address,
    process: () => (program?.hasEnded() === false ? program : undefined),
    isReady: () => ready,
    refreshStatus: () => void (program !== undefined && writeStatus(ready)),
    lastWords,
    async hold(signal = 'SIGTERM') {
      held = true
      resume = Promise.withResolvers<void>()
      program?.kill(signal)
      await program?.ended
      await written
    },
    resume() {
      held = false
      resume.resolve()
    },
    async setReady(value) {
      if (!isLabImage(container.image)) throw new Error(`Pod ${name} is not of the lab: its readiness is its own`)
      mkdirSync(directory, { recursive: true })
      const marker = join(directory, 'not-ready')
      if (value) rmSync(marker, { force: true })
      else writeFileSync(marker, '')
      const probed = (): boolean => {
        probeNow.resolve()
        probeNow = Promise.withResolvers<void>()
        return ready === value
      }
      await waitFor(`Pod ${name} turns ${value ? '' : 'un'}ready`, probed, { everyMs: 20 })
      await written
    },
    end: (graceMs) => (ending ??= finish(graceMs)),
    abandon() {
      stop.abort()
      program?.kill('SIGKILL')
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

// Scheduler and kubelet of all three nodes, as far as the lab needs them: Pods of real Deployments and DaemonSets become
// real processes. No images, no volumes but the service account, no cgroups, one container a Pod.
//
//   1. Two views of the API server: Pods and Nodes.
//   2. A Pod without a node is bound to one (chooseNode).
//   3. A Pod with a node is run (pod-run.ts) until it is being deleted or gone.
//   4. Every node's Lease is renewed, so that the control plane takes the node for alive.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import {
  leases,
  microTime,
  nodes as nodeResource,
  openReflector,
  openWorkQueue,
  pods as podResource,
} from '../../src/io/kube/index.ts'
import { booleanAt, listAt, stringAt } from '../../src/core/model/field.ts'
import { systemClock } from '../../src/io/process/clock.ts'
import { silentLog } from '../../src/io/telemetry/log.ts'
import { applyObject } from './api.ts'
import { openPodNetworks } from './pod-network.ts'
import { type PodRun, runPod } from './pod-run.ts'
import type { ProgramPaths } from './pod-command.ts'
import { type Pod, type SchedulableNode, chooseNode, readPod } from './pod.ts'
import { setNodeCondition } from './node-objects.ts'
import type { Plane } from './plane.ts'
import type { Programs } from './process.ts'
import { type NodeName, nodeNames } from './topology.ts'

export interface KubeletOptions {
  readonly prefix: string
  readonly plane: Plane
  readonly programs: Programs
  readonly paths: ProgramPaths
  /** For the Pods' files. */
  readonly directory: string
  readonly report: (line: string) => void
}

export interface Kubelet {
  /** Every Pod that has a node of the lab and is not gone. */
  readonly runs: () => readonly PodRun[]
  /** Nodes that any Pod may be bound to: the control plane has taken the taint of new nodes away. */
  readonly usableNodes: () => number
  /**
   * False: the node's kubelet falls silent, as if the machine had lost its power while its programs go on; the control
   * plane takes the node for lost (Ready Unknown) after some 50 s. True: it is back, Ready.
   */
  readonly setHeartbeat: (node: NodeName, beats: boolean) => Promise<void>
  /** Stops looking, and lets go of every Pod. */
  stop(): Promise<void>
}

const heartbeatMs = 10_000

export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { prefix, plane, programs, paths, directory, report } = options
  const { client } = plane.api
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  const networks = openPodNetworks(prefix)
  const runs = new Map<string, PodRun>()
  /** Node by uid of what was bound, until the view shows it. */
  const bound = new Map<string, { readonly node: string; readonly owner: string }>()
  const silent = new Set<NodeName>()
  const base = { clock: systemClock, log: silentLog } as const

  const queue = openWorkQueue({
    ...base,
    random: Math.random,
    // One at a time: each choice has to see the one before.
    workers: 1,
    work: async (key) => {
      const pod = pods.store.get(key)
      if (pod === undefined || pod.nodeName !== undefined || pod.deletionGraceMs !== undefined) return 'done'
      return (await bind(pod)) ? 'done' : 'retry'
    },
  })

  const nodes = openReflector(client, {
    ...base,
    resource: nodeResource,
    read: (object): SchedulableNode => ({
      name: object.metadata.name ?? '',
      labels: object.metadata.labels ?? {},
      unschedulable: booleanAt(object, 'spec', 'unschedulable') ?? false,
      taints: listAt(object, 'spec', 'taints').map((taint) => ({
        key: stringAt(taint, 'key') ?? '',
        value: stringAt(taint, 'value') ?? '',
        effect: stringAt(taint, 'effect') ?? '',
      })),
    }),
    onChange: () => {
      for (const [key, pod] of pods.store.entries()) if (pod.nodeName === undefined) queue.add(key)
    },
  })
  const pods = openReflector(client, {
    ...base,
    resource: podResource,
    read: readPod,
    onChange: (key, before, after) => {
      if (before !== undefined && before.uid !== after?.uid && runs.has(before.uid)) endRun(before, 0)
      if (after === undefined || after.finished) return
      if (after.nodeName === undefined) queue.add(key)
      else if (after.deletionGraceMs !== undefined) endRun(after, after.deletionGraceMs)
      else startRun(after, after.nodeName)
      // The control plane takes the Pods of a silent node for not ready; a kubelet that lives knows better.
      const run = runs.get(after.uid)
      if (run !== undefined && run.isReady() !== after.ready && !silent.has(run.node)) run.refreshStatus()
    },
  })

  async function bind(pod: Pod): Promise<boolean> {
    if (bound.has(pod.uid)) return true
    const placed = [
      ...bound.values(),
      ...[...pods.store.values()]
        .filter(({ uid, nodeName, finished }) => nodeName !== undefined && !finished && !bound.has(uid))
        .map(({ nodeName = '', owner }) => ({ node: nodeName, owner })),
    ]
    const node = chooseNode(pod, nodes.store.values(), placed)
    if (node === undefined) return false
    try {
      await plane.api.request('POST', `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: pod.name, uid: pod.uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      })
    } catch {
      return false
    }
    bound.set(pod.uid, { node, owner: pod.owner })
    return true
  }

  function startRun(pod: Pod, nodeName: string): void {
    bound.delete(pod.uid)
    const node = nodeNames.find((name) => name === nodeName)
    if (runs.has(pod.uid) || node === undefined) return
    runs.set(pod.uid, runPod(pod, { prefix, plane, programs, networks, paths, directory, node, report }))
  }

  function endRun(pod: Pod, graceMs: number): void {
    bound.delete(pod.uid)
    const run = runs.get(pod.uid)
    if (run === undefined) {
      // It was deleted before it ever ran here: nobody else will let go of it.
      void removeObject(pod)
      return
    }
    void run
      .end(graceMs)
      .catch((error: unknown) => report(`Pod ${pod.namespace}/${pod.name} cannot be ended: ${String(error)}`))
      .finally(() => runs.delete(pod.uid))
  }

  async function removeObject({ namespace, name, uid }: Pod): Promise<void> {
    await plane.api
      .request('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, {
        gracePeriodSeconds: 0,
        preconditions: { uid },
      })
      .catch(() => {})
  }

  async function beat(): Promise<void> {
    await Promise.all(
      nodeNames
        .filter((name) => !silent.has(name))
        .map((name) =>
          applyObject(plane.api, leases, {
            apiVersion: 'coordination.k8s.io/v1',
            kind: 'Lease',
            metadata: { name, namespace: 'kube-node-lease' },
            spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTime(Date.now()) },
          }).catch(() => {}),
        ),
    )
  }

  await beat()
  const heartbeat = setInterval(() => void beat(), heartbeatMs)
  await Promise.all([pods.synced, nodes.synced])
  return {
    runs: () => [...runs.values()],
    usableNodes: () =>
      [...nodes.store.values()].filter(({ unschedulable, taints }) => !unschedulable && taints.length === 0).length,
    async setHeartbeat(node, beats) {
      if (!beats) {
        silent.add(node)
        return
      }
      silent.delete(node)
      await beat()
      await setNodeCondition(plane.api, node, 'Ready', 'True')
      for (const run of runs.values()) if (run.node === node) run.refreshStatus()
    },
    async stop() {
      clearInterval(heartbeat)
      for (const run of runs.values()) run.abandon()
      await Promise.all([pods.stop(), nodes.stop(), queue.stop()])
    },
  }
}

/** Folder of the Pods' files below the lab's. */
export function podsDirectory(state: string): string {
  return join(state, 'pods')
}

// What the lab's kubelet takes from a Pod: pure functions over the object as the API server serves it.
import { booleanAt, listAt, numberAt, objectAt, stringAt, stringMapAt, stringsAt } from '../../src/core/model/field.ts'
import type { KubeObject } from '../../src/io/kube/index.ts'

export interface Probe {
  readonly scheme: 'HTTP' | 'HTTPS'
  readonly port: number
  readonly path: string
  readonly periodMs: number
  readonly timeoutMs: number
  readonly failureThreshold: number
  readonly initialDelayMs: number
}

export interface Confinement {
  readonly user: number
  readonly group: number
  readonly noNewPrivileges: boolean
  /** Names as setpriv has them (`net_admin`); undefined: everything (privileged). */
  readonly capabilities: readonly string[] | undefined
}

export interface EnvironmentVariable {
  readonly name: string
  readonly value: string
  /** Path of a downward API field, instead of the value. */
  readonly fieldPath: string | undefined
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly command: readonly string[]
  readonly args: readonly string[]
  readonly environment: readonly EnvironmentVariable[]
  readonly ports: ReadonlyMap<string, number>
  readonly readiness: Probe | undefined
  readonly liveness: Probe | undefined
  readonly preStop: { readonly exec: readonly string[] } | { readonly sleepMs: number } | undefined
  readonly confinement: Confinement
}

export interface Pod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** uid of the controller that made it, else its own. */
  readonly owner: string
  readonly nodeName: string | undefined
  /** Set once it is being deleted. */
  readonly deletionGraceMs: number | undefined
  readonly finished: boolean
  /** Its condition Ready, whoever wrote it. */
  readonly ready: boolean
  readonly hostNetwork: boolean
  readonly serviceAccount: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly nodeSelector: Readonly<Record<string, string>>
  /** From node affinity by `metadata.name`: how a DaemonSet says where a Pod belongs. */
  readonly wantedNode: string | undefined
  readonly tolerations: readonly Toleration[]
  readonly container: Container
  /** Why the lab cannot run it. */
  readonly unsupported: string | undefined
}

interface Toleration {
  readonly key: string | undefined
  readonly exists: boolean
  readonly value: string
  readonly effect: string | undefined
}

export interface SchedulableNode {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly unschedulable: boolean
  readonly taints: readonly { readonly key: string; readonly value: string; readonly effect: string }[]
}

export function readPod(object: KubeObject): Pod {
  const { metadata } = object
  const spec = objectAt(object, 'spec')
  const containers = listAt(spec, 'containers')
  const owner = listAt(metadata, 'ownerReferences').find((each) => booleanAt(each, 'controller') === true)
  const uid = metadata.uid ?? ''
  const phase = stringAt(object, 'status', 'phase')
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    uid,
    owner: stringAt(owner, 'uid') ?? uid,
    nodeName: stringAt(spec, 'nodeName'),
    deletionGraceMs:
      metadata.deletionTimestamp === undefined
        ? undefined
        : (numberAt(metadata, 'deletionGracePeriodSeconds') ?? 0) * 1000,
    ready: isConditionTrue(object, 'Ready'),
    finished: phase === 'Succeeded' || phase === 'Failed',
    hostNetwork: booleanAt(spec, 'hostNetwork') ?? false,
    serviceAccount: stringAt(spec, 'serviceAccountName') ?? 'default',
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    nodeSelector: stringMapAt(spec, 'nodeSelector'),
    wantedNode: readWantedNode(spec),
    tolerations: listAt(spec, 'tolerations').map((each) => ({
      key: stringAt(each, 'key'),
      exists: stringAt(each, 'operator') === 'Exists',
      value: stringAt(each, 'value') ?? '',
      effect: stringAt(each, 'effect'),
    })),
    container: readContainer(containers[0], objectAt(spec, 'securityContext')),
    unsupported:
      containers.length === 1 && listAt(spec, 'initContainers').length === 0
        ? undefined
        : 'the lab runs Pods of one container',
  }
}

function isConditionTrue(object: unknown, type: string): boolean {
  const condition = listAt(object, 'status', 'conditions').find((each) => stringAt(each, 'type') === type)
  return stringAt(condition, 'status') === 'True'
}

function readWantedNode(spec: unknown): string | undefined {
  const terms = listAt(
    spec,
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  )
  const fields = terms.flatMap((term) => listAt(term, 'matchFields'))
  return stringsAt(
    fields.find((each) => stringAt(each, 'key') === 'metadata.name'),
    'values',
  )[0]
}

function readContainer(value: unknown, podContext: unknown): Container {
  const ports = new Map<string, number>()
  for (const each of listAt(value, 'ports')) {
    const number = numberAt(each, 'containerPort') ?? 0
    ports.set(stringAt(each, 'name') ?? String(number), number)
  }
  const sleep = numberAt(value, 'lifecycle', 'preStop', 'sleep', 'seconds')
  const exec = stringsAt(value, 'lifecycle', 'preStop', 'exec', 'command')
  return {
    name: stringAt(value, 'name') ?? '',
    image: stringAt(value, 'image') ?? '',
    command: stringsAt(value, 'command'),
    args: stringsAt(value, 'args'),
    environment: listAt(value, 'env').map((each) => ({
      name: stringAt(each, 'name') ?? '',
      value: stringAt(each, 'value') ?? '',
      fieldPath: stringAt(each, 'valueFrom', 'fieldRef', 'fieldPath'),
    })),
    ports,
    readiness: readProbe(objectAt(value, 'readinessProbe'), ports),
    liveness: readProbe(objectAt(value, 'livenessProbe'), ports),
    preStop: sleep === undefined ? (exec.length === 0 ? undefined : { exec }) : { sleepMs: sleep * 1000 },
    confinement: readConfinement(objectAt(value, 'securityContext'), podContext),
  }
}

function readProbe(probe: unknown, ports: ReadonlyMap<string, number>): Probe | undefined {
  const get = objectAt(probe, 'httpGet')
  const port = numberAt(get, 'port') ?? ports.get(stringAt(get, 'port') ?? '')
  if (port === undefined) return undefined
  return {
    scheme: stringAt(get, 'scheme') === 'HTTPS' ? 'HTTPS' : 'HTTP',
    port,
    path: stringAt(get, 'path') ?? '/',
    periodMs: (numberAt(probe, 'periodSeconds') ?? 10) * 1000,
    timeoutMs: (numberAt(probe, 'timeoutSeconds') ?? 1) * 1000,
    failureThreshold: numberAt(probe, 'failureThreshold') ?? 3,
    initialDelayMs: (numberAt(probe, 'initialDelaySeconds') ?? 0) * 1000,
  }
}

// What container runtimes leave a container that does not say otherwise.
const ordinaryCapabilities =
  'chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write setfcap'.split(
    ' ',
  )

function readConfinement(context: unknown, podContext: unknown): Confinement {
  const numberOf = (field: string): number | undefined => numberAt(context, field) ?? numberAt(podContext, field)
  const nonRoot = booleanAt(context, 'runAsNonRoot') ?? booleanAt(podContext, 'runAsNonRoot') ?? false
  const user = numberOf('runAsUser') ?? (nonRoot ? 65_532 : 0)
  const dropped = stringsAt(context, 'capabilities', 'drop').map(readCapability)
  const added = stringsAt(context, 'capabilities', 'add').map(readCapability)
  const kept = dropped.includes('all') ? [] : ordinaryCapabilities.filter((name) => !dropped.includes(name))
  return {
    user,
    group: numberOf('runAsGroup') ?? user,
    noNewPrivileges: booleanAt(context, 'allowPrivilegeEscalation') === false,
    capabilities: booleanAt(context, 'privileged') === true ? undefined : [...new Set([...kept, ...added])],
  }
}

function readCapability(name: string): string {
  return name.toLowerCase().replace(/^cap_/, '')
}

/**
 * The node that a Pod without one goes to: among those it may run on, the one with the fewest Pods of its owner, then
 * with the fewest at all. `placed`: node and owner of every Pod that has a node.
 */
export function chooseNode(
  pod: Pod,
  nodes: Iterable<SchedulableNode>,
  placed: Iterable<{ readonly node: string; readonly owner: string }>,
): string | undefined {
  const load = new Map<string, number>()
  for (const { node, owner } of placed)
    load.set(node, (load.get(node) ?? 0) + 1 + (owner === pod.owner ? 1_000_000 : 0))
  return [...nodes]
    .filter((node) => mayRunOn(pod, node))
    .toSorted((a, b) => (load.get(a.name) ?? 0) - (load.get(b.name) ?? 0) || a.name.localeCompare(b.name))[0]?.name
}

function mayRunOn(pod: Pod, { name, labels, unschedulable, taints }: SchedulableNode): boolean {
  if (pod.wantedNode !== undefined && pod.wantedNode !== name) return false
  if (Object.entries(pod.nodeSelector).some(([key, value]) => labels[key] !== value)) return false
  const all = unschedulable
    ? [...taints, { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' }]
    : taints
  return all.every((taint) => taint.effect === 'PreferNoSchedule' || pod.tolerations.some((each) => fits(each, taint)))
}

function fits(toleration: Toleration, taint: SchedulableNode['taints'][number]): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false
  if (toleration.key === undefined) return toleration.exists
  return toleration.key === taint.key && (toleration.exists || toleration.value === taint.value)
}

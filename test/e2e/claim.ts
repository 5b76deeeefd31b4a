// A claim: something that must be true of a running lab, shown once, with figures.
import { type Lab, waitFor } from '../lab/index.ts'

export interface Claim {
  /** Starts with the IDs of the cases that it covers wholly, if any. */
  readonly name: string
  /** Resolves with the figures seen; rejects with what was wrong. */
  run(lab: Lab): Promise<string>
}

/** A Service as `kubectl get -o json` prints it, as far as claims look at it. */
export interface ServiceJson {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly ipMode?: string }[] }
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason: string
      readonly message: string
    }[]
  }
}

export const addressKey = 'eip.openelb.kubesphere.io/v1alpha1'
export const poolKey = 'eip.openelb.kubesphere.io/v1alpha2'
export const protocolKey = 'protocol.openelb.kubesphere.io/v1alpha1'
export const defaultKey = 'eip.openelb.kubesphere.io/is-default-eip'
export const optInKey = 'lb.kubesphere.io/v1alpha1'
export const optIn = { [optInKey]: 'openelb' }
export const samplePool = 'eip-sample-pool'

/** Addresses of the sample pool that claims ask for, and a guide: none that stays may have one of them by chance. */
export const askedOfSamplePool = { timed: '172.22.0.250', returned: '172.22.0.249', guide: '172.22.0.53' } as const

/** Fails with what was seen when `holds` is false. */
export function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

export interface ServiceShape {
  readonly name: string
  readonly namespace?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly spec?: Readonly<Record<string, unknown>>
}

/** A LoadBalancer Service in front of the sample's pods, port 80. */
export function serviceObject({ name, namespace = 'default', annotations, labels = {}, spec }: ServiceShape): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, annotations: { ...optIn, ...annotations }, labels },
    spec: {
      type: 'LoadBalancer',
      selector: { app: 'echo' },
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      ...spec,
    },
  }
}

export function eipObject(name: string, spec: Readonly<Record<string, unknown>>, annotations = {}): object {
  return { apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip', metadata: { name, annotations }, spec }
}

export interface KubectlAnswer {
  readonly ok: boolean
  /** Standard output. */
  readonly out: string
  /** Standard error: refusals, and warnings, a line each. */
  readonly said: string
}

export async function kubectl(
  lab: Lab,
  args: readonly string[],
  object?: object,
  timeoutMs = 60_000,
): Promise<KubectlAnswer> {
  const input = object === undefined ? '' : JSON.stringify(object)
  const { status, stdout, stderr } = await lab.kubectl(args, { input, timeoutMs })
  return { ok: status === 0, out: stdout, said: stderr.trim() }
}

/** `kubectl create -f -`; rejects when it is refused. */
export async function create<T = ServiceJson>(lab: Lab, object: object, ...args: readonly string[]): Promise<T> {
  const { ok, out, said } = await kubectl(lab, ['create', '-o', 'json', '-f', '-', ...args], object)
  expect(ok, `the create was refused: ${said}`)
  return JSON.parse(out) as T
}

export async function getService(lab: Lab, name: string, namespace = 'default'): Promise<ServiceJson> {
  return (await lab.request('GET', `/api/v1/namespaces/${namespace}/services/${name}`)) as ServiceJson
}

export async function getOrUndefined(lab: Lab, path: string): Promise<unknown> {
  try {
    return await lab.request('GET', path)
  } catch (error) {
    if (/404|NotFound|not found/i.test(String(error))) return undefined
    throw error
  }
}

export const allocationPath = (address: string): string =>
  `/apis/network.kubesphere.io/v1alpha2/eipallocations/${address}`

export function ingressOf(service: ServiceJson): readonly string[] {
  return (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])
}

export function conditionOf(service: ServiceJson, type: 'EipAssigned' | 'Advertised'): string {
  const condition = service.status?.conditions?.find((each) => each.type === `bellhop.dev/${type}`)
  return condition === undefined ? 'none' : `${condition.status} ${condition.reason}: ${condition.message}`
}

/**
 * Waits until the status has an address, or exactly `wanted` when given (in that order). Resolves with the Service;
 * rejects with its condition, so that the reason why it has none is in the report.
 */
export async function waitForIngress(
  lab: Lab,
  name: string,
  wanted?: readonly string[],
  { namespace = 'default', timeoutMs = 10_000 } = {},
): Promise<ServiceJson> {
  let seen = 'it was never read'
  return waitFor(
    `Service ${namespace}/${name} has ${wanted === undefined ? 'an address' : wanted.join(', ')} in its status`,
    async () => {
      const service = await getService(lab, name, namespace)
      const has = ingressOf(service)
      seen = `it has ${has.length === 0 ? 'none' : has.join(', ')}; EipAssigned is ${conditionOf(service, 'EipAssigned')}`
      const holds = wanted === undefined ? has.length > 0 : has.join() === wanted.join()
      return holds ? service : undefined
    },
    { timeoutMs, missing: () => seen },
  )
}

/** Waits until the condition begins with `wanted`, for instance `False PoolFull`; resolves with all of it. */
export async function waitForCondition(
  lab: Lab,
  name: string,
  wanted: string,
  {
    type = 'EipAssigned',
    namespace = 'default',
    timeoutMs = 10_000,
  }: { type?: 'EipAssigned' | 'Advertised'; namespace?: string; timeoutMs?: number } = {},
): Promise<string> {
  let seen = 'never read'
  return waitFor(
    `condition ${type} of Service ${namespace}/${name} is ${wanted}`,
    async () => {
      seen = conditionOf(await getService(lab, name, namespace), type)
      return seen.startsWith(wanted) ? seen : undefined
    },
    { timeoutMs, missing: () => `it is ${seen}` },
  )
}

/** Waits until the address is free again: no EipAllocation has its name. */
export async function waitForFree(lab: Lab, ...addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    await waitFor(
      `EipAllocation ${address} is gone`,
      async () => (await getOrUndefined(lab, allocationPath(address))) === undefined,
      { timeoutMs: 30_000 },
    )
  }
}

export async function remove(lab: Lab, kind: string, ...names: readonly string[]): Promise<void> {
  await lab.kubectl(['delete', kind, '--ignore-not-found', '--wait=false', ...names])
}

/** Next hops in FRR's BGP table of a leaf that are nodes: what it may learn through the spine is not counted. */
export async function nodeNextHops(lab: Lab, leaf: 'leaf1' | 'leaf2', address: string): Promise<readonly string[]> {
  const spine = leaf === 'leaf1' ? '192.168.101.1' : '192.168.102.1'
  return (await lab.leafNextHops(leaf, address)).filter((hop) => hop !== spine)
}

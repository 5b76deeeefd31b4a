// One webhook replica without its sockets and watches: reviews in, answers out, against a cluster in memory. It knows
// the records it was told of (`see`) and those it has learnt itself, as a replica whose watch lags.
import assert from 'node:assert/strict'
import { type Pools, TakenIndex } from '../../../src/core/ipam/index.ts'
import { type Eip, type KubeObjectLike, readAllocation, readEip } from '../../../src/core/model/index.ts'
import type { KubeObject } from '../../../src/io/kube/interface.ts'
import { eipAllocations, eips } from '../../../src/io/kube/resources.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { type ReviewContext, reviewHandlers } from '../../../webhook/reviews.ts'
import { type FakeCluster, applyJsonPatch } from './fake-cluster.ts'

export interface Answered {
  readonly allowed: boolean
  readonly warnings: readonly string[]
  /** The object with the patch applied. */
  readonly object: KubeObject
  readonly status: { readonly code: number; readonly message: string } | undefined
}

export interface Replica {
  readonly taken: TakenIndex
  readonly decisions: { readonly decision: string; readonly reason: string }[]
  /** Its watch has caught up. */
  see(): void
  /** What the API server would get from POSTing a review of `object` to `path`. */
  review(path: string, operation: string, object: object | undefined, options?: ReviewOptions): Promise<Answered>
  create(service: KubeObject, options?: ReviewOptions): Promise<Answered>
}

export interface ReviewOptions {
  readonly dryRun?: boolean
  readonly oldObject?: object
}

export interface ReplicaOptions {
  /** What its watch has told of them; in the cluster they are put where it has none of the name. */
  readonly eips?: readonly KubeObjectLike[]
  readonly unavailable?: 'wait' | 'refuse'
  readonly isSynced?: boolean
  readonly start?: number
}

let nonces = 0

export function openReplica(cluster: FakeCluster, options: ReplicaOptions = {}): Replica {
  const {
    eips: known = [eipObject('pool', '192.0.2.0/29')],
    unavailable = 'wait',
    isSynced = true,
    start = 0,
  } = options
  for (const object of known as readonly KubeObject[]) {
    if (cluster.object(eips, object.metadata.name ?? '') === undefined) cluster.put(eips, object)
  }
  const taken = new TakenIndex()
  const decisions: { decision: string; reason: string }[] = []
  const pools: Pools = {
    eips: new Map(known.map((object): [string, Eip] => [readEip(object).name, readEip(object)])),
    namespaces: new Map([['shop', {}]]),
    primaryFamily: 4,
    reserved: () => undefined,
  }
  const context: ReviewContext = {
    client: cluster.client,
    clock: systemClock,
    log: silentLog,
    random: () => start,
    newNonce: () => `nonce-${++nonces}`,
    pools,
    allocations: {
      taken,
      learn: (allocation) => taken.put(allocation),
      forget: (name) => taken.remove(name),
      stop: () => Promise.resolve(),
      reflector: {
        store: { get: () => undefined, size: 0, keys: () => [], values: () => [], entries: () => [] },
        synced: Promise.resolve(),
        isSynced: () => true,
        currentUpToMs: () => undefined,
        resourceVersion: () => undefined,
        stop: () => Promise.resolve(),
      },
    },
    unavailable,
    attempts: { add: () => {}, remove: () => {}, replaceAll: () => {} },
    isSynced: () => isSynced,
    metrics: {
      admissionDecisions: { add: (labels) => void decisions.push(labels), remove: () => {}, replaceAll: () => {} },
      admissionDuration: { observe: () => {}, remove: () => {} },
    },
  }
  const handlers = reviewHandlers(context)

  const review: Replica['review'] = async (path, operation, object, { dryRun = false, oldObject } = {}) => {
    const body = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'review-1',
        operation,
        dryRun,
        namespace: 'shop',
        object: object ?? null,
        oldObject: oldObject ?? null,
      },
    }
    const answer = await handlers.get(path)?.(body, performance.now())
    assert.ok(answer?.status === 200)
    const { response } = answer.body as {
      response: {
        uid: string
        allowed: boolean
        warnings?: string[]
        patch?: string
        patchType?: string
        status?: { code: number; message: string }
      }
    }
    assert.equal(response.uid, 'review-1')
    assert.equal(response.patchType, response.patch === undefined ? undefined : 'JSONPatch')
    const patch: unknown = JSON.parse(Buffer.from(response.patch ?? btoa('[]'), 'base64').toString('utf8'))
    return {
      allowed: response.allowed,
      warnings: response.warnings ?? [],
      object: applyJsonPatch(object, patch) as KubeObject,
      status: response.status,
    }
  }
  return {
    taken,
    decisions,
    see() {
      for (const object of cluster.objects(eipAllocations)) {
        const allocation = readAllocation(object)
        if (allocation !== undefined) taken.put(allocation)
      }
    },
    review,
    create: (service, reviewOptions) => review('/mutate-service', 'CREATE', service, reviewOptions),
  }
}

export function eipObject(
  name: string,
  address: string,
  spec: object = {},
  isDefault = name === 'pool',
): KubeObjectLike {
  const annotations = isDefault ? { 'eip.openelb.kubesphere.io/is-default-eip': 'true' } : {}
  return { metadata: { name, annotations, creationTimestamp: '2026-11-21T12:00:00Z' }, spec: { address, ...spec } }
}

export function serviceObject(
  name: string,
  annotations: Readonly<Record<string, string>> = {},
  spec: object = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations: { 'lb.kubesphere.io/v1alpha1': 'openelb', ...annotations } },
    spec: { type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP' }], ...spec },
  }
}

/** The address annotation that the user sees in the answer. */
export function addressOf({ object }: Answered): string | undefined {
  return object.metadata.annotations?.['eip.openelb.kubesphere.io/v1alpha1']
}

// The lab as benches use it: Bellhop and OpenELB's samples run, and what is measured is created and removed again.
import { createTimed } from '../e2e/client.ts'
import type { CreateTimes } from '../e2e/create-timed.ts'
import { conditionOf, getService, kubectl, serviceObject } from '../e2e/claim.ts'
import { deployBellhop, openelbSamples } from '../lab/bellhop.ts'
import { type Lab, startLab, waitFor } from '../lab/index.ts'

export function say(line: string): void {
  process.stdout.write(`   ${line}\n`)
}

export async function withBenchLab<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await startLab({ prefix: 'bellhop-bench-', progress: say })
  try {
    await deployBellhop(lab)
    await lab.deploy(openelbSamples)
    await waitFor(
      'the sample is advertised',
      async () => conditionOf(await getService(lab, 'echo'), 'Advertised').startsWith('True'),
      { timeoutMs: 60_000 },
    )
    return await work(lab)
  } finally {
    await lab.stop()
  }
}

/** `bare`: of a class that is nobody's, so that no program sees to it; `ours`: from the pool. */
export type Kind = 'bare' | 'ours'

export interface Batch {
  /** Of the names of its Services. */
  readonly prefix: string
  readonly times: readonly CreateTimes[]
}

export interface BatchShape {
  readonly atOnce?: number
  /** Of the names, and their label; the kind when it is not given. */
  readonly prefix?: string
  readonly pool: string
  /** Fields of the spec beyond those that all have. */
  readonly spec?: Readonly<Record<string, unknown>>
}

export async function createBatch(
  lab: Lab,
  kind: Kind,
  count: number,
  { atOnce = 1, prefix = kind, pool, spec: more = {} }: BatchShape,
): Promise<Batch> {
  const names = Array.from({ length: count }, (_, each) => `${prefix}-${each}`)
  const labels = { 'bench-batch': prefix }
  const spec = { allocateLoadBalancerNodePorts: false, ...more }
  const services = names.map((name) =>
    kind === 'bare'
      ? serviceObject({ name, labels, spec: { ...spec, loadBalancerClass: 'example.com/nobody' } })
      : serviceObject({ name, labels, annotations: { 'eip.openelb.kubesphere.io/v1alpha2': pool }, spec }),
  )
  const times = await createTimed(lab, services, { noIngress: kind === 'bare', atOnce, timeoutMs: 600_000 })
  return { prefix, times }
}

/** Resolves when the API server has deleted them all: one call for all, and again where it ran out of time. */
export async function removeBatch(lab: Lab, { prefix }: Pick<Batch, 'prefix'>): Promise<void> {
  const path = `/api/v1/namespaces/default/services?labelSelector=bench-batch%3D${prefix}`
  await waitFor(
    `Services ${prefix}-… are deleted`,
    async () => {
      await lab.request('DELETE', path)
      return true
    },
    { timeoutMs: 300_000 },
  )
}

/** Resolves when no address of the pool is in use any more. */
export async function waitForQuiet(lab: Lab, pool: string): Promise<void> {
  let left = ''
  await waitFor(
    `the addresses of ${pool} are free`,
    async () => {
      const records = (await kubectl(lab, ['get', 'eipa', '-l', `bellhop.dev/eip=${pool}`, '-o', 'name'])).out.trim()
      left = `${records === '' ? 0 : records.split('\n').length} are left`
      return records === ''
    },
    { timeoutMs: 300_000, everyMs: 500, missing: () => left },
  )
}

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
  readonly names: readonly string[]
  readonly times: readonly CreateTimes[]
}

export async function createBatch(
  lab: Lab,
  kind: Kind,
  count: number,
  { atOnce = 1, pool }: { readonly atOnce?: number; readonly pool: string },
): Promise<Batch> {
  const names = Array.from({ length: count }, (_, each) => `${kind}-${each}`)
  const spec = { allocateLoadBalancerNodePorts: false }
  const services = names.map((name) =>
    kind === 'bare'
      ? serviceObject({ name, spec: { ...spec, loadBalancerClass: 'example.com/nobody' } })
      : serviceObject({ name, annotations: { 'eip.openelb.kubesphere.io/v1alpha2': pool }, spec }),
  )
  const times = await createTimed(lab, services, { noIngress: kind === 'bare', atOnce, timeoutMs: 600_000 })
  return { names, times }
}

/** Starts the deletion and does not wait for its end. */
export function removeBatch(lab: Lab, { names }: Pick<Batch, 'names'>): Promise<unknown> {
  return lab.kubectl(['delete', 'service', '--wait=false', ...names], { timeoutMs: 300_000 })
}

/** Resolves when no Service of the default namespace but those named is left, and no address of the pool is in use. */
export async function waitForQuiet(lab: Lab, pool: string, kept: readonly string[] = []): Promise<void> {
  const known = new Set(['kubernetes', 'echo', 'echo-local', ...kept])
  let left = ''
  await waitFor(
    `Services and addresses of ${pool} are gone`,
    async () => {
      const services = (await kubectl(lab, ['get', 'services', '-o', 'jsonpath={.items[*].metadata.name}'])).out
      const others = services.split(' ').filter((name) => /^(bare|ours)-/.test(name) && !known.has(name))
      const selector = `bellhop.dev/eip=${pool}`
      const records = (await kubectl(lab, ['get', 'eipa', '-l', selector, '-o', 'name'])).out.trim()
      const held = records === '' ? 0 : records.split('\n').length
      left = `${others.length} Services and ${held} addresses are left`
      return others.length === 0 && held <= kept.length
    },
    { timeoutMs: 300_000, everyMs: 1_000, missing: () => left },
  )
}

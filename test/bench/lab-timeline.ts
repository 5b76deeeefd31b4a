// The time line of a Service in the lab: create → answer, → ingress in the status, → route in the kernels of both leaves.
// Baseline of all three: the create of the same Service with a class that is nobody's, which no webhook sees. The last
// bar is what MetalLB 0.16 needs in the same kind of lab.
import { createTimed, watchRoutes } from '../e2e/client.ts'
import { addressKey, remove, serviceObject } from '../e2e/claim.ts'
import { withBenchLab } from './bench-lab.ts'
import { type Report, asRatios } from './measure.ts'

const count = 100
const warmUps = 10

export function measure(report: Report): Promise<void> {
  return withBenchLab(async (lab) => {
    const routes = await watchRoutes(lab)
    try {
      const addresses = Array.from({ length: count + warmUps }, (_, each) => `172.22.0.${each + 100}`)
      const named = addresses.map((address, each) =>
        serviceObject({ name: `line-${each}`, annotations: { [addressKey]: address } }),
      )
      const bare = addresses.map((_, each) =>
        serviceObject({ name: `bare-${each}`, spec: { loadBalancerClass: 'example.com/nobody' } }),
      )
      const bareTimes = (await createTimed(lab, bare, { noIngress: true })).slice(warmUps)
      await remove(lab, 'service', ...addresses.map((_, each) => `bare-${each}`))
      const times = (await createTimed(lab, named)).slice(warmUps)
      const routed: number[] = []
      for (const { addressInAnswer, startMs } of times) {
        const { leaf1, leaf2 } = await routes.routed(addressInAnswer ?? '')
        routed.push(Math.max(leaf1, leaf2) - startMs)
      }
      const baseline = bareTimes.map(({ answeredMs, startMs }) => answeredMs - startMs)
      const answered = times.map(({ answeredMs, startMs }) => answeredMs - startMs)
      const ingress = times.map(({ ingressMs, startMs }) => (ingressMs ?? Number.NaN) - startMs)
      report(
        ...asRatios('create → answer', answered, baseline, { p50: 1.8, p99: 2 }),
        ...asRatios('create → ingress', ingress, baseline, { p50: 2.4, p99: 3 }),
        ...asRatios('create → route on both leaves', routed, baseline, { p50: 3, p99: 3 }),
      )
    } finally {
      routes.stop()
    }
  })
}

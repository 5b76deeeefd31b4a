// Steps that claims about pools have in common: what an Eip counts, Services that ask for one pool, and whether the route to
// an address was touched.
import { type Lab, waitFor } from '../lab/index.ts'
import { type EipJson, getEip } from './address-steps.ts'
import { type ServiceShape, nodeNextHops, poolKey } from './claim.ts'

/** What the Eip says of itself; nothing until the controller has seen it. */
export async function statusOf(lab: Lab, eip: string): Promise<NonNullable<EipJson['status']>> {
  return (await getEip(lab, eip)).status ?? {}
}

/** Waits until the Eip counts just so: size, usage, free. */
export async function waitForCounts(lab: Lab, eip: string, ...wanted: readonly number[]): Promise<void> {
  let seen = ''
  await waitFor(
    `Eip ${eip} counts ${wanted.join(', ')}`,
    async () => {
      const { poolSize, usage, free } = await statusOf(lab, eip)
      seen = [poolSize, usage, free].join(', ')
      return seen === wanted.join(', ')
    },
    { timeoutMs: 20_000, missing: () => `it counts ${seen}` },
  )
}

export const inPool = (name: string, pool: string, spec = {}): ServiceShape => ({
  name,
  annotations: { [poolKey]: pool },
  spec,
})

/** Version of the prefix in the leaf's BGP table: another one as soon as it was touched. */
export async function routeVersion(lab: Lab, address: string): Promise<unknown> {
  const text = await lab.router('leaf2', [`show bgp ipv4 unicast ${address}/32 json`])
  return (JSON.parse(text) as { readonly version?: number }).version
}

export async function waitForRoute(lab: Lab, address: string): Promise<void> {
  await waitFor(`leaf2 has a way to ${address}`, async () => (await nodeNextHops(lab, 'leaf2', address)).length > 0)
}

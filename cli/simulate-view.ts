// The cluster as far as a simulation needs it: all of it, or no answer.
import { type ClusterView, type Part, viewCluster } from '../src/core/explain/index.ts'
import type { Cli } from './cli.ts'
import { CannotAsk, type Connection } from './connect.ts'
import { readCluster } from './read-cluster.ts'

/** All that decides about the ways of addresses. Rack objects are not: what they should say is planned anew. */
export const partsOfWays: readonly Part[] = [
  'services',
  'endpointslices',
  'nodes',
  'eips',
  'bgpconfs',
  'bgppeers',
  'speakers',
  'leases',
]

/** Throws CannotAsk when a part is missing: a guess about what would change is worse than none. */
export async function readView(
  cli: Pick<Cli, 'options' | 'wallMs'>,
  { client }: Pick<Connection, 'client'>,
  parts: readonly Part[],
): Promise<ClusterView> {
  const { systemNamespace } = cli.options()
  const cluster = await readCluster(client, { systemNamespace, wallMs: cli.wallMs, parts })
  if (cluster.unread.length > 0) {
    const why = cluster.unread.map((each) => each.why.replace(/:.*/, '')).join('; ')
    throw new CannotAsk(`What would change cannot be told: ${why}`)
  }
  return viewCluster(cluster)
}

// What `kubectl bellhop` answers of a cluster that works, and of one that does not. Addresses 172.23.62.0/30.
import { leafNames, waitFor } from '../../lab/index.ts'
import { createService, onStage } from '../address-steps.ts'
import { type Claim, expect, poolKey } from '../claim.ts'
import { bellhop, bellhopSays } from '../cli-steps.ts'
import { addressOf, configureBgp, routesAreBack } from '../route-steps.ts'

interface Explained {
  readonly verdict: string
  readonly reason?: string
  readonly remedies: readonly string[]
  readonly stages: readonly { readonly name: string; readonly state: string; readonly details: readonly string[] }[]
}

export const asking: readonly Claim[] = [
  {
    name: 'kubectl bellhop: status says that all is well, explain walks a healthy Service to its routers; a full pool and sessions that are down are named as the cause, with exit status 1',
    async run(lab) {
      const echo = await addressOf(lab, 'echo')
      let seen = ''
      await waitFor(
        'status: all is well',
        async () => {
          const said = await bellhop(lab, ['status'])
          seen = said.out + said.err
          return said.status === 0 && said.out.startsWith('All is well.')
        },
        { timeoutMs: 60_000, missing: () => seen },
      )
      const healthy = await bellhopSays(lab, ['explain', 'service', 'echo', '-o', 'json'], 0)
      const { verdict, stages } = JSON.parse(healthy.out) as Explained
      const walked = stages.map(({ name, state }) => `${name} ${state}`).join()
      const wanted = ['request', 'pool', 'record', 'status', 'endpoints', 'nodes', 'sessions', 'routes', 'hosts']
      expect(verdict === 'works' && walked === wanted.map((name) => `${name} ok`).join(), `${verdict}: ${walked}`)
      const told = stages.find(({ name }) => name === 'routes')?.details.join('; ') ?? ''
      expect(told === '→ leaf1: master and worker1 (by master); → leaf2: worker2', `next hops: ${told}`)
      const held = await bellhopSays(lab, ['explain', 'address', echo], 0)
      expect(held.out.includes(`Address ${echo} is held by Service default/echo`), held.out)
      for (const command of ['pools', 'peers', 'racks', 'services', 'version']) await bellhopSays(lab, [command], 0)
      await bellhopSays(lab, ['explain', 'service', 'no-such-service'], 1)
      await bellhopSays(lab, ['explain', 'address', 'none'], 2)

      const stage = { eips: { asking: { address: '172.23.62.1/32' } }, services: ['asking-1', 'asking-2'] }
      const full = await onStage(lab, stage, async () => {
        const annotations = { [poolKey]: 'asking' }
        await createService(lab, { name: 'asking-1', annotations })
        await createService(lab, { name: 'asking-2', annotations })
        const said = await bellhopSays(lab, ['explain', 'service', 'asking-2', '-o', 'json'], 1)
        await bellhopSays(lab, ['status', '-o', 'json'], 1)
        return JSON.parse(said.out) as Explained
      })
      expect(full.reason === 'PoolFull' && full.remedies.length > 0, `the full pool is called ${full.reason}`)

      let down: Explained | undefined
      try {
        await Promise.all(leafNames.map((leaf) => configureBgp(lab, leaf, 'neighbor NODES shutdown')))
        await waitFor(
          'explain: no session, on every leaf, with the error of each',
          async () => {
            const said = await bellhop(lab, ['explain', 'service', 'echo', '-o', 'json'])
            seen = said.out + said.err
            down = JSON.parse(said.out) as Explained
            const details = down.stages.find(({ name }) => name === 'sessions')?.details ?? []
            return said.status === 1 && down.reason === 'NoSession' && details.length === 2
          },
          { timeoutMs: 60_000, missing: () => seen },
        )
      } finally {
        await Promise.all(leafNames.map((leaf) => configureBgp(lab, leaf, 'no neighbor NODES shutdown')))
        await routesAreBack(lab, echo)
      }
      const why = down?.stages.find(({ name }) => name === 'sessions')?.details[0] ?? ''
      return `explain took ${healthy.tookMs.toFixed(0)} ms from the shell; told ${told}; full: ${full.reason}; down: ${why}`
    },
  },
]

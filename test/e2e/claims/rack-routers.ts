// A rack with two routers: what a node cannot tell one of them by itself, its rack mates tell.
import { waitFor } from '../../lab/index.ts'
import type { Claim } from '../claim.ts'
import {
  addressOf,
  master,
  nextHopsBecome,
  rackKey,
  watchWays,
  withSpeakerOnWorker1,
  worker1,
  worker2,
} from '../route-steps.ts'
import { withSecondRouter } from '../second-router.ts'

export const rackRouters: readonly Claim[] = [
  {
    name: "RACK-09 two routers in a rack, worker1's session to one of them down: that router is told of it by its rack mate, the other as before",
    run: (lab) =>
      withSpeakerOnWorker1(lab, async () => {
        const address = await addressOf(lab, 'echo')
        const selector = { matchLabels: { [rackKey]: 'leaf1' } }
        return withSecondRouter(lab, selector, async (second) => {
          const own = `${master} by ${master}, ${worker1} by ${worker1}`
          const proxied = `${master} by ${master}, ${worker1} by ${master}`
          const waysBecome = async (wanted: string): Promise<number> => {
            const startMs = performance.now()
            let seen = ''
            await waitFor(
              `the second router has ${wanted}`,
              async () => {
                seen = await second.waysTo(address)
                return seen === wanted
              },
              { timeoutMs: 60_000, missing: () => `it has ${seen || 'none'}` },
            )
            return performance.now() - startMs
          }
          const leaf1Tells = async (): Promise<string> =>
            (await lab.bgpPaths('leaf1', address))
              .filter(({ peer }) => [master, worker1].includes(peer))
              .map(({ nextHop, peer }) => `${nextHop} by ${peer}`)
              .join(', ')
          await waysBecome(own)
          await nextHopsBecome(lab, address, [master, worker1], [worker2], 30_000)
          await waitFor(`leaf1 has ${own}`, async () => (await leaf1Tells()) === own, { timeoutMs: 60_000 })
          const watch = await watchWays(lab, 'leaf1', address)
          try {
            await second.configure(`neighbor ${worker1} shutdown`)
            const downMs = await waysBecome(proxied)
            const other = await leaf1Tells()
            await second.configure(`no neighbor ${worker1} shutdown`)
            const upMs = await waysBecome(own)
            watch.expectThroughout(master, worker1)
            if (other !== own) throw new Error(`leaf1 was told ${other} meanwhile`)
            return `told by ${master} ${downMs.toFixed(0)} ms after the session was shut, by ${worker1} again ${upMs.toFixed(0)} ms after it was let; leaf1: ${other} throughout`
          } finally {
            watch.stop()
          }
        })
      }),
  },
]

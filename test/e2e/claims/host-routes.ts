// Routes in the kernels of the nodes: ours there when they are wanted, through repairs and restarts; nobody else's touched.
import { type Lab, type NodeName, waitFor } from '../../lab/index.ts'
import { addressIn, createService, deleteService, onStage } from '../address-steps.ts'
import { type Claim, addressKey, expect, poolKey, remove, waitForIngress } from '../claim.ts'
import { everyNodeAnswers } from '../client.ts'
import {
  addressOf,
  expectWithin,
  master,
  nextHopsBecome,
  objectPath,
  routesAreBack,
  speakerCommand,
  sessionBecomes,
  watchRouteLines,
  withSpeakerOnWorker1,
  worker1,
  worker2,
} from '../route-steps.ts'

/** Our route protocol; `ip -N` prints the number, for which FRR has a name. */
const protocol = '196'
const ms = (took: number): string => `${took.toFixed(0)} ms`

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line.trim() !== '')

async function ourRoutes(lab: Lab, node: NodeName, address?: string): Promise<readonly string[]> {
  const what = address === undefined ? '' : ` ${address}`
  return lines(await lab.read(node, `ip -4 route show table all proto ${protocol}${what}`))
}

/** Waits until exactly these of the nodes have our local route for the address. */
async function hostRoutesBecome(
  lab: Lab,
  address: string,
  wanted: readonly NodeName[],
  timeoutMs = 30_000,
): Promise<number> {
  const startMs = performance.now()
  let seen = ''
  await waitFor(
    `our route for ${address} is on {${wanted.join()}}`,
    async () => {
      const having: NodeName[] = []
      for (const node of ['master', 'worker1', 'worker2'] as const) {
        const [route, ...more] = await ourRoutes(lab, node, address)
        if (route === undefined) continue
        expect(more.length === 0 && route.startsWith(`local ${address} dev lo`), [route, ...more].join('; '))
        having.push(node)
      }
      seen = having.join()
      return seen === wanted.join()
    },
    { timeoutMs, missing: () => `it is on {${seen}}` },
  )
  return performance.now() - startMs
}

async function repairsOf(lab: Lab, node: NodeName): Promise<number> {
  const speaker = (await lab.request('GET', objectPath('speakers', node))) as {
    readonly status: { readonly routes: { readonly repaired: number } }
  }
  return speaker.status.routes.repaired
}

/** All routes and rules of a node that are not ours, sorted. */
async function foreignState(lab: Lab, node: NodeName): Promise<readonly string[]> {
  const [routes, routes6, rules] = await Promise.all([
    lab.read(node, 'ip -N -4 route show table all'),
    lab.read(node, 'ip -N -6 route show table all'),
    lab.read(node, 'ip -N -4 rule show; ip -N -6 rule show'),
  ])
  const own = new RegExp(`proto ${protocol}\\b`)
  // Counters and life times of IPv6 routes say nothing of who touched them.
  return [...lines(routes), ...lines(routes6), ...lines(rules)]
    .map((line) => line.replace(/ expires \S+/, '').trim())
    .filter((line) => !own.test(line))
    .toSorted()
}

export const hostRoutes: readonly Claim[] = [
  {
    name: 'ROUTE-01 Service assigned: a local route with our protocol on each node that is next hop; gone after the deletion',
    run: (lab) =>
      withSpeakerOnWorker1(lab, async () => {
        const address = addressIn(await createService(lab, { name: 'rooted' }))
        try {
          await nextHopsBecome(lab, address, [master, worker1], [worker2], 30_000)
          await hostRoutesBecome(lab, address, ['master', 'worker1', 'worker2'])
          await deleteService(lab, 'rooted')
          const goneMs = await hostRoutesBecome(lab, address, [])
          return `${address} on all three; gone ${ms(goneMs)} after the deletion`
        } finally {
          await remove(lab, 'service', 'rooted')
        }
      }),
  },
  {
    name: "ROUTE-03 pool inside the nodes' own subnet: no node answers ARP for the address, the Service works over BGP",
    run: (lab) =>
      onStage(lab, { eips: { onlink: { address: '192.168.0.200' } }, services: ['onlink'] }, async () => {
        const address = '192.168.0.200'
        // The router asks on the link instead of taking the way that BGP told it.
        const rule = `to ${address} ipproto icmp lookup 88 pref 100`
        try {
          await createService(lab, { name: 'onlink', annotations: { [poolKey]: 'onlink' } })
          await waitForIngress(lab, 'onlink', [address])
          await nextHopsBecome(lab, address, [master, worker1], [worker2], 30_000)
          await hostRoutesBecome(lab, address, ['master', 'worker2'])
          await lab.read('leaf1', `ip route add 192.168.0.0/24 dev rack table 88 && ip rule add ${rule}`)
          const asked = await lab.exec('leaf1', `ping -c 2 -i 0.3 -W 1 ${address}`)
          const neighbor = await lab.read('leaf1', `ip neigh show ${address}`)
          expect(neighbor.includes(address), `leaf1 did not ask who has ${address}: ${asked.stdout}`)
          expect(!neighbor.includes('lladdr'), `a node answered: ${neighbor}`)
          await everyNodeAnswers(lab, address)
          return `leaf1 asked and nobody answered (${neighbor.trim()}); 30 of 30 requests of the client were`
        } finally {
          await lab.exec('leaf1', `ip rule del ${rule}; ip route flush table 88; ip neigh del ${address} dev rack`)
        }
      }),
  },
  {
    name: 'ROUTE-04 our route is deleted by hand: back within 15 s, and the repair is counted',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await hostRoutesBecome(lab, address, ['master', 'worker2'])
      const before = await repairsOf(lab, 'worker2')
      const [route = ''] = await ourRoutes(lab, 'worker2', address)
      await lab.read('worker2', `ip route del ${route}`)
      expect((await ourRoutes(lab, 'worker2', address)).length === 0, 'it was not deleted')
      const backMs = await hostRoutesBecome(lab, address, ['master', 'worker2'], 60_000)
      expectWithin(15_000, backMs, 'the route is back')
      const counted = await waitFor(
        'the Speaker counts the repair',
        async () => {
          const now = await repairsOf(lab, 'worker2')
          return now === before + 1 ? now : undefined
        },
        { timeoutMs: 30_000, everyMs: 200 },
      )
      return `back after ${ms(backMs)}, repairs ${before} → ${counted}`
    },
  },
  {
    name: 'ROUTE-06 speaker restarted by SIGTERM and killed: its host routes are there throughout',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await hostRoutesBecome(lab, address, ['master', 'worker2'])
      const before = await ourRoutes(lab, 'worker2')
      const watch = await watchRouteLines(lab, 'worker2')
      const speaker = lab.program('speaker', 'worker2')
      try {
        for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
          await speaker.stop(signal)
          await sessionBecomes(lab, 'leaf2', worker2, false)
          expect((await ourRoutes(lab, 'worker2')).join() === before.join(), `routes went with ${signal}`)
          await speaker.start()
          await routesAreBack(lab, address)
        }
        const gone = watch.lines.filter((line) => line.startsWith('Deleted') && line.includes(`proto ${protocol}`))
        expect(gone.length === 0, `deleted meanwhile: ${gone.join('; ')}`)
        return `${before.length} routes, none of them deleted`
      } finally {
        watch.stop()
        await speaker.start()
      }
    },
  },
  {
    name: 'ROUTE-05, ROUTE-07 foreign routes and rules, also for X, are never touched; speaker --cleanup removes ours and nothing else',
    run: (lab) =>
      onStage(lab, { eips: { shadow: { address: '172.23.9.32/30' } }, services: ['seen', 'taken'] }, async () => {
        const [seen, taken] = ['172.23.9.32', '172.23.9.33']
        const echo = await addressOf(lab, 'echo')
        const speaker = lab.program('speaker', 'worker2')
        // In a table of someone else, a rule to it, and where ours would stand.
        const foreign = [
          `route add unreachable ${seen} table 77 proto static`,
          'rule add pref 31000 from 198.51.100.7 lookup 77 proto static',
          `route add unreachable ${taken} table 196 proto static`,
        ]
        try {
          for (const each of foreign) await lab.read('worker2', `ip ${each}`)
          const before = (await foreignState(lab, 'worker2')).join('\n')
          const unchanged = async (when: string): Promise<void> => {
            const now = (await foreignState(lab, 'worker2')).join('\n')
            expect(now === before, `${when} the routes and rules of others are\n${now}\nand were\n${before}`)
          }
          for (const [name, address] of [
            ['seen', seen],
            ['taken', taken],
          ] as const) {
            await createService(lab, { name, annotations: { [addressKey]: address } })
            await nextHopsBecome(lab, address, [master, worker1], [worker2], 30_000)
          }
          await hostRoutesBecome(lab, seen, ['master', 'worker2'])
          await hostRoutesBecome(lab, taken, ['master'])
          const said = await waitFor('Speaker worker2 says that its place is taken', () => exceptionOf(lab, taken), {
            timeoutMs: 30_000,
          })
          await deleteService(lab, 'seen')
          await hostRoutesBecome(lab, seen, [])
          await unchanged('after the life of a Service')
          await speaker.stop()
          expect((await ourRoutes(lab, 'worker2')).length > 0, 'nothing is left to clean up')
          await lab.read('worker2', speakerCommand('--cleanup'), { timeoutMs: 30_000 })
          const left = [
            ...(await ourRoutes(lab, 'worker2')),
            ...lines(await lab.read('worker2', `ip -N -6 route show table all proto ${protocol}`)),
            ...lines(await lab.read('worker2', 'ip -N rule show; ip -N -6 rule show')).filter((line) =>
              line.includes(`proto ${protocol}`),
            ),
          ]
          expect(left.length === 0, `left: ${left.join('; ')}`)
          await unchanged('after --cleanup')
          return `${said}; ${before.split('\n').length} routes and rules of others as they were`
        } finally {
          await speaker.start()
          for (const each of foreign) await lab.exec('worker2', `ip ${each.replace(' add ', ' del ')}`)
          await routesAreBack(lab, echo)
          await hostRoutesBecome(lab, echo, ['master', 'worker2'])
        }
      }),
  },
]

async function exceptionOf(lab: Lab, address: string): Promise<string | undefined> {
  const speaker = (await lab.request('GET', objectPath('speakers', 'worker2'))) as {
    readonly status: { readonly exceptions: readonly { readonly address: string; readonly message: string }[] }
  }
  return speaker.status.exceptions.find((each) => each.address === address)?.message
}

// Speakers restart while clients send requests all the time: with graceful restart (RFC 4724) nobody notices.
import { setTimeout as pause } from 'node:timers/promises'

import { type Lab, type LeafName, type NodeName, nodeNames, nodes, waitFor } from '../../lab/index.ts'
import { type Claim, expect, kubectl } from '../claim.ts'
import { openConnections, openTraffic } from '../client.ts'
import type { HeldConnection } from '../connections.ts'
import type { RequestsReport } from '../requests.ts'
import {
  type Session,
  addressOf,
  master,
  nextHopsBecome,
  objectPath,
  routesAreBack,
  sessionBecomes,
  sessionOf,
  watchWays,
  worker1,
  worker2,
} from '../route-steps.ts'

const sessionsOfLab = [
  ['leaf1', master],
  ['leaf2', worker2],
] as const

/** Waits until each of these sessions came up after the one given, and the router keeps no stale way to the address. */
async function freshSessions(lab: Lab, address: string, before: ReadonlyMap<LeafName, Session>): Promise<void> {
  for (const [leaf, neighbor] of sessionsOfLab) {
    const { connectionsEstablished: had = 0 } = before.get(leaf) ?? {}
    if (!before.has(leaf)) continue
    await waitFor(
      `${leaf} has a new session with ${neighbor} and all its routes`,
      async () => {
        const { bgpState, connectionsEstablished = 0 } = await sessionOf(lab, leaf, neighbor)
        const text = await lab.router(leaf, [`show bgp ipv4 unicast ${address}/32 json`])
        return bgpState === 'Established' && connectionsEstablished > had && !/"stale":\s*true/.test(text)
      },
      { timeoutMs: 120_000 },
    )
  }
}

async function sessionsNow(lab: Lab): Promise<ReadonlyMap<LeafName, Session>> {
  const found = sessionsOfLab.map(async ([leaf, neighbor]) => [leaf, await sessionOf(lab, leaf, neighbor)] as const)
  return new Map(await Promise.all(found))
}

/** Runs `restart` with graceful restart on, under traffic; fails when a request does, or when a next hop is missing. */
async function underTraffic(lab: Lab, restart: (address: string) => Promise<string>): Promise<string> {
  const address = await addressOf(lab, 'echo')
  const setRestart = async (gracefulRestart: object | null): Promise<void> => {
    const before = await sessionsNow(lab)
    await lab.request('PATCH', objectPath('bgpconfs', 'default'), { spec: { gracefulRestart } })
    // Both sides say so in a new session.
    await freshSessions(lab, address, before)
    await routesAreBack(lab, address)
  }
  try {
    await setRestart({ enabled: true, restartTime: 60 })
    const watches = [await watchWays(lab, 'leaf1', address), await watchWays(lab, 'leaf2', address)]
    try {
      const traffic = await openTraffic(lab, address)
      let restarted = ''
      let report: RequestsReport
      try {
        restarted = await restart(address)
        await routesAreBack(lab, address)
      } finally {
        report = await traffic.stop()
      }
      const { good, failed, slowestMs, errors, byNode } = report
      const figures = `${good} requests answered, slowest ${slowestMs} ms, by pods on ${Object.keys(byNode).join(', ')}`
      expect(failed === 0, `${failed} requests failed (${errors.join('; ')}), ${figures}`)
      expect(good > 100, `${good} requests are too few to tell`)
      watches[0]?.expectThroughout(master, worker1)
      watches[1]?.expectThroughout(worker2)
      return `${restarted}: ${figures}`
    } finally {
      for (const watch of watches) watch.stop()
    }
  } finally {
    await setRestart(null)
  }
}

/** The node at which a connection came in, by the source address that it has at the pod. */
function entryOf({ from }: HeldConnection): NodeName | undefined {
  return nodeNames.find((name) => [nodes[name].address, nodes[name].podGateway].includes(from))
}

export const restarts: readonly Claim[] = [
  {
    name: 'a speaker killed without graceful restart: its routes go, connections that came in at other nodes go on',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      const speaker = lab.program('speaker', 'worker2')
      const connections = await openConnections(lab, address, 40)
      let held: readonly HeldConnection[]
      try {
        // Each has been used for a while before, and is after.
        await pause(1500)
        await speaker.stop('SIGKILL')
        await nextHopsBecome(lab, address, [master, worker1], [], 60_000)
        await pause(1500)
      } finally {
        // A router that has one more way again may choose it for connections that are there: they end before.
        held = await connections.close()
        await speaker.start()
      }
      await routesAreBack(lab, address)
      const figures = nodeNames.map((name) => {
        const mine = held.filter((each) => entryOf(each) === name)
        const lost = mine.filter(({ error }) => error !== undefined)
        expect(mine.length > 0, `no connection came in at ${name}: ${held.map(({ from }) => from).join()}`)
        expect(
          name === 'worker2' || lost.length === 0,
          `${lost.length} of ${mine.length} connections at ${name} were lost: ${lost.map(({ error }) => error).join('; ')}`,
        )
        return `${name} ${mine.length - lost.length} of ${mine.length}`
      })
      return `connections that went on: ${figures.join(', ')}`
    },
  },
  {
    name: 'a speaker ended by SIGTERM and started again, with graceful restart: no request fails, no next hop is missing',
    run: (lab) =>
      underTraffic(lab, async (address) => {
        for (const [at, [leaf, neighbor]] of sessionsOfLab.entries()) {
          const before = await sessionsNow(lab)
          const speaker = lab.program('speaker', at === 0 ? 'master' : 'worker2')
          await speaker.stop('SIGTERM')
          await sessionBecomes(lab, leaf, neighbor, false)
          await speaker.start()
          const mine = new Map([...before].filter(([each]) => each === leaf))
          await freshSessions(lab, address, mine)
        }
        return 'master, then worker2'
      }),
  },
  {
    name: 'all speakers restarted one after the other (rollout restart), with graceful restart: no request fails, no next hop is missing',
    run: (lab) =>
      underTraffic(lab, async (address) => {
        const before = await sessionsNow(lab)
        const speakers = ['-n', 'bellhop-system', 'daemonset/bellhop-speaker']
        for (const verb of [['restart'], ['status', '--timeout=120s']]) {
          const { ok, said } = await kubectl(lab, ['rollout', ...verb, ...speakers], undefined, 130_000)
          expect(ok, `kubectl rollout ${verb[0]}: ${said}`)
        }
        await freshSessions(lab, address, before)
        return 'rolled out'
      }),
  },
]

// Routers that forward: our routes stand in their kernel, and packets take them.
import { test } from 'node:test'

import { waitFor } from '../lab/wait.ts'
import { bird, frr } from './daemons/index.ts'
import { self } from './engine.ts'
import { type Pair, describeWithEach, waitMs } from './pair.ts'

const patient = { timeoutMs: waitMs }

describeWithEach(
  'forwarding',
  (pair, daemon, over) => {
    test('a packet reaches the address, over as many next hops as ADD-PATH brought', async () => {
      const { engine, network, at } = pair()
      await engine.setPaths(at.prefix, [self, { id: 3, nextHop: at.third }, { id: 4, nextHop: at.fourth }])
      let kernel = ''
      await waitFor(
        'three next hops in the kernel',
        async () => {
          kernel = await network.run(network.router, 'ip', over === 4 ? '-4' : '-6', 'route', 'show', at.prefix)
          return kernel.match(/via/g)?.length === 3
        },
        { ...patient, missing: () => kernel },
      )
      await engine.setPaths(at.prefix, [self])
      await waitFor('one next hop', async () => (await routeTo(pair(), at.prefix)).match(/via/g)?.length === 1, patient)
      await reaches(pair(), at.prefix)
    })

    // Over IPv4 there is an IPv4 next hop.
    if (over === 4) return
    test('an IPv4 packet over a session of IPv6 alone, with an IPv6 next hop (RFC 8950)', async () => {
      const { engine, at } = pair()
      const prefix = '192.0.2.50/32'
      await engine.setPaths(prefix, [self])
      await pair().hops([at.engine], prefix)
      await waitFor(
        `${daemon.name}'s kernel having it`,
        async () => /via inet6 f/.test(await routeTo(pair(), prefix)),
        patient,
      )
      await reaches(pair(), prefix)
    })
  },
  {
    routers: [frr, bird],
    start: async (pair) => {
      const extendedNextHop = pair.over === 6
      await pair.begin({ families: [4, 6], addPaths: true, forwards: true, extendedNextHop, passive: true })
      await pair.engine.configure([pair.peer({ families: [4, 6] })])
      await pair.engine.reaches('ESTABLISHED', waitMs)
    },
  },
)

function routeTo({ network }: Pair, prefix: string): Promise<string> {
  return network.run(network.router, 'ip', prefix.includes(':') ? '-6' : '-4', 'route', 'show', prefix)
}

async function reaches({ network }: Pair, prefix: string): Promise<void> {
  const [address = ''] = prefix.split('/')
  await network.run(network.engine, 'ip', 'addr', 'replace', prefix, 'dev', 'lo')
  await waitFor(
    `an answer of ${address}`,
    () => network.run(network.router, 'ping', '-c', '1', '-W', '1', address),
    patient,
  )
}

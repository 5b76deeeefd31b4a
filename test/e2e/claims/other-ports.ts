// Ports of an address that are not the Service's: nothing loops, no daemon of a node is reached, and hostAccess opens them.
import { type Lab, waitFor } from '../../lab/index.ts'
import { removeEips } from '../address-steps.ts'
import { type Claim, addressKey, create, eipObject, expect, kubectl, poolKey, remove, serviceObject } from '../claim.ts'
import { addressOf, master, nextHopsBecome, worker1, worker2 } from '../route-steps.ts'

/** Three source ports from which leaf1 sends a connection to this next hop. */
async function portsTo(lab: Lab, hop: string, address: string, port: number): Promise<readonly number[]> {
  const found: number[] = []
  for (let source = 40_000; found.length < 3 && source < 40_100; source++) {
    const route = await lab.read('leaf1', `ip route get ${address} ipproto tcp sport ${source} dport ${port}`)
    if (route.includes(`via ${hop} `)) found.push(source)
  }
  expect(found.length === 3, `leaf1 sends no connection to ${hop}`)
  return found
}

export const otherPorts: readonly Claim[] = [
  {
    name: 'ROUTE-02 a port that is not the Service neither loops nor reaches a daemon on 0.0.0.0; with hostAccess ping answers and a closed port refuses',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      const daemonPort = 2222
      const daemon = `${process.execPath} -e "require('http').createServer((q,r)=>r.end('daemon')).listen(${daemonPort},'0.0.0.0');setTimeout(()=>process.exit(),60000)"`
      const daemons = (['master', 'worker1', 'worker2'] as const).map((node) => lab.exec(node, daemon))
      try {
        await waitFor(
          'the daemon of the node answers at the node itself',
          async () => (await lab.exec('client', `curl -s -m 1 http://${master}:${daemonPort}/`)).stdout === 'daemon',
        )
        // Nodes with a speaker: leaf2 has one next hop, for the master source ports are taken that leaf1 sends there.
        const ports = await portsTo(lab, master, address, daemonPort)
        const tries = [
          ...ports.map(
            (port) => ['leaf1', `curl -s -m 1 --local-port ${port} http://${address}:${daemonPort}/`] as const,
          ),
          ...ports.map(() => ['leaf2', `curl -s -m 1 http://${address}:${daemonPort}/`] as const),
        ]
        for (const [from, command] of tries) {
          // A packet that loops would end in "time to live exceeded", which curl reports at once as 7.
          const { status, stdout } = await lab.exec(from, command)
          expect(
            status === 28,
            `curl from ${from} to ${address}:${daemonPort} ended with ${status} "${stdout}", not in a time-out`,
          )
        }
        for (let attempt = 0; attempt < 10; attempt++) {
          const { stdout } = await lab.exec('client', `curl -s -m 1 http://${address}:${daemonPort}/`)
          expect(stdout === '', `the client reached "${stdout}" at ${address}:${daemonPort}`)
        }

        const open = eipObject('open', { address: '172.22.1.0/30', hostAccess: true })
        const made = await kubectl(lab, ['create', '-f', '-'], open)
        expect(made.ok && /Warning/.test(made.said), `hostAccess is made without a warning: ${made.said}`)
        const service = await create(lab, serviceObject({ name: 'open', annotations: { [poolKey]: 'open' } }))
        const opened = service.metadata.annotations?.[addressKey] ?? ''
        await nextHopsBecome(lab, opened, [master, worker1], [worker2])
        // Only nodes with a speaker have the host route; worker1 is announced by the master's and has none.
        let pinged = ''
        await waitFor(
          `${opened} answers ping`,
          async () => {
            pinged = (await lab.exec('leaf2', `ping -c 3 -i 0.2 -W 1 ${opened}`)).stdout
            return pinged.includes(' 0% packet loss')
          },
          { missing: () => pinged },
        )
        const refused = await lab.exec('leaf2', `curl -s -m 2 http://${opened}:81/`)
        expect(refused.status === 7, `curl to a closed port ended with ${refused.status}, not refused`)
        return `${tries.length} of ${tries.length} timed out at port ${daemonPort}, no loop, no daemon; hostAccess: ping answered, closed port refused`
      } finally {
        await remove(lab, 'service', 'open')
        await waitFor(
          'the address of open is free',
          async () => !(await kubectl(lab, ['get', 'eipa', '-o', 'name'])).out.includes('172.22.1.'),
          { timeoutMs: 30_000 },
        )
        await removeEips(lab, 'open')
        void Promise.allSettled(daemons) // they end by themselves after a minute, or with the lab
      }
    },
  },
]

// What an operator does to a cluster that works: simulate a change and make it, drain a node, take everything away.
// Addresses 172.23.60.0/29.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type Lab, nodes, waitFor } from '../../lab/index.ts'
import { readCommand, runCommand } from '../../lab/command.ts'
import { deployBellhop, openelbSamples } from '../../lab/bellhop.ts'
import { addressIn, createService, onStage } from '../address-steps.ts'
import { type Claim, expect, getOrUndefined, getService, ingressOf, kubectl, nodeNextHops, poolKey } from '../claim.ts'
import { bellhopSays } from '../cli-steps.ts'
import { addressOf, master, nextHopsBecome, routesAreBack, worker1, worker2 } from '../route-steps.ts'

interface Simulated {
  readonly reachable: { readonly before: number; readonly after: number }
  readonly lost: readonly { readonly address: string }[]
  readonly routers: readonly {
    readonly peer: string
    readonly removed: readonly { readonly node: keyof typeof nodes; readonly addresses: number }[]
    readonly added: readonly unknown[]
  }[]
}

const leaves = ['leaf1', 'leaf2'] as const
type Tables = Readonly<Record<string, readonly string[]>>

/** `leaf address` → next hops that are nodes. */
async function tablesOf(lab: Lab, addresses: readonly string[]): Promise<Tables> {
  const tables: Record<string, readonly string[]> = {}
  for (const leaf of leaves) {
    for (const address of addresses) tables[`${leaf} ${address}`] = await nodeNextHops(lab, leaf, address)
  }
  return tables
}

/** By leaf and node, of how many addresses the leaf has lost it as next hop. */
function lostHops(before: Tables, after: Tables): string {
  const counts = new Map<string, number>()
  for (const [key, hops] of Object.entries(before)) {
    for (const hop of hops) {
      if (after[key]?.includes(hop) === true) continue
      const lost = `${key.split(' ')[0]} ${hop}`
      counts.set(lost, (counts.get(lost) ?? 0) + 1)
    }
  }
  return [...counts]
    .map(([key, count]) => `${key} ${count}`)
    .toSorted()
    .join(', ')
}

async function addressesInUse(lab: Lab): Promise<readonly string[]> {
  const { items } = (await lab.request('GET', '/apis/network.kubesphere.io/v1alpha2/eipallocations')) as {
    readonly items: readonly { readonly spec: { readonly address: string } }[]
  }
  return items.map(({ spec }) => spec.address).filter((address) => !address.includes(':'))
}

export const operating: readonly Claim[] = [
  {
    name: 'kubectl bellhop simulate and drain: what it says before is what the leaves then lose; undrain: all is back',
    run: (lab) =>
      onStage(lab, { eips: { operated: { address: '172.23.60.0/29' } }, services: ['operated'] }, async () => {
        // Served on worker2 alone: its last way goes with the drain.
        const spec = { externalTrafficPolicy: 'Local', selector: null }
        const annotations = { [poolKey]: 'operated' }
        const address = addressIn(await createService(lab, { name: 'operated', annotations, spec }))
        const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
        await lab.request('POST', slices, {
          metadata: { name: 'operated-1', labels: { 'kubernetes.io/service-name': 'operated' } },
          ...{ addressType: 'IPv4', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] },
          endpoints: [{ addresses: ['10.244.2.250'], nodeName: 'worker2', conditions: { ready: true } }],
        })
        try {
          await nextHopsBecome(lab, address, [], [worker2], 30_000)
          const addresses = await addressesInUse(lab)
          const before = await tablesOf(lab, addresses)
          const simulated = await bellhopSays(lab, ['simulate', 'drain', 'worker2', '-o', 'json'], 1)
          const { lost, routers } = JSON.parse(simulated.out) as Simulated
          expect(
            lost.map((each) => each.address).includes(address),
            `${address} is not said to be lost: ${simulated.out}`,
          )
          const foreseen = routers
            .flatMap(({ peer, removed }) =>
              removed.map(({ node, addresses }) => `${peer} ${nodes[node].address} ${addresses}`),
            )
            .toSorted()
            .join(', ')
          const refused = await bellhopSays(lab, ['drain', 'worker2'], 1)
          expect(refused.err.includes('Nothing was changed'), `the drain was not refused: ${refused.err}`)
          const drained = await bellhopSays(lab, ['drain', 'worker2', '--force'], 0)
          await nextHopsBecome(lab, address, [], [], 10_000)
          const seen = lostHops(before, await tablesOf(lab, addresses))
          expect(seen === foreseen, `foreseen {${foreseen}}, seen {${seen}}`)
          const back = await bellhopSays(lab, ['undrain', 'worker2'], 0)
          await nextHopsBecome(lab, address, [], [worker2], 30_000)
          const [tookMs, drainedMs, backMs] = [simulated.tookMs, drained.tookMs, back.tookMs].map((ms) => ms.toFixed(0))
          return `{${seen}} foreseen in ${tookMs} ms; drained in ${drainedMs} ms, back in ${backMs} ms`
        } finally {
          await kubectl(lab, ['annotate', 'node', 'worker2', 'bellhop.dev/drain-'])
          await lab.request('DELETE', `${slices}/operated-1`).catch(() => undefined)
        }
      }),
  },
  {
    name: 'kubectl bellhop support-bundle of a cluster with BGP passwords holds no password, and what it could not have is said',
    async run(lab) {
      const secret = 'only-the-routers-know-42'
      const peers = '/apis/network.kubesphere.io/v1alpha2/bgppeers'
      const conf = { neighborAddress: '192.0.2.77', peerAs: 65000, authPassword: secret, adminDown: true }
      const manifest = {
        apiVersion: 'network.kubesphere.io/v1alpha2',
        kind: 'BgpPeer',
        metadata: { name: 'bundled', annotations: { 'example.com/note': secret } },
        spec: { conf, nodeSelector: { matchLabels: { nowhere: 'x' } } },
      }
      const directory = await mkdtemp(join(tmpdir(), 'bellhop-bundle-'))
      try {
        // As people do it: the last applied configuration has the password too.
        const applied = await kubectl(lab, ['apply', '-f', '-'], manifest)
        expect(applied.ok, applied.said)
        const file = join(directory, 'bundle.tar.gz')
        const { out, tookMs } = await bellhopSays(lab, ['support-bundle', '-o', file], 0)
        await readCommand(['tar', '-xzf', file, '-C', directory])
        const found = await runCommand(['grep', '-rlF', secret, directory])
        expect(found.status === 1, `the password is in ${found.stdout}`)
        const listed = await readCommand(['tar', '-tzf', file])
        for (const path of ['objects/bgppeers.json', 'objects/speakers.json', 'answers/services.txt', 'MANIFEST.txt']) {
          expect(listed.includes(path), `${path} is not in it: ${listed}`)
        }
        // Nothing of a Pod is lost without a word: it is in the bundle, or among what was not to be had.
        const { items } = (await lab.request('GET', '/api/v1/namespaces/bellhop-system/pods')) as {
          readonly items: readonly { readonly metadata: { readonly name: string } }[]
        }
        for (const { metadata } of items) {
          expect(out.includes(`logs/${metadata.name}.`), `nothing is said of the logs of ${metadata.name}: ${out}`)
        }
        const told = JSON.parse(
          await readFile(join(directory, listed.split('/', 1)[0] ?? '', 'objects/events.json'), 'utf8'),
        ) as {
          readonly items: readonly { readonly reportingController?: string }[]
        }
        const ours = told.items.filter(({ reportingController }) => reportingController === 'bellhop-controller').length
        expect(ours > 0 && !out.includes('  events: '), `no event of the controller is in it: ${out}`)
        const metrics = listed.split('\n').filter((path) => path.includes('/metrics/')).length
        return `${listed.trim().split('\n').length} files in ${tookMs.toFixed(0)} ms, metrics of ${metrics} Pods, ${ours} events, no password`
      } finally {
        await lab.request('DELETE', `${peers}/bundled`).catch(() => undefined)
        await rm(directory, { recursive: true })
      }
    },
  },
]

/** It takes Bellhop away and brings it back: near the end. */
export const uninstallInOrder: readonly Claim[] = [
  {
    name: 'kubectl bellhop uninstall --yes: routes withdrawn, host routes gone, nothing left or Terminating; a new installation gives the Services the addresses they had',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      for (const node of speakerNodes) expect((await ownTraces(lab, node)) !== '', `no host route is on ${node} before`)
      const plan = await bellhopSays(lab, ['uninstall'], 0)
      expect(plan.out.includes('Nothing was done'), `it did something: ${plan.out}`)
      const { out, tookMs } = await bellhopSays(lab, ['uninstall', '--yes'], 0, 170_000)
      expect(/Bellhop is gone\.\n$/.test(out), `it did not end well: ${out}`)
      for (const leaf of leaves) {
        const hops = await nodeNextHops(lab, leaf, address)
        expect(hops.length === 0, `${leaf} still has ${hops.join()} for ${address}`)
      }
      for (const node of speakerNodes) {
        const left = await ownTraces(lab, node)
        expect(left === '', `on ${node} there is still ${left}`)
        const { metadata } = (await lab.request('GET', `/api/v1/nodes/${node}`)) as {
          readonly metadata: { readonly annotations?: object }
        }
        const ours = Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith('bellhop.dev/'))
        expect(ours.length === 0, `node ${node} is still annotated ${ours.join()}`)
      }
      const found = await kubectl(lab, [
        'get',
        everyKind.join(),
        '-A',
        '-o',
        'name',
        '-l',
        'app.kubernetes.io/name=bellhop',
      ])
      expect(found.out.trim() === '', `there is still ${found.out}`)
      expect(
        (await getOrUndefined(lab, '/api/v1/namespaces/bellhop-system')) === undefined,
        'the namespace is still there',
      )
      expect(ingressOf(await getService(lab, 'echo')).join() === address, 'the Service lost its address')

      await deployBellhop(lab)
      await lab.deploy(openelbSamples)
      const backMs = await nextHopsBecome(lab, address, [master, worker1], [worker2], 60_000)
      const path = `/apis/network.kubesphere.io/v1alpha2/eipallocations/${address}`
      await waitFor(`EipAllocation ${address} is there again`, async () => getOrUndefined(lab, path), {
        timeoutMs: 30_000,
      })
      const steps = plan.out.split('\n').filter((line) => /^ *\d+\. /.test(line)).length
      return `${steps} steps in ${(tookMs / 1000).toFixed(1)} s; ${address} is back ${backMs.toFixed(0)} ms after the new installation`
    },
  },
]

const speakerNodes = ['master', 'worker2'] as const

/** Routes and rules with our protocol number. */
async function ownTraces(lab: Lab, node: (typeof speakerNodes)[number]): Promise<string> {
  return (
    await lab.read(node, 'ip -N route show table all proto 196; ip -N rule show | grep -w "proto 196"; true')
  ).trim()
}

const everyKind = [
  ...['mutatingwebhookconfiguration', 'validatingwebhookconfiguration', 'validatingadmissionpolicy'],
  ...['validatingadmissionpolicybinding', 'crd', 'clusterrole', 'clusterrolebinding', 'priorityclass', 'namespace'],
  ...['deployment', 'daemonset', 'pod', 'role', 'rolebinding', 'serviceaccount'],
]

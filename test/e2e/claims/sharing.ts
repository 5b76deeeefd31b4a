// One address for several Services: by consent of both sides only, and told plainly when it is refused.
import { type Lab, waitFor } from '../../lab/index.ts'
import {
  addressIn,
  changeService,
  createService,
  deleteService,
  onStage,
  waitForUsed,
  warningOf,
} from '../address-steps.ts'
import {
  type Claim,
  type ServiceShape,
  addressKey,
  conditionOf,
  expect,
  getService,
  ingressOf,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'

const sharingKey = 'bellhop.dev/sharing-key'

/** A Service that asks for the address, with one port. */
function asking(name: string, address: string, port: number, more: Partial<ServiceShape> = {}): ServiceShape {
  const ports = [{ name: 'p', port, targetPort: 8080 }]
  return {
    name,
    ...more,
    annotations: { [addressKey]: address, ...more.annotations },
    spec: { ports, ...more.spec },
  }
}

/** Prefixes that the leaf's kernel has a route to in the range, each with its next hops. */
async function routesIn(lab: Lab, leaf: 'leaf1' | 'leaf2', range: string): Promise<readonly string[]> {
  const text = await lab.read(leaf, `ip -o route show root ${range}`)
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Of FRR: it grows with each change of the route. */
async function routeVersion(lab: Lab, address: string): Promise<string> {
  const text = await lab.router('leaf2', [`show bgp ipv4 unicast ${address}/32 json`])
  return String((JSON.parse(text) as { version?: number }).version)
}

export const sharing: readonly Claim[] = [
  {
    name: 'IPAM-06 IPAM-07 two Services at one address: both, one route; one of them deleted: the route stays, untouched',
    run: (lab) =>
      onStage(lab, { eips: { together: { address: '172.23.4.0/30' } }, services: ['share-a', 'share-b'] }, async () => {
        const address = '172.23.4.1'
        await createService(lab, asking('share-a', address, 80))
        await createService(lab, asking('share-b', address, 443))
        await Promise.all(['share-a', 'share-b'].map((name) => waitForIngress(lab, name, [address])))
        await waitForUsed(lab, 'together', { [address]: 'default/share-a;default/share-b' })
        for (const leaf of ['leaf1', 'leaf2'] as const) {
          const route = await waitFor(
            `${leaf} has a route`,
            async () => (await routesIn(lab, leaf, '172.23.4.0/30'))[0],
          )
          expect(route.startsWith(address), `${leaf} has ${route}`)
          const all = await routesIn(lab, leaf, '172.23.4.0/30')
          expect(all.length === 1, `${leaf} has ${all.length} routes: ${all.join('; ')}`)
        }
        await Promise.all(
          ['share-a', 'share-b'].map((name) => waitForCondition(lab, name, 'True', { type: 'Advertised' })),
        )
        const before = await routeVersion(lab, address)
        await deleteService(lab, 'share-a')
        await waitForUsed(lab, 'together', { [address]: 'default/share-b' })
        // Whatever the speakers do about the deletion they do before they announce what was made after it.
        const later = addressIn(
          await createService(lab, { name: 'share-a', annotations: { [addressKey]: '172.23.4.2' } }),
        )
        await waitFor('a later Service is announced', async () => (await lab.leafNextHops('leaf2', later)).length > 0)
        const after = await routeVersion(lab, address)
        expect(before !== 'undefined' && before === after, `the route was touched: version ${before}, then ${after}`)
        expect((await lab.leafNextHops('leaf1', address)).length > 0, 'leaf1 has lost the route')
        return `${address}: used "default/share-a;default/share-b", then "default/share-b"; one route, version ${after} throughout`
      }),
  },
  {
    name: 'IPAM-08 the same port and protocol: the second waits and is told which; the first gone, it has the address',
    run: (lab) =>
      onStage(lab, { eips: { ports: { address: '172.23.4.4/30' } }, services: ['port-a', 'port-b'] }, async () => {
        const address = '172.23.4.5'
        await createService(lab, asking('port-a', address, 80))
        await waitForIngress(lab, 'port-a', [address])
        const warning = await warningOf(lab, asking('port-b', address, 80), /80\/TCP.*default\/port-a/)
        const condition = await waitForCondition(lab, 'port-b', 'False PortCollision')
        expect(/80\/TCP/.test(condition), `the port is not named: ${condition}`)
        expect(ingressOf(await getService(lab, 'port-b')).length === 0, 'it has an address all the same')
        await deleteService(lab, 'port-a')
        await waitForIngress(lab, 'port-b', [address])
        return warning
      }),
  },
  {
    name: 'IPAM-09 two namespaces: the second waits and is not told by whom; the same sharing-key on both: shared',
    run: (lab) => {
      const [one, two] = ['share-one', 'share-two']
      const stage = { eips: { across: { address: '172.23.4.8/30' } }, namespaces: { [one]: {}, [two]: {} } }
      return onStage(lab, stage, async () => {
        const address = '172.23.4.9'
        const keyed = { annotations: { [sharingKey]: 'k' } }
        await createService(lab, asking('secret-name', address, 80, { namespace: one }))
        await waitForIngress(lab, 'secret-name', [address], { namespace: one })
        const warning = await warningOf(lab, asking('b', address, 443, { namespace: two }), /172\.23\.4\.9/)
        const condition = await waitForCondition(lab, 'b', 'False AddressTaken', { namespace: two })
        for (const said of [warning, condition]) {
          expect(!/secret-name|share-one/.test(said), `it names a holder of another namespace: ${said}`)
        }
        // Consent of one side is none.
        await changeService(lab, 'b', { metadata: { annotations: { [sharingKey]: 'k' } } }, two)
        await createService(
          lab,
          asking('other-key', address, 444, { namespace: two, annotations: { [sharingKey]: 'x' } }),
        )
        await waitForCondition(lab, 'other-key', 'False AddressTaken', { namespace: two })
        expect(ingressOf(await getService(lab, 'b', two)).length === 0, 'a key on one side was enough')
        await changeService(lab, 'secret-name', { metadata: keyed }, one)
        await waitForIngress(lab, 'b', [address], { namespace: two })
        // Made with the key, while both have it.
        await createService(lab, asking('c', address, 445, { namespace: two, ...keyed }))
        await waitForIngress(lab, 'c', [address], { namespace: two })
        await waitForUsed(lab, 'across', { [address]: `${one}/secret-name;${two}/b;${two}/c` })
        expect(ingressOf(await getService(lab, 'other-key', two)).length === 0, 'another key was enough')
        return `${warning.slice(0, 120)}…; with the key ${one}/secret-name;${two}/b;${two}/c`
      })
    },
  },
  {
    name: 'sharing with policy Local: with the same selector; not with another selector, not with policy Cluster',
    run: (lab) => {
      const namespace = 'share-local'
      const stage = { eips: { local: { address: '172.23.4.12/30' } }, namespaces: { [namespace]: {} } }
      return onStage(lab, stage, async () => {
        const address = '172.23.4.13'
        const local = (name: string, port: number, app: string): Promise<unknown> => {
          const spec = { externalTrafficPolicy: 'Local', selector: { app } }
          const shape = asking(name, address, port, { namespace })
          return createService(lab, { ...shape, spec: { ...shape.spec, ...spec } })
        }
        await local('first', 80, 'x')
        await waitForIngress(lab, 'first', [address], { namespace })
        await local('same', 81, 'x')
        await local('other', 82, 'y')
        await createService(lab, asking('cluster', address, 83, { namespace }))
        await waitForIngress(lab, 'same', [address], { namespace })
        const said = await Promise.all(
          ['other', 'cluster'].map((name) => waitForCondition(lab, name, 'False AddressTaken', { namespace })),
        )
        // An edit that would break it is refused; the same edit with the webhook's consent lets another in.
        const broken = await changeService(lab, 'same', { spec: { selector: { app: 'y' } } }, namespace).then(
          () => 'accepted',
          (error: unknown) => String(error),
        )
        expect(/shares 172\.23\.4\.13/.test(broken), `an edit that breaks the sharing was ${broken}`)
        await Promise.all(['first', 'same'].map((name) => deleteService(lab, name, namespace)))
        await waitFor('one of those who waited has it', async () => {
          const services = await Promise.all(['other', 'cluster'].map((name) => getService(lab, name, namespace)))
          const holders = services.filter((service) => ingressOf(service).includes(address))
          expect(holders.length < 2, services.map((each) => conditionOf(each, 'EipAssigned')).join('; '))
          return holders.length === 1
        })
        return said[0] ?? ''
      })
    },
  },
]

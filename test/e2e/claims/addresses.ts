// Addresses in the lab: the plain cases of admission and allocation, one claim each.
import { waitFor } from '../../lab/index.ts'
import { addressIn, getEip, onStage } from '../address-steps.ts'
import {
  type Claim,
  addressKey,
  allocationPath,
  create,
  expect,
  getOrUndefined,
  getService,
  ingressOf,
  kubectl,
  optIn,
  poolKey,
  remove,
  samplePool,
  serviceObject,
  waitForCondition,
  waitForFree,
  waitForIngress,
} from '../claim.ts'

export const addresses: readonly Claim[] = [
  {
    name: 'IPAM-01 opt-in and pool: ingress with ipMode VIP, used, label, event AssignIP once',
    async run(lab) {
      const made = await create(lab, serviceObject({ name: 'plain', annotations: { [poolKey]: samplePool } }))
      const address = addressIn(made)
      try {
        const service = await waitForIngress(lab, 'plain')
        const [entry] = service.status?.loadBalancer?.ingress ?? []
        expect(entry?.ip === address && entry.ipMode === 'VIP', `ingress is ${JSON.stringify(entry)}`)
        expect(service.metadata.labels?.[poolKey] === samplePool, 'the label is missing')
        await waitFor(
          `Eip ${samplePool} lists ${address}`,
          async () => (await getEip(lab, samplePool)).status?.used?.[address] === 'default/plain',
        )
        const events = await waitFor(
          'event AssignIP',
          async () => {
            const { out } = await kubectl(lab, ['get', 'events.events.k8s.io', '-o', 'json'])
            const items = (
              JSON.parse(out) as { items: { reason: string; note?: string; regarding: { name: string } }[] }
            ).items
            const found = items.filter(({ reason, regarding }) => reason === 'AssignIP' && regarding.name === 'plain')
            return found.length > 0 ? found : undefined
          },
          { timeoutMs: 20_000 },
        )
        expect(events.length === 1, `${events.length} events AssignIP`)
        return `${address}: ${events[0]?.note ?? ''}`
      } finally {
        await remove(lab, 'service', 'plain')
      }
    },
  },
  {
    name: 'ADM-02 a dry run answers with an address and leaves no EipAllocation',
    async run(lab) {
      const made = await create(lab, serviceObject({ name: 'dry' }), '--dry-run=server')
      const address = addressIn(made)
      expect(address !== '', 'the answer has no address')
      expect((await getOrUndefined(lab, allocationPath(address))) === undefined, `EipAllocation ${address} was left`)
      return address
    },
  },
  {
    name: 'ADM-03 generateName: address in the answer, the record bound to the final name',
    async run(lab) {
      const object = serviceObject({ name: 'x' }) as { metadata: Record<string, unknown> }
      const { name: _, ...metadata } = object.metadata
      const made = await create(lab, { ...object, metadata: { ...metadata, generateName: 'gen-' } })
      const address = addressIn(made)
      try {
        expect(address !== '', 'the answer has no address')
        await waitFor(`EipAllocation ${address} names ${made.metadata.name}`, async () => {
          const record = (await getOrUndefined(lab, allocationPath(address))) as
            { spec: { services: { name?: string }[] } } | undefined
          return record?.spec.services[0]?.name === made.metadata.name
        })
        return `${made.metadata.name} has ${address}`
      } finally {
        await remove(lab, 'service', made.metadata.name)
      }
    },
  },
  {
    name: 'ADM-07 a ClusterIP Service with all annotations and a Service of a foreign class stay untouched',
    async run(lab) {
      const annotations = { ...optIn, [poolKey]: samplePool }
      const clusterIp = serviceObject({ name: 'internal', annotations, spec: { type: 'ClusterIP' } })
      const foreign = serviceObject({ name: 'foreign', annotations, spec: { loadBalancerClass: 'example.com/other' } })
      try {
        for (const object of [clusterIp, foreign]) {
          const made = await create(lab, object)
          expect(addressIn(made) === '', `${made.metadata.name} got ${addressIn(made)}`)
        }
        // Whatever would be done to them would be done before this later Service has its address.
        await create(lab, serviceObject({ name: 'later' }))
        await waitForIngress(lab, 'later')
        for (const name of ['internal', 'foreign']) {
          const service = await getService(lab, name)
          expect(ingressOf(service).length === 0, `${name} has an address`)
          expect(Object.keys(service.metadata.labels ?? {}).length === 0, `${name} has labels`)
        }
        return 'no address, no label, no claim'
      } finally {
        await remove(lab, 'service', 'internal', 'foreign', 'later')
      }
    },
  },
  {
    name: 'ADM-10 a Service copied with its address annotation and claim gets its own address',
    async run(lab) {
      const original = await create(lab, serviceObject({ name: 'original' }))
      try {
        const annotations = original.metadata.annotations ?? {}
        const copy = await create(lab, serviceObject({ name: 'copy', annotations }))
        expect(addressIn(copy) !== '' && addressIn(copy) !== addressIn(original), `the copy got ${addressIn(copy)}`)
        return `${addressIn(original)} and ${addressIn(copy)}`
      } finally {
        await remove(lab, 'service', 'original', 'copy')
      }
    },
  },
  {
    name: 'ADM-14 kubectl replace with the original manifest: label and claim stay, no route changes',
    async run(lab) {
      const object = serviceObject({ name: 'replaced' })
      const made = await create(lab, object)
      const address = addressIn(made)
      try {
        await waitFor('its route', async () => (await lab.leafNextHops('leaf2', address)).length > 0)
        // The last write of the controller: one between kubectl's own read and write would be a conflict.
        await waitForCondition(lab, 'replaced', 'True', { type: 'Advertised' })
        const before = await lab.router('leaf2', [`show bgp ipv4 unicast ${address}/32 json`])
        const { ok, said } = await kubectl(lab, ['replace', '-f', '-'], object)
        expect(ok, said)
        const service = await getService(lab, 'replaced')
        expect(service.metadata.labels?.[poolKey] === samplePool, 'the label is gone')
        const claim = service.metadata.annotations?.['bellhop.dev/claim']
        expect(claim !== undefined && claim === made.metadata.annotations?.['bellhop.dev/claim'], 'the claim is gone')
        const after = await lab.router('leaf2', [`show bgp ipv4 unicast ${address}/32 json`])
        const version = (text: string): unknown => (JSON.parse(text) as { version?: number }).version
        expect(version(before) === version(after), 'the route was touched')
        expect(ingressOf(await getService(lab, 'replaced'))[0] === address, 'the address changed')
        return `${address} throughout`
      } finally {
        await remove(lab, 'service', 'replaced')
      }
    },
  },
  {
    name: 'IPAM-03 IPAM-04 loadBalancerIP X: exactly X; annotation Y beside it: Y',
    run: (lab) =>
      onStage(lab, { eips: { named: { address: '172.22.9.0/28' } }, services: ['by-ip', 'by-both'] }, async () => {
        await create(lab, serviceObject({ name: 'by-ip', spec: { loadBalancerIP: '172.22.9.3' } }))
        const annotations = { [addressKey]: '172.22.9.4' }
        await create(lab, serviceObject({ name: 'by-both', annotations, spec: { loadBalancerIP: '172.22.9.5' } }))
        const one = await waitForIngress(lab, 'by-ip', ['172.22.9.3'])
        expect(addressIn(one) === '172.22.9.3', `by-ip is annotated with ${addressIn(one)}`)
        expect(one.metadata.labels?.[poolKey] === 'named', `by-ip has the label of ${one.metadata.labels?.[poolKey]}`)
        await waitForIngress(lab, 'by-both', ['172.22.9.4'])
        return '172.22.9.3, 172.22.9.4'
      }),
  },
  {
    name: 'IPAM-19 type ClusterIP: released, status empty, label gone, record deleted; back: assigned',
    async run(lab) {
      const made = await create(lab, serviceObject({ name: 'turning' }))
      const address = addressIn(made)
      try {
        await waitForIngress(lab, 'turning')
        const turn = (type: string): Promise<unknown> =>
          kubectl(lab, ['patch', 'service', 'turning', '-p', JSON.stringify({ spec: { type } })])
        await turn('ClusterIP')
        await waitForFree(lab, address)
        const released = await waitFor('label gone', async () => {
          const service = await getService(lab, 'turning')
          return service.metadata.labels?.[poolKey] === undefined ? service : undefined
        })
        expect(ingressOf(released).length === 0, 'the status still has an address')
        await turn('LoadBalancer')
        const again = ingressOf(await waitForIngress(lab, 'turning'))[0]
        return `${address}, released, then ${again}`
      } finally {
        await remove(lab, 'service', 'turning')
      }
    },
  },
]

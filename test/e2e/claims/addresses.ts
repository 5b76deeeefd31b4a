// Addresses in the lab: the plain cases of admission and allocation, one claim each.
import { services } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { countWrites, writesBetween } from '../api-writes.ts'
import { type Observation, type Stage, addressIn, observe, onStage } from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  addressKey,
  allocationPath,
  conditionOf,
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
  waitForFree,
  waitForIngress,
} from '../claim.ts'

interface EipJson {
  readonly metadata: { readonly finalizers?: readonly string[] }
  readonly status?: {
    readonly poolSize?: number
    readonly usage?: number
    readonly firstIP?: string
    readonly lastIP?: string
    readonly v4?: boolean
    readonly used?: Readonly<Record<string, string>>
  }
}

async function getEip(lab: Lab, name: string): Promise<EipJson> {
  return (await lab.request('GET', `/apis/network.kubesphere.io/v1alpha2/eips/${name}`)) as EipJson
}

/** Creates Eips, looks at their status, removes them. */
function withEips<T>(
  lab: Lab,
  eips: Stage['eips'],
  look: (status: (name: string) => Promise<NonNullable<EipJson['status']>>) => Promise<T>,
): Promise<T> {
  return onStage(lab, { eips }, () =>
    look((name) =>
      waitFor(`size of Eip ${name}`, async () => {
        const { status } = await getEip(lab, name)
        return status?.poolSize === undefined ? undefined : status
      }),
    ),
  )
}

/** Each time that a verdict on announcements was followed by another one, of any Service; `atFirst` by its name. */
function turnsOfAdvertised({ versions }: Observation, atFirst: ReadonlyMap<string, string>): readonly string[] {
  const last = new Map(atFirst)
  const turns: string[] = []
  for (const { object } of versions) {
    const service = object as unknown as ServiceJson
    const { name } = service.metadata
    const verdict = conditionOf(service, 'Advertised')
    if (verdict === 'none') continue
    const before = last.get(name)
    last.set(name, verdict)
    if (before !== undefined && before !== verdict) turns.push(`${name}: ${before} → ${verdict}`)
  }
  return turns
}

async function verdicts(lab: Lab): Promise<ReadonlyMap<string, string>> {
  const listed = await lab.api.list(services)
  expect(listed.ok, 'Services cannot be listed')
  const all = listed.value.items as unknown as readonly ServiceJson[]
  const known = all.filter((service) => conditionOf(service, 'Advertised') !== 'none')
  return new Map(known.map((service) => [service.metadata.name, conditionOf(service, 'Advertised')]))
}

async function onlySamplesHold(lab: Lab): Promise<void> {
  await waitFor(
    'only the two samples hold addresses',
    async () => (await kubectl(lab, ['get', 'eipa', '-o', 'name'])).out.trim().split('\n').length === 2,
    { timeoutMs: 90_000, everyMs: 300 },
  )
}

export const addresses: readonly Claim[] = [
  {
    name: 'POOL-01 POOL-02 POOL-03 sizes and bounds of a single address, a block with host bits, a range and a /64',
    run: (lab) =>
      withEips(
        lab,
        {
          single: { address: '192.168.70.1' },
          block: { address: '192.168.71.1/24' },
          range: { address: '192.168.72.1-192.168.72.100' },
          large: { address: 'fd00:1::/64' },
        },
        async (status) => {
          const single = await status('single')
          expect(
            single.poolSize === 1 &&
              single.firstIP === '192.168.70.1' &&
              single.lastIP === '192.168.70.1' &&
              single.v4 === true,
            `single: ${JSON.stringify(single)}`,
          )
          expect(single.usage === 0, `usage of single: ${single.usage}`)
          const { metadata } = await getEip(lab, 'single')
          expect((metadata.finalizers ?? []).length === 0, 'it has a finalizer')
          const block = await status('block')
          expect(
            block.poolSize === 256 && block.firstIP === '192.168.71.0' && block.lastIP === '192.168.71.255',
            `block: ${JSON.stringify(block)}`,
          )
          expect((await status('range')).poolSize === 100, 'range is not 100')
          const large = await status('large')
          expect(large.poolSize === 9007199254740991, `large: ${large.poolSize}`)
          return '1, 256, 100, 9007199254740991'
        },
      ),
  },
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
  {
    name: 'OPS-02 200 Services at once, two webhooks: 200 distinct addresses, at most 4 API writes each over their life',
    async run(lab) {
      const names = Array.from({ length: 200 }, (_, each) => `many-${each}`)
      await onlySamplesHold(lab) // what earlier claims left to do is not counted here
      const before = await countWrites(lab)
      const atFirst = await verdicts(lab)
      const seen = await observe(lab, services)
      const startMs = performance.now()
      // Two clients at once, so that both replicas of the webhook answer.
      const halves = [names.slice(0, 100), names.slice(100)].map(async (half) => {
        const list = { apiVersion: 'v1', kind: 'List', items: half.map((name) => serviceObject({ name })) }
        const { ok, out, said } = await kubectl(lab, ['create', '-o', 'json', '-f', '-'], list, 120_000)
        expect(ok, said)
        return JSON.parse(`[${out.replaceAll(/^\}\n\{/gm, '},{')}]`) as ServiceJson[]
      })
      try {
        const made = (await Promise.all(halves)).flat()
        const distinct = new Set(made.map(addressIn))
        expect(distinct.size === 200 && !distinct.has(''), `${distinct.size} distinct addresses`)
        const list = async (): Promise<readonly ServiceJson[]> => {
          const { items } = JSON.parse((await kubectl(lab, ['get', 'services', '-o', 'json'])).out) as {
            items: ServiceJson[]
          }
          return items.filter(({ metadata }) => metadata.name.startsWith('many-'))
        }
        await waitFor(
          'all have their ingress and are advertised',
          async () => {
            const many = await list()
            return many.every(
              (service) =>
                ingressOf(service)[0] === addressIn(service) && conditionOf(service, 'Advertised').startsWith('True'),
            )
          },
          { timeoutMs: 60_000, everyMs: 500 },
        )
        const tookMs = performance.now() - startMs
        await remove(lab, 'service', ...names)
        await onlySamplesHold(lab)
        const after = await countWrites(lab)
        // Where a speaker or an endpoint was away for a while, that is told: a write more, of which few are borne with.
        const turns = turnsOfAdvertised(seen, atFirst)
        const writes = (after.done - before.done - 2 * names.length - turns.length) / names.length
        const told = `${turns.length} verdicts turned: ${turns.join('; ')}`
        expect(writes <= 4, `${writes.toFixed(2)} writes a Service: ${writesBetween(before, after)}; ${told}`)
        expect(turns.length <= names.length / 50, told)
        const refused = `${after.refused - before.refused} refused`
        return `200 in ${(tookMs / 1000).toFixed(1)} s, ${writes.toFixed(2)} writes a Service, ${refused}`
      } finally {
        seen.stop()
        await remove(lab, 'service', ...names)
      }
    },
  },
  {
    name: 'all addresses of the 200 are free again, nothing is left',
    async run(lab) {
      const startMs = performance.now()
      await onlySamplesHold(lab)
      await waitFor('usage of the pool is 2', async () => (await getEip(lab, samplePool)).status?.usage === 2)
      return `after ${((performance.now() - startMs) / 1000).toFixed(1)} s`
    },
  },
]

// Whose pool it is: bindings, priorities, the default, quotas, retention.
import { type Lab, waitFor } from '../../lab/index.ts'
import { eipAllocations } from '../../../src/io/kube/index.ts'
import {
  addressIn,
  changeEip,
  changeService,
  createService,
  deleteService,
  onStage,
  refusalOf,
  waitForUsed,
  withoutWebhook,
} from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  addressKey,
  conditionOf,
  expect,
  getService,
  ingressOf,
  poolKey,
  samplePool,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'

const defaultKey = 'eip.openelb.kubesphere.io/is-default-eip'

/** Waits for an address whose text begins so; resolves with it. */
async function ingressIn(lab: Lab, name: string, namespace: string, start: string): Promise<string> {
  const [address = ''] = ingressOf(await waitForIngress(lab, name, undefined, { namespace }))
  expect(address.startsWith(start), `${namespace}/${name} has ${address}, which does not begin with ${start}`)
  return address
}

/** The sample pool is the default of the lab: taken away meanwhile. */
async function withoutDefault<T>(lab: Lab, show: () => Promise<T>): Promise<T> {
  await changeEip(lab, samplePool, { metadata: { annotations: { [defaultKey]: null } } })
  try {
    return await show()
  } finally {
    await changeEip(lab, samplePool, { metadata: { annotations: { [defaultKey]: 'true' } } })
  }
}

async function servicesIn(lab: Lab, namespace: string): Promise<readonly ServiceJson[]> {
  const { items } = (await lab.request('GET', `/api/v1/namespaces/${namespace}/services`)) as { items: ServiceJson[] }
  return items
}

/** Services whose creation each replica of the webhook has judged, by its metrics. */
async function judgedByReplica(lab: Lab): Promise<readonly number[]> {
  const replicas = lab.pods().filter((run) => run.programName() === 'webhook')
  return Promise.all(
    replicas.map(async (run) => {
      const text = await lab.read('master', `curl -sf --max-time 5 http://${run.address()}:9080/metrics`)
      const counts = text.matchAll(
        /^bellhop_admission_decisions_total\{[^}]*path="[^"]*mutate-service"[^}]*\} (\d+)$/gm,
      )
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
    }),
  )
}

const tenNames = Array.from({ length: 10 }, (_, each) => `quota-${each}`)

export const policy: readonly Claim[] = [
  {
    name: 'IPAM-10 IPAM-12 pools bound by namespaces, namespaceSelector, serviceSelector: used, not by others; default; neither: waits',
    run: (lab) => {
      const [named, labelled, neither] = ['bind-named', 'bind-labelled', 'bind-neither']
      return onStage(
        lab,
        {
          eips: {
            'by-name': { address: '172.23.4.16/30', namespaces: [named] },
            'by-label': { address: '172.23.4.20/30', namespaceSelector: { team: 'blue' } },
            'by-service': { address: '172.23.4.24/30', serviceSelector: { tier: 'edge' } },
            'by-both': {
              address: '172.23.4.28/30',
              priority: -1,
              namespaces: [named],
              serviceSelector: { tier: 'inner' },
            },
          },
          namespaces: { [named]: {}, [labelled]: { team: 'blue' }, [neither]: { team: 'red' } },
        },
        async () => {
          const make = (name: string, namespace: string, labels = {}): Promise<ServiceJson> =>
            createService(lab, { name, namespace, labels })
          await make('plain', named)
          await make('plain', labelled)
          await make('plain', neither)
          await make('edge', neither, { tier: 'edge' })
          await make('inner', named, { tier: 'inner' })
          await make('inner', neither, { tier: 'inner' })
          const seen = [
            await ingressIn(lab, 'plain', named, '172.23.4.1'),
            await ingressIn(lab, 'plain', labelled, '172.23.4.2'),
            await ingressIn(lab, 'edge', neither, '172.23.4.2'),
            await ingressIn(lab, 'inner', named, '172.23.4.'),
            await ingressIn(lab, 'plain', neither, '172.22.0.'),
            await ingressIn(lab, 'inner', neither, '172.22.0.'),
          ]
          const pools = await Promise.all(
            [
              ['plain', named, 'by-name'],
              ['plain', labelled, 'by-label'],
              ['edge', neither, 'by-service'],
              ['inner', named, 'by-both'],
              ['plain', neither, samplePool],
              ['inner', neither, samplePool],
            ].map(async ([name = '', namespace = '', pool]) => {
              const { metadata } = await getService(lab, name, namespace)
              return metadata.labels?.[poolKey] === pool
                ? undefined
                : `${namespace}/${name}: ${JSON.stringify(metadata)}`
            }),
          )
          const wrong = pools.filter((each) => each !== undefined)
          expect(wrong.length === 0, `wrong pools: ${wrong.join('; ')}`)
          return withoutDefault(lab, async () => {
            await make('waiting', neither)
            const said = await waitForCondition(lab, 'waiting', 'False NoDefaultPool', { namespace: neither })
            await make('second', named)
            await ingressIn(lab, 'second', named, '172.23.4.1')
            // A namespace that gets the label is bound from then on.
            await lab.request('PATCH', `/api/v1/namespaces/${neither}`, { metadata: { labels: { team: 'blue' } } })
            const bound = await ingressIn(lab, 'waiting', neither, '172.23.4.2')
            return `${seen.join(', ')}; neither: ${said}; bound later: ${bound}`
          })
        },
      )
    },
  },
  {
    name: 'IPAM-11 two bound pools: priority 1 first; full: 2; of equal priority the first by name',
    run: (lab) => {
      const namespace = 'priorities'
      const bound = { namespaces: [namespace] }
      return onStage(
        lab,
        {
          eips: {
            'a-second': { address: '172.23.4.32', priority: 2, ...bound },
            'c-second': { address: '172.23.4.33', priority: 2, ...bound },
            'z-first': { address: '172.23.4.34', priority: 1, ...bound },
          },
          namespaces: { [namespace]: {} },
        },
        async () => {
          const seen: string[] = []
          for (const name of ['one', 'two', 'three', 'four']) {
            await createService(lab, { name, namespace })
            seen.push(ingressOf(await waitForIngress(lab, name, undefined, { namespace }))[0] ?? '')
          }
          const bounds = seen.slice(0, 3).join(', ')
          expect(bounds === '172.23.4.34, 172.23.4.32, 172.23.4.33', `addresses in order: ${bounds}`)
          expect(seen[3]?.startsWith('172.22.0.') === true, `all full: ${seen[3]}, not one of the default`)
          return seen.join(', ')
        },
      )
    },
  },
  {
    name: 'IPAM-13 a bound pool asked by name or by address from elsewhere: refused; with allowExplicit: true allowed',
    run: (lab) => {
      const [owner, stranger] = ['explicit-owner', 'explicit-stranger']
      return onStage(
        lab,
        {
          eips: { theirs: { address: '172.23.4.36/30', namespaces: [owner] } },
          namespaces: { [owner]: {}, [stranger]: {} },
        },
        async () => {
          const byName = { name: 'by-name', namespace: stranger, annotations: { [poolKey]: 'theirs' } }
          const byAddress = { name: 'by-address', namespace: stranger, annotations: { [addressKey]: '172.23.4.38' } }
          const said = await refusalOf(lab, byName, /Eip theirs is bound to other namespaces/)
          await refusalOf(lab, byAddress, /Eip theirs is bound to other namespaces/)
          // A live Service may not go there either.
          await createService(lab, { name: 'moving', namespace: stranger })
          const moved = await changeService(
            lab,
            'moving',
            { metadata: { annotations: { [poolKey]: 'theirs' } } },
            stranger,
          ).then(
            () => 'accepted',
            (error: unknown) => String(error),
          )
          expect(/Eip theirs is bound/.test(moved), `the edit was ${moved}`)
          await changeEip(lab, 'theirs', { spec: { allowExplicit: true } })
          await waitFor('it is allowed', async () => {
            await createService(lab, byAddress)
            return true
          })
          // After it: by name it is any of the four that are free.
          await createService(lab, byName)
          await ingressIn(lab, 'by-name', stranger, '172.23.4.3')
          await waitForIngress(lab, 'by-address', ['172.23.4.38'], { namespace: stranger })
          return said
        },
      )
    },
  },
  {
    name: 'IPAM-24 maxPerNamespace 2, ten creates at once, two replicas: two created, eight refused, thrice; with the webhook down two assigned',
    run: (lab) => {
      const namespace = 'quotas'
      return onStage(
        lab,
        {
          eips: { quota: { address: '172.23.5.0/26', maxPerNamespace: 2 } },
          namespaces: { [namespace]: {} },
        },
        async () => {
          const annotations = { [poolKey]: 'quota' }
          const round = (): Promise<readonly string[]> =>
            Promise.all(
              tenNames.map((name) =>
                createService(lab, { name, namespace, annotations }).then(addressIn, (error: unknown) => String(error)),
              ),
            )
          const clear = async (): Promise<void> => {
            await lab.request('DELETE', `/api/v1/namespaces/${namespace}/services`)
            await waitForUsed(lab, 'quota', {})
            await waitFor('no record of it is left', async () => {
              const records = await lab.api.list(eipAllocations, { labelSelector: `${poolKey}=quota` })
              return records.ok && records.value.items.length === 0
            })
          }
          const before = await judgedByReplica(lab)
          for (let at = 0; at < 3; at++) {
            const answers = await round()
            const got = answers.filter((answer) => answer.startsWith('172.23.5.'))
            const refused = answers.filter((answer) => /already has 2 addresses of Eip quota/.test(answer))
            expect(
              got.length === 2 && new Set(got).size === 2 && refused.length === 8,
              `round ${at + 1}: ${got.length} created, ${refused.length} refused: ${answers.map((each) => each.slice(-80)).join(' | ')}`,
            )
            await clear()
          }
          const judged = (await judgedByReplica(lab)).map((count, at) => count - (before[at] ?? 0))
          expect(
            judged.length === 2 && judged.every((count) => count > 0),
            `the replicas have judged ${judged.join(' and ')} of the creates`,
          )
          return withoutWebhook(lab, async () => {
            const answers = await round()
            expect(
              answers.every((answer) => answer === ''),
              `with the webhook down: ${answers.join(' | ')}`,
            )
            const waiting = async (): Promise<readonly ServiceJson[]> =>
              (await servicesIn(lab, namespace)).filter((each) =>
                conditionOf(each, 'EipAssigned').startsWith('False QuotaExceeded'),
              )
            await waitFor('eight are told that the quota is reached', async () => (await waiting()).length === 8)
            const services = await servicesIn(lab, namespace)
            const assigned = services.flatMap(ingressOf)
            expect(assigned.length === 2, `assigned: ${assigned.join()}`)
            const [first] = services.filter((each) => ingressOf(each).length > 0)
            await deleteService(lab, first?.metadata.name ?? '', namespace)
            await waitFor('one that waited takes its place', async () => {
              const holders = (await servicesIn(lab, namespace)).filter((each) => ingressOf(each).length > 0)
              expect(holders.length <= 2, `${holders.length} have an address`)
              return holders.length === 2
            })
            const [told] = await waiting()
            return `3 × 2 created, 8 refused, judged ${judged.join(' and ')} by the replicas; without webhook 2 assigned, 8 told ${told === undefined ? '' : conditionOf(told, 'EipAssigned')}`
          })
        },
      )
    },
  },
  {
    name: 'IPAM-25 retainSeconds 300: deleted and made again, the same address; no other Service has it meanwhile',
    run: (lab) => {
      const namespace = 'retaining'
      return onStage(
        lab,
        { eips: { retaining: { address: '172.23.4.40', retainSeconds: 300 } }, namespaces: { [namespace]: {} } },
        async () => {
          const address = '172.23.4.40'
          const annotations = { [poolKey]: 'retaining' }
          await createService(lab, { name: 'returning', namespace, annotations })
          await waitForIngress(lab, 'returning', [address], { namespace })
          await deleteService(lab, 'returning', namespace)
          // By pool, by address, and for a Service of the same name elsewhere: none has it.
          await createService(lab, { name: 'by-pool', namespace, annotations })
          await createService(lab, { name: 'by-address', namespace, annotations: { [addressKey]: address } })
          await waitFor('the record says until when it is retained', async () => {
            const path = `/apis/network.kubesphere.io/v1alpha2/eipallocations/${address}`
            const { status } = (await lab.request('GET', path)) as { status?: { retainedUntil?: string } }
            const leftMs = Date.parse(status?.retainedUntil ?? '') - Date.now()
            return leftMs > 280_000 && leftMs <= 301_000
          })
          const full = await waitForCondition(lab, 'by-pool', 'False PoolFull', { namespace })
          const told = await waitForCondition(lab, 'by-address', 'False AddressRetained', { namespace })
          const again = await createService(lab, { name: 'returning', namespace, annotations })
          expect(addressIn(again) === address, `made again, the answer has ${addressIn(again)}`)
          await waitForIngress(lab, 'returning', [address], { namespace })
          for (const name of ['by-pool', 'by-address']) {
            expect(ingressOf(await getService(lab, name, namespace)).length === 0, `${name} has it`)
          }
          return `${full}; ${told}`
        },
      )
    },
  },
]

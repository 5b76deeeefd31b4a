// How many addresses of a pool a namespace may have, and how long one is kept for a Service that went.
import { eipAllocations } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, createService, deleteService, onStage, waitForUsed, withoutWebhook } from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  addressKey,
  conditionOf,
  expect,
  getService,
  ingressOf,
  poolKey,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'

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

export const quotasAndRetention: readonly Claim[] = [
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
            // Of the two the claim comes first, and tells the eight; the status follows.
            const services = await waitFor('two have an address', async () => {
              const found = await servicesIn(lab, namespace)
              const assigned = found.flatMap(ingressOf)
              expect(assigned.length <= 2, `assigned: ${assigned.join()}`)
              return assigned.length === 2 ? found : undefined
            })
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

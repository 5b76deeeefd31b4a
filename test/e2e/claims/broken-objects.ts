// Broken objects among good ones: what is wrong with one harms no other.
import { waitFor } from '../../lab/index.ts'
import { addressIn, createService, onStage, removeEips, withoutWebhook } from '../address-steps.ts'
import {
  type Claim,
  addressKey,
  conditionOf,
  create,
  eipObject,
  expect,
  getService,
  remove,
  waitForCondition,
} from '../claim.ts'
import { inPool, routeVersion, waitForRoute } from '../pool-steps.ts'

export const brokenObjects: readonly Claim[] = [
  {
    name: 'OPS-04 a broken Service, a broken Eip and two broken peers among good ones: the good ones are served as ever',
    async run(lab) {
      const broken = ['pool-bad-address', 'pool-bad-pool']
      const peer = (name: string, conf: object): object => ({
        ...{ apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'BgpPeer' },
        ...{ metadata: { name }, spec: { conf: { peerAs: 65009, ...conf } } },
      })
      const eips = { 'pool-good': { address: '172.23.3.96/30' } }
      return onStage(lab, { eips, services: ['pool-before', 'pool-after', ...broken] }, async () => {
        const before = addressIn(await createService(lab, inPool('pool-before', 'pool-good')))
        await waitForRoute(lab, before)
        const version = await routeVersion(lab, before)
        const uptimes = async (): Promise<string> =>
          JSON.stringify(Object.entries(await lab.neighbors('leaf1')).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        const sessions = await uptimes()
        try {
          await withoutWebhook(lab, async () => {
            await createService(lab, { name: 'pool-bad-address', annotations: { [addressKey]: '10.0.0.999' } })
            await create(lab, eipObject('pool-overlaps', { address: '172.23.3.96/29' }))
            await createService(lab, inPool('pool-bad-pool', 'pool-overlaps'))
          })
          await create(lab, peer('pool-nobody', { neighborAddress: '192.168.0.99' }))
          const ref = { authPasswordSecretRef: { name: 'pool-missing' } }
          await create(lab, peer('pool-no-secret', { neighborAddress: '192.168.1.99', ...ref }))
          await waitForCondition(lab, 'pool-bad-address', 'False MalformedAddress')
          await waitForCondition(lab, 'pool-bad-pool', 'False PoolOverlap')

          const startMs = performance.now()
          const after = addressIn(await createService(lab, inPool('pool-after', 'pool-good')))
          expect(/^172\.23\.3\.9[6-9]$/.test(after), `pool-after was answered ${after}`)
          await waitForRoute(lab, after)
          const tookMs = performance.now() - startMs
          await waitForCondition(lab, 'pool-after', 'True Advertised', { type: 'Advertised' })
          await waitFor(`${after} answers`, async () => {
            const { status } = await lab.exec('client', `curl -sf --max-time 2 http://${after}/`)
            return status === 0
          })
          expect((await routeVersion(lab, before)) === version, 'the route that was there was touched')
          expect(
            conditionOf(await getService(lab, 'pool-before'), 'EipAssigned').startsWith('True Assigned'),
            'pool-before',
          )
          expect((await uptimes()) === sessions, `sessions were ${sessions}, are ${await uptimes()}`)
          return `${after} at leaf2 after ${tookMs.toFixed(0)} ms, ${before} untouched`
        } finally {
          await remove(lab, 'bgppeer', 'pool-nobody', 'pool-no-secret')
          await remove(lab, 'service', ...broken)
          await removeEips(lab, 'pool-overlaps')
        }
      })
    },
  },
]

// Alerts, by a real Prometheus with the rules of manifests/monitoring: what goes wrong is told, and told no longer when it
// is mended. Addresses 172.23.11.0/31.
import { type Lab, leafNames, waitFor } from '../../lab/index.ts'
import { createService, deleteService, onStage, withoutWebhook } from '../address-steps.ts'
import { type Claim, expect, kubectl, poolKey, remove, waitForCondition, waitForIngress } from '../claim.ts'
import { type Prometheus, withPrometheus } from '../prometheus.ts'
import { addressOf, configureBgp, routesAreBack } from '../route-steps.ts'

const seconds = (startMs: number): string => `${((performance.now() - startMs) / 1000).toFixed(0)} s`

/** leaf1 has a node without a speaker by the guide's labels: that is worth telling, and nothing else is. */
const always = ['BellhopRackNotRedundant']

async function restsAll(prometheus: Prometheus): Promise<void> {
  let seen = ''
  await waitFor(
    'nothing fires while all is well',
    async () => {
      const others = (await prometheus.firing()).filter(({ labels }) => !always.includes(labels['alertname'] ?? ''))
      seen = others.map(({ annotations }) => annotations['summary']).join(' ')
      return others.length === 0
    },
    { timeoutMs: 60_000, everyMs: 300, missing: () => seen },
  )
}

/** What the API server counts of calls of our webhooks that it went on without. */
async function bypasses(lab: Lab): Promise<number> {
  const { out } = await kubectl(lab, ['get', '--raw', '/metrics'])
  const counts = out.matchAll(
    /^apiserver_admission_webhook_fail_open_count\{name="create\.services\.bellhop\.dev".*\} (\d+)$/gm,
  )
  return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0)
}

/** Deletes one route of ours; the speaker puts it back within its resync. */
async function takeRoute(lab: Lab, address: string): Promise<void> {
  await lab.read('worker2', `ip -4 route del local ${address} dev lo table 196 proto 196`)
}

async function pools(lab: Lab, prometheus: Prometheus): Promise<string> {
  const annotations = { [poolKey]: 'alert-pool' }
  const startMs = performance.now()
  for (const name of ['alert-1', 'alert-2']) await createService(lab, { name, annotations })
  const summary = await prometheus.fires('BellhopPoolExhausted', { eip: 'alert-pool', family: 'IPv4' })
  await createService(lab, { name: 'alert-3', annotations })
  await prometheus.fires('BellhopServicesWaiting', { reason: 'PoolFull' })
  await deleteService(lab, 'alert-1')
  await waitForIngress(lab, 'alert-3')
  await prometheus.rests('BellhopServicesWaiting')
  await deleteService(lab, 'alert-2')
  await prometheus.rests('BellhopPoolExhausted', { eip: 'alert-pool' })
  return `“${summary}” and over after ${seconds(startMs)}`
}

export const alerts: readonly Claim[] = [
  {
    name: 'Prometheus scrapes every program; nothing fires while all is well; a pool exhausted, Services that wait, a host route removed: told, and over',
    run: (lab) =>
      onStage(
        lab,
        { eips: { 'alert-pool': { address: '172.23.11.0/31' } }, services: ['alert-1', 'alert-2', 'alert-3'] },
        () =>
          withPrometheus(lab, async (prometheus) => {
            await restsAll(prometheus)
            const scraped = await prometheus.query('count by (job) (up == 1)')
            const jobs = scraped.map(({ labels, value }) => `${labels['job']} ${value}`).toSorted()
            expect(
              jobs.join() === 'bellhop-controller 2,bellhop-speaker 2,bellhop-webhook 2',
              `scraped: ${jobs.join()}`,
            )
            await takeRoute(lab, await addressOf(lab, 'echo'))
            const exhausted = await pools(lab, prometheus)
            const repaired = await prometheus.fires('BellhopHostRoutesRepaired', { node: 'worker2' })
            const timed = await prometheus.query('sum(bellhop_time_to_address_seconds_count)')
            expect((timed[0]?.value ?? 0) >= 2, 'the time to their addresses was measured')
            return `${jobs.join(', ')}; ${exhausted}; “${repaired}”`
          }),
      ),
  },
  {
    name: 'alerts: the routers shut every session: sessions, peers, racks and Services without a way are told, by their names, and over when it is over',
    run: (lab) =>
      withPrometheus(lab, async (prometheus) => {
        const address = await addressOf(lab, 'echo')
        const told: string[] = []
        let mendedMs = 0
        try {
          await Promise.all(leafNames.map((leaf) => configureBgp(lab, leaf, 'neighbor NODES shutdown')))
          told.push(
            await prometheus.fires('BellhopSessionDown', { node: 'worker2', peer: 'leaf2' }),
            await prometheus.fires('BellhopPeerDown', { peer: 'leaf1' }),
            await prometheus.fires('BellhopRackWithoutSpeaker', { rack: 'leaf2' }),
            await prometheus.fires('BellhopServicesUnadvertised', { reason: 'NoSession' }),
          )
          const said = await prometheus.query(
            'bellhop_bgp_notifications_total{direction="received",code="Cease/Administrative Shutdown",peer="leaf2"}',
          )
          expect((said[0]?.value ?? 0) >= 1, 'the NOTIFICATION of leaf2 was not counted')
          mendedMs = performance.now()
        } finally {
          await Promise.all(leafNames.map((leaf) => configureBgp(lab, leaf, 'no neighbor NODES shutdown')))
          await routesAreBack(lab, address)
        }
        for (const alert of ['SessionDown', 'PeerDown', 'RackWithoutSpeaker', 'ServicesUnadvertised'])
          await prometheus.rests(`Bellhop${alert}`)
        await waitForCondition(lab, 'echo', 'True Advertised', { type: 'Advertised', timeoutMs: 60_000 })
        return `${told.join(' ')} Over ${seconds(mendedMs)} after the routers took them again`
      }),
  },
  {
    name: 'alerts: no controller leads, no webhook is ready, the API server goes on without it: told, and over',
    run: (lab) =>
      withPrometheus(lab, async (prometheus) => {
        const before = await bypasses(lab)
        const controller = lab.program('controller')
        const told: string[] = []
        let startMs = 0
        try {
          const stopped = controller.stop()
          await withoutWebhook(lab, async () => {
            await stopped
            await createService(lab, { name: 'alert-bypass' })
            told.push(await prometheus.fires('BellhopNoLeader'), await prometheus.fires('BellhopWebhookDown'))
            const passed = (await bypasses(lab)) - before
            expect(passed > 0, 'the API server counts no call that it went on without')
            startMs = performance.now()
            await controller.start()
          })
        } finally {
          await controller.start()
          await remove(lab, 'service', 'alert-bypass')
        }
        await prometheus.rests('BellhopNoLeader')
        await prometheus.rests('BellhopWebhookDown')
        return `${told.join(' ')} Over ${seconds(startMs)} after they were started`
      }),
  },
]

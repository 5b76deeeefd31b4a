// Something goes: a Service, and its route and address with it; a speaker, and its route until it is back; every webhook,
// and the controller assigns in its stead.
import { waitFor } from '../../lab/index.ts'
import { waitForWebhook } from '../address-steps.ts'
import {
  type Claim,
  addressKey,
  allocationPath,
  create,
  expect,
  getOrUndefined,
  getService,
  ingressOf,
  remove,
  serviceObject,
} from '../claim.ts'
import { addressOf, master, nextHopsBecome, worker1, worker2 } from '../route-steps.ts'

export const departures: readonly Claim[] = [
  {
    name: 'deleting the Service withdraws the route on both leaves and frees the address',
    async run(lab) {
      const made = await create(lab, serviceObject({ name: 'short' }))
      const address = made.metadata.annotations?.[addressKey] ?? ''
      await nextHopsBecome(lab, address, [master, worker1], [worker2])
      const startMs = performance.now()
      await remove(lab, 'service', 'short')
      const withdrawnMs = await nextHopsBecome(lab, address, [], [])
      await waitFor(
        `EipAllocation ${address} is gone`,
        async () => (await getOrUndefined(lab, allocationPath(address))) === undefined,
        {
          timeoutMs: 30_000,
        },
      )
      const freedMs = performance.now() - startMs
      const again = await create(lab, serviceObject({ name: 'again', annotations: { [addressKey]: address } }))
      expect(again.metadata.annotations?.[addressKey] === address, `${address} cannot be had again`)
      await remove(lab, 'service', 'again')
      return `${address} withdrawn after ${withdrawnMs.toFixed(0)} ms, free after ${freedMs.toFixed(0)} ms, had again`
    },
  },
  {
    name: 'a speaker killed and started again: the route is back',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      const speaker = lab.program('speaker', 'worker2')
      await speaker.stop('SIGKILL')
      try {
        await nextHopsBecome(lab, address, [master, worker1], [])
      } finally {
        await speaker.start()
      }
      const startMs = performance.now()
      await nextHopsBecome(lab, address, [master, worker1], [worker2], 30_000)
      return `route gone with the session, back ${(performance.now() - startMs).toFixed(0)} ms after the start`
    },
  },
  {
    name: 'ADM-08 all webhook replicas stopped: a new Service gets its address from the controller within 5 s',
    async run(lab) {
      const webhook = lab.program('webhook')
      await webhook.stop()
      try {
        const startMs = performance.now()
        const made = await create(lab, serviceObject({ name: 'unaided' }))
        expect(made.metadata.annotations?.[addressKey] === undefined, 'a webhook still answered')
        const address = await waitFor(
          'an address from the controller',
          async () => ingressOf(await getService(lab, 'unaided'))[0],
          {
            timeoutMs: 5_000,
          },
        )
        const tookMs = performance.now() - startMs
        await nextHopsBecome(lab, address, [master, worker1], [worker2])
        return `${address} after ${tookMs.toFixed(0)} ms`
      } finally {
        await webhook.start()
        await remove(lab, 'service', 'unaided')
        await waitForWebhook(lab)
      }
    },
  },
]

// What kubectl shows. Addresses 172.23.10.0/29.
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, createService, onStage } from '../address-steps.ts'
import { type Claim, conditionOf, expect, getService, kubectl, poolKey, waitForCondition } from '../claim.ts'
import { sendRequests } from '../client.ts'
import { nextHopsBecome, worker2 } from '../route-steps.ts'

const slicesPath = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'

/** Address of a ready Pod of the sample on that node. */
async function podOn(lab: Lab, node: string): Promise<string> {
  interface Slice {
    readonly addressType: string
    readonly endpoints?: readonly { readonly addresses: readonly string[]; readonly nodeName?: string }[]
  }
  return waitFor(`a Pod of Service echo on ${node}`, async () => {
    const query = '?labelSelector=kubernetes.io%2Fservice-name%3Decho'
    const { items } = (await lab.request('GET', slicesPath + query)) as { readonly items: readonly Slice[] }
    const endpoints = items.flatMap(({ addressType, endpoints = [] }) => (addressType === 'IPv4' ? endpoints : []))
    return endpoints.find(({ nodeName }) => nodeName === node)?.addresses[0]
  })
}

export const visible: readonly Claim[] = [
  {
    name: 'kubectl get eip,eipa,speakers,racks,bgppeers,bgpconfs prints useful columns; conditions say Assigned and Advertised',
    async run(lab) {
      const columns: Readonly<Record<string, RegExp>> = {
        eip: /NAME +CIDR +USAGE +TOTAL +FREE +AGE\n.*172\.22\.0\.0\/24 +\d+ +256 +\d+/,
        eipa: /NAME +EIP +SERVICE/,
        speakers: /NAME +RACK +PEERS +UP +PREFIXES +ROUTES +AGE\nmaster +leaf1 +1 +1 +\d+ +\d+/,
        racks: /NAME +SPEAKERS +UP +PROXIED +AGE\nleaf1 +1 +1 +1 +.*\nleaf2 +1 +1 +0/,
        bgppeers: /leaf1 +192\.168\.0\.2 +50001 +1\/1/,
        bgpconfs: /default +50000 +2/,
      }
      for (const [kind, pattern] of Object.entries(columns)) {
        let out = ''
        await waitFor(
          `kubectl get ${kind} prints ${pattern.source}`,
          async () => {
            out = (await kubectl(lab, ['get', kind])).out
            return pattern.test(out)
          },
          { missing: () => out },
        )
      }
      const service = await getService(lab, 'echo')
      expect(conditionOf(service, 'EipAssigned').startsWith('True Assigned'), conditionOf(service, 'EipAssigned'))
      await waitFor(
        'echo is advertised',
        async () => conditionOf(await getService(lab, 'echo'), 'Advertised').startsWith('True Advertised'),
        { timeoutMs: 30_000 },
      )
      return conditionOf(await getService(lab, 'echo'), 'Advertised')
    },
  },
  {
    name: 'a Service without selector, its EndpointSlice made by hand: announced, answering, and Advertised says so; emptied: neither',
    run: (lab) =>
      onStage(lab, { eips: { handmade: { address: '172.23.10.0/29' } }, services: ['handmade'] }, async () => {
        const slice = `${slicesPath}/handmade-1`
        const annotations = { [poolKey]: 'handmade' }
        const spec = { selector: null, externalTrafficPolicy: 'Local' }
        const address = addressIn(await createService(lab, { name: 'handmade', annotations, spec }))
        const endpoints = [
          { addresses: [await podOn(lab, 'worker2')], nodeName: 'worker2', conditions: { ready: true } },
        ]
        try {
          await lab.request('POST', slicesPath, {
            metadata: { name: 'handmade-1', labels: { 'kubernetes.io/service-name': 'handmade' } },
            addressType: 'IPv4',
            ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
            endpoints,
          })
          const routedMs = await nextHopsBecome(lab, address, [], [worker2], 30_000)
          const startMs = performance.now()
          await waitForCondition(lab, 'handmade', 'True Advertised', { type: 'Advertised', timeoutMs: 60_000 })
          const saidMs = performance.now() - startMs
          // The spine and kube-proxy follow in their own time.
          await waitFor(
            'a request is answered',
            async () => (await sendRequests(lab, address, { count: 1 })).good === 1,
            {
              timeoutMs: 60_000,
            },
          )
          const { good, failed, errors } = await sendRequests(lab, address, { count: 10, parallel: 2 })
          expect(good === 10, `${good} good, ${failed} failed: ${errors.join('; ')}`)
          await lab.request('PATCH', slice, { endpoints: [] })
          await nextHopsBecome(lab, address, [], [], 30_000)
          await waitForCondition(lab, 'handmade', 'False NoReadyEndpoint', { type: 'Advertised', timeoutMs: 60_000 })
          return `routed after ${routedMs.toFixed(0)} ms, Advertised ${saidMs.toFixed(0)} ms later, 10 requests answered`
        } finally {
          await lab.request('DELETE', slice).catch(() => undefined)
        }
      }),
  },
]

// Which address a Service gets: by protocol, by pools asked for, past what is disabled, full or not to be handed out.
import { changeEip, createService, onStage, refusalOf, warningOf } from '../address-steps.ts'
import {
  type Claim,
  addressKey,
  conditionOf,
  expect,
  getService,
  ingressOf,
  poolKey,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'

export const choosing: readonly Claim[] = [
  {
    name: 'the plain rules of choice: protocol, .0 and .255, disabled, two pools asked, PreferDualStack with one family to be had',
    run: (lab) => {
      const namespace = 'choosing'
      return onStage(
        lab,
        {
          eips: {
            'of-bgp': { address: '172.23.4.96/30', namespaces: [namespace] },
            'of-layer2': { address: '172.23.4.100/30', protocol: 'layer2', interface: 'eth0', namespaces: [namespace] },
            edge: { address: '172.23.4.254-172.23.5.1', avoidBuggyIPs: true },
            closed: { address: '172.23.4.104', disable: true },
            tiny: { address: '172.23.4.105' },
            wide: { address: '172.23.4.112/30' },
          },
          namespaces: { [namespace]: {} },
        },
        async () => {
          const protocolKey = 'protocol.openelb.kubesphere.io/v1alpha1'
          const make = (name: string, annotations: Record<string, string>, spec = {}): Promise<unknown> =>
            createService(lab, { name, namespace, annotations, spec })
          const addressOf = async (name: string): Promise<string> =>
            ingressOf(await waitForIngress(lab, name, undefined, { namespace }))[0] ?? ''

          await make('layer2', { [protocolKey]: 'layer2' })
          await make('bgp', { [protocolKey]: 'bgp' })
          const layer2 = await addressOf('layer2')
          const bgp = await addressOf('bgp')
          expect(/\.10[0-3]$/.test(layer2) && /\.9[6-9]$/.test(bgp), `layer2 has ${layer2}, bgp has ${bgp}`)
          const against = { name: 'against', namespace, annotations: { [protocolKey]: 'layer2', [poolKey]: 'wide' } }
          await refusalOf(lab, against, /protocol layer2, but Eip wide has protocol bgp/)

          for (const name of ['edge-1', 'edge-2']) await make(name, { [poolKey]: 'edge' })
          const edges = [await addressOf('edge-1'), await addressOf('edge-2')].toSorted().join()
          expect(edges === '172.23.4.254,172.23.5.1', `of the pool over .255 and .0 there were handed out ${edges}`)
          await make('edge-3', { [poolKey]: 'edge' })
          await waitForCondition(lab, 'edge-3', 'False PoolFull', { namespace })
          const buggy = { name: 'buggy', namespace, annotations: { [addressKey]: '172.23.4.255' } }
          await refusalOf(lab, buggy, /172\.23\.4\.255 ends in \.0 or \.255/)

          const shape = { name: 'patient', namespace, annotations: { [poolKey]: 'closed' } }
          const warning = await warningOf(lab, shape, /disabled/)
          await waitForCondition(lab, 'patient', 'False PoolDisabled', { namespace })
          await changeEip(lab, 'closed', { spec: { disable: false } })
          await waitForIngress(lab, 'patient', ['172.23.4.104'], { namespace })
          await changeEip(lab, 'closed', { spec: { disable: true } })

          await make('both-1', { [poolKey]: 'tiny,wide' })
          await waitForIngress(lab, 'both-1', ['172.23.4.105'], { namespace })
          await make('both-2', { [poolKey]: 'tiny,wide' })
          const second = await addressOf('both-2')
          expect(/\.11[2-5]$/.test(second), `of "tiny,wide", tiny full, it has ${second}`)
          const [one] = ingressOf(await getService(lab, 'both-1', namespace))
          expect(one === '172.23.4.105', `both-1 has ${one}`)

          const dual = { name: 'dual', namespace, annotations: { [poolKey]: 'wide' } }
          const lacking = await warningOf(lab, { ...dual, spec: { ipFamilyPolicy: 'PreferDualStack' } }, /IPv6/)
          expect(/\.11[2-5]$/.test(await addressOf('dual')), 'no address of the one family')
          expect(
            conditionOf(await getService(lab, 'patient', namespace), 'EipAssigned').startsWith('True'),
            'an address of a pool that was disabled again is not kept',
          )
          return `${layer2}, ${bgp}; ${edges}; ${warning}; ${lacking}`
        },
      )
    },
  },
]

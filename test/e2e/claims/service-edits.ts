// Edits of a Service that has an address, in OpenELB's spelling of the keys or in Porter's: what is asked for and can be had
// is done; what cannot be had is warned of, and the address kept; what contradicts itself is refused.
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, changeService, createService, onStage, refusalOf } from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  addressKey,
  expect,
  getService,
  ingressOf,
  kubectl,
  nodeNextHops,
  optInKey,
  poolKey,
  protocolKey,
  waitForCondition,
  waitForFree,
  waitForIngress,
} from '../claim.ts'
import { asksFor, elsewhere } from './admission.ts'

const porter = {
  address: 'eip.porter.kubesphere.io/v1alpha1',
  pool: 'eip.porter.kubesphere.io/v1alpha2',
  protocol: 'protocol.porter.kubesphere.io/v1alpha1',
} as const

const annotate = (lab: Lab, name: string, ...words: readonly string[]): ReturnType<typeof kubectl> =>
  kubectl(lab, ['annotate', 'service', name, '--overwrite', ...words])

export const serviceEdits: readonly Claim[] = [
  {
    name: 'ADM-11 an update to a taken address: a warning, the old one kept and announced, condition; one that contradicts itself: refused',
    run: (lab) => {
      const eips = { 'adm-live': { address: '172.23.3.40/30' }, 'adm-far': { address: '172.23.3.44/30' } }
      const stage = { eips, namespaces: { [elsewhere]: {} }, services: ['adm-editor'] }
      return onStage(lab, stage, async () => {
        const old = '172.23.3.41'
        await createService(lab, { name: 'holder', namespace: elsewhere, annotations: { [addressKey]: '172.23.3.42' } })
        await createService(lab, asksFor('adm-editor', { [addressKey]: old, [poolKey]: 'adm-live' }))
        await waitForIngress(lab, 'adm-editor', [old])
        await waitForIngress(lab, 'holder', ['172.23.3.42'], { namespace: elsewhere })
        await waitFor('its route', async () => (await nodeNextHops(lab, 'leaf2', old)).length > 0)

        const warned = await annotate(lab, 'adm-editor', `${addressKey}=172.23.3.42`)
        expect(warned.ok, `it was refused: ${warned.said}`)
        expect(/Warning: 172\.23\.3\.42 is held by another Service; ask for/.test(warned.said), warned.said)
        await waitForCondition(lab, 'adm-editor', 'True KeptAddress: 172.23.3.41 is kept: 172.23.3.42 is held by')
        expect(ingressOf(await getService(lab, 'adm-editor')).join() === old, 'the old address is not kept')
        expect((await nodeNextHops(lab, 'leaf2', old)).length > 0, 'the old address is not announced')
        await annotate(lab, 'adm-editor', `${addressKey}=${old}`)
        await waitForCondition(lab, 'adm-editor', 'True Assigned')

        const contradictions: readonly (readonly [readonly string[], RegExp])[] = [
          [[`${addressKey}=172.23.3.45`], /172\.23\.3\.45 is not in Eip adm-live.*; ask for/],
          [[`${addressKey}=172.23.3.999`], /"172\.23\.3\.999", which is no IP address; write/],
          [[`${protocolKey}=layer2`], /protocol layer2, but Eip adm-live has protocol bgp; drop/],
          [[`${poolKey}=adm-far`, `${addressKey}=172.23.3.43`], /172\.23\.3\.43 is not in Eip adm-far/],
        ]
        for (const [words, sentence] of contradictions) {
          const { ok, said } = await annotate(lab, 'adm-editor', ...words)
          expect(!ok && sentence.test(said), `${words.join(' ')}: ${ok ? 'accepted' : said}`)
        }
        expect(ingressOf(await getService(lab, 'adm-editor')).join() === old, 'a refused edit moved it')
        return `${old} throughout; ${contradictions.length} refused`
      })
    },
  },
  {
    name: "ADM-12 opt-in porter and every key in Porter's spelling work, also edited later; both spellings with different values: openelb wins",
    run: (lab) => {
      const eips = {
        'adm-porter': { address: '172.23.3.48/30' },
        'adm-openelb': { address: '172.23.3.52/30' },
        'adm-third': { address: '172.23.3.56/30' },
      }
      const names = ['adm-old', 'adm-old-pool', 'adm-both', 'adm-both-pools']
      const make = (name: string, annotations: Record<string, string>): Promise<ServiceJson> =>
        createService(lab, { name, annotations: { [optInKey]: 'porter', ...annotations } })
      return onStage(lab, { eips, services: names }, async () => {
        const old = await make('adm-old', { [porter.address]: '172.23.3.49', [porter.protocol]: 'bgp' })
        expect(addressIn(old) === '172.23.3.49', `adm-old was answered ${addressIn(old)}`)
        expect(old.metadata.annotations?.[optInKey] === 'porter', 'the opt-in was rewritten')
        const oldPool = await make('adm-old-pool', { [porter.pool]: 'adm-porter' })
        expect(oldPool.metadata.labels?.[poolKey] === 'adm-porter', 'the pool asked for was not taken')
        const against = { [porter.pool]: 'adm-porter', [porter.protocol]: 'layer2' }
        await refusalOf(lab, { name: 'adm-against', annotations: against }, /protocol layer2/)
        const marked = await kubectl(lab, [
          'annotate',
          'eip',
          'adm-porter',
          'eip.porter.kubesphere.io/is-default-eip=true',
        ])
        expect(!marked.ok && /already exists a default EIP/.test(marked.said), `is-default-eip: ${marked.said}`)

        // Both spellings.
        const both = await make('adm-both', {
          [addressKey]: '172.23.3.53',
          [porter.address]: '172.23.3.50',
          [protocolKey]: 'bgp',
          [porter.protocol]: 'layer2',
        })
        expect(addressIn(both) === '172.23.3.53', `adm-both was answered ${addressIn(both)}`)
        const pools = await make('adm-both-pools', { [poolKey]: 'adm-openelb', [porter.pool]: 'adm-porter' })
        expect(pools.metadata.labels?.[poolKey] === 'adm-openelb', `the pool is ${pools.metadata.labels?.[poolKey]}`)
        await waitForIngress(lab, 'adm-both', ['172.23.3.53'])
        await waitForIngress(lab, 'adm-both-pools', [addressIn(pools)])
        await waitForIngress(lab, 'adm-old', ['172.23.3.49'])

        // What Bellhop wrote beside it is no request: the user's edit counts.
        const edited = await annotate(lab, 'adm-old', `${porter.address}=172.23.3.57`)
        expect(edited.ok, edited.said)
        await waitForIngress(lab, 'adm-old', ['172.23.3.57'])
        const moved = await annotate(lab, 'adm-old-pool', `${porter.pool}=adm-openelb`)
        expect(moved.ok, moved.said)
        const settled = await waitFor('adm-old-pool has moved to Eip adm-openelb', async () => {
          const service = await getService(lab, 'adm-old-pool')
          const [ip = ''] = ingressOf(service)
          return /^172\.23\.3\.5[2-5]$/.test(ip) ? ip : undefined
        })
        await waitForFree(lab, '172.23.3.49')
        expect(ingressOf(await getService(lab, 'adm-both')).join() === '172.23.3.53', 'adm-both was drawn away')
        return `172.23.3.49 → .57 and ${addressIn(oldPool)} → ${settled} by edits; openelb won thrice`
      })
    },
  },
  {
    name: 'maxPerNamespace of 1: its Service moves within the Eip, a second one is refused, before and after',
    run: (lab) => {
      const eips = { 'adm-quota': { address: '172.23.3.60/30', maxPerNamespace: 1 } }
      return onStage(lab, { eips, services: ['adm-mover'] }, async () => {
        await createService(lab, asksFor('adm-mover', { [addressKey]: '172.23.3.61' }))
        await waitForIngress(lab, 'adm-mover', ['172.23.3.61'])
        const second = asksFor('adm-second', { [poolKey]: 'adm-quota' })
        const sentence = /namespace default already has 1 address of Eip adm-quota/
        await refusalOf(lab, second, sentence)
        await changeService(lab, 'adm-mover', { metadata: { annotations: { [addressKey]: '172.23.3.62' } } })
        await waitForIngress(lab, 'adm-mover', ['172.23.3.62'])
        await refusalOf(lab, second, sentence)
        await waitForFree(lab, '172.23.3.61')
        return '172.23.3.61 → 172.23.3.62'
      })
    },
  },
]

// Kinds in two versions, v1alpha1 beside v1alpha2: nothing lost between them, the one judged as the other
// (openelb-api.md 1.1).
import { isDeepStrictEqual } from 'node:util'
import { objectAt, stringAt } from '../../../src/core/model/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { onStage } from '../address-steps.ts'
import { type Claim, create, expect, kubectl, poolKey, remove, serviceObject, waitForIngress } from '../claim.ts'
import { type Fields, type Kind, group, object, pathOf, plurals, read, router } from '../version-steps.ts'

const kinds = Object.keys(plurals) as readonly Kind[]

function same(what: string, seen: unknown, wanted: unknown): void {
  expect(isDeepStrictEqual(seen, wanted), `${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`)
}

/** The webhook writes its bundle into the definitions; without it no version is converted. */
async function waitForConversion(lab: Lab): Promise<void> {
  for (const kind of kinds) {
    await waitFor(`the CA bundle is in the definition of ${kind}`, async () => {
      const definition = await lab.request(
        'GET',
        `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plurals[kind]}.${group}`,
      )
      return stringAt(definition, 'spec', 'conversion', 'webhook', 'clientConfig', 'caBundle')
    })
    await waitFor(`${kind} is served as v1alpha1`, () => lab.request('GET', `/apis/${group}/v1alpha1/${plurals[kind]}`))
  }
}

interface Journey {
  readonly kind: Kind
  /** As it is written, in v1alpha1. */
  readonly written: Fields
  /** What v1alpha2 says of it. */
  readonly stored: Fields
  /** Then made in v1alpha2. */
  readonly edit: Fields
  /** What v1alpha1 says of that. */
  readonly edited: Fields
  /** Then made in v1alpha1: seen in v1alpha2, beside everything that was there. */
  readonly lastEdit: Fields
  readonly last: Fields
}

const family = (sendMax: number): Fields => ({
  config: { family: { afi: 'AFI_IP', safi: 'SAFI_UNICAST' }, enabled: true },
  addPaths: { config: { sendMax } },
})

const journeys: readonly Journey[] = [
  {
    kind: 'Eip',
    written: { address: '172.23.1.0/28', protocol: 'bgp', disable: true, usingKnownIPs: true },
    stored: { address: '172.23.1.0/28', protocol: 'bgp', disable: true, usingKnownIPs: true },
    edit: { address: '172.23.1.0/27', excludes: ['172.23.1.3'], priority: 5, bgp: { communities: ['65000:1'] } },
    edited: { address: '172.23.1.0/27', protocol: 'bgp', disable: true, usingKnownIPs: true },
    lastEdit: { disable: false },
    last: {
      ...{ address: '172.23.1.0/27', protocol: 'bgp', disable: false, usingKnownIPs: true },
      ...{ excludes: ['172.23.1.3'], priority: 5, bgp: { communities: ['65000:1'] } },
    },
  },
  {
    kind: 'BgpConf',
    written: { as: 4200000001, routerID: '172.23.1.251', port: 17900 },
    stored: { as: 4200000001, routerId: '172.23.1.251', listenPort: 17900 },
    edit: { listenPort: 1790, asPerRack: { leaf1: 65001 } },
    edited: { as: 4200000001, routerID: '172.23.1.251', port: 1790 },
    lastEdit: { routerID: '172.23.1.252' },
    last: { as: 4200000001, routerId: '172.23.1.252', listenPort: 1790, asPerRack: { leaf1: 65001 } },
  },
  {
    kind: 'BgpPeer',
    written: {
      config: router,
      addPaths: { sendMax: 4 },
      transport: { passiveMode: true, remotePort: 1790 },
      usingPortForward: true,
    },
    stored: {
      conf: router,
      afiSafis: [{ addPaths: { config: { sendMax: 4 } } }],
      transport: { passiveMode: true, remotePort: 1790 },
    },
    edit: {
      conf: { ...router, adminDown: true, description: 'a leaf' },
      afiSafis: [family(6)],
      timers: { config: { holdTime: '9' } },
      nodeSelector: { matchLabels: { rack: 'leaf1' } },
    },
    edited: {
      config: router,
      addPaths: { sendMax: 6 },
      transport: { passiveMode: true, remotePort: 1790 },
      usingPortForward: true,
    },
    lastEdit: { addPaths: { sendMax: 8 } },
    last: {
      conf: { ...router, adminDown: true, description: 'a leaf' },
      afiSafis: [family(8)],
      timers: { config: { holdTime: '9' } },
      nodeSelector: { matchLabels: { rack: 'leaf1' } },
      transport: { passiveMode: true, remotePort: 1790 },
    },
  },
]

const name = 'conv-old'

async function travel(lab: Lab, { kind, written, stored, edit, edited, lastEdit, last }: Journey): Promise<void> {
  const specOf = async (version: string): Promise<unknown> => (await read(lab, kind, version, name))['spec']
  const made = await kubectl(lab, ['create', '-f', '-'], object('v1alpha1', kind, name, written))
  expect(made.ok, `${kind} v1alpha1 was refused: ${made.said}`)
  same(`${kind} read as it was written`, await specOf('v1alpha1'), written)
  same(`${kind} read as v1alpha2`, await specOf('v1alpha2'), stored)
  await lab.request('PATCH', pathOf(kind, 'v1alpha2', name), { spec: edit })
  same(`${kind} read as v1alpha1 after an edit in v1alpha2`, await specOf('v1alpha1'), edited)
  // Written back as it was read, as clients do that know no patches; a status that changes meanwhile is a conflict.
  const whole = await waitFor(`${kind} is written back through v1alpha1`, async () => {
    const before = await read(lab, kind, 'v1alpha2', name)
    await lab.request('PUT', pathOf(kind, 'v1alpha1', name), await read(lab, kind, 'v1alpha1', name))
    const after = await read(lab, kind, 'v1alpha2', name)
    return { before, after }
  })
  for (const part of ['spec', 'status']) {
    same(`${part} of ${kind} after it was written back unchanged`, whole.after[part], whole.before[part])
  }
  same(
    `generation of ${kind} after it was written back unchanged`,
    objectAt(whole.after, 'metadata')['generation'],
    objectAt(whole.before, 'metadata')['generation'],
  )
  await lab.request('PATCH', pathOf(kind, 'v1alpha1', name), { spec: lastEdit })
  same(`${kind} read as v1alpha2 after an edit in v1alpha1`, await specOf('v1alpha2'), last)
}

export const versions: readonly Claim[] = [
  {
    name: 'POOL-12 Eip, BgpConf and BgpPeer written as v1alpha1, edited as v1alpha2, read, written back and edited as v1alpha1: nothing lost',
    async run(lab) {
      await waitForConversion(lab)
      const startMs = performance.now()
      try {
        for (const journey of journeys) await travel(lab, journey)
        const { out } = await kubectl(lab, ['get', `eips.v1alpha1.${group}`, name])
        expect(/^NAME +CIDR +USAGE +TOTAL\s*\n/.test(out), `the columns of v1alpha1 are ${out}`)
        return `3 kinds there and back in ${(performance.now() - startMs).toFixed(0)} ms`
      } finally {
        for (const kind of kinds) await remove(lab, plurals[kind], name)
      }
    },
  },
  {
    name: 'an object written as v1alpha1 is judged as any other: by its schema, by the webhook, and its deletion',
    async run(lab) {
      await waitForConversion(lab)
      return onStage(
        lab,
        { eips: { 'conv-judged': { address: '172.23.1.32/30' } }, services: ['conv-judged'] },
        async () => {
          const refusals: readonly (readonly [Kind, Fields, RegExp])[] = [
            ['Eip', { address: '172.23.1.34' }, /eip address overlap with conv-judged/],
            ['Eip', { address: 'xxxx' }, /invalid eip address format/],
            ['Eip', { address: '172.23.1.40', protocol: 'vip' }, /interface should not be empty/],
            ['BgpConf', { as: 1, routerID: 'x', port: 179 }, /spec\.routerID "x" is not an IPv4 address/],
            ['BgpPeer', { config: { peerAs: 65001 } }, /set spec\.config\.neighborAddress/],
          ]
          for (const [kind, spec, sentence] of refusals) {
            const { ok, said } = await kubectl(lab, ['create', '-f', '-'], object('v1alpha1', kind, 'conv-bad', spec))
            if (ok) await remove(lab, plurals[kind], 'conv-bad')
            expect(!ok && sentence.test(said), `${kind} ${JSON.stringify(spec)}: ${ok ? 'accepted' : said}`)
          }
          await create(lab, serviceObject({ name: 'conv-judged', annotations: { [poolKey]: 'conv-judged' } }))
          await waitForIngress(lab, 'conv-judged')
          const deletion = await kubectl(lab, ['delete', `eips.v1alpha1.${group}`, 'conv-judged', '--wait=false'])
          expect(!deletion.ok && /in use/.test(deletion.said), `deleted in use as v1alpha1: ${deletion.said}`)
          return `${refusals.length} refused, and the deletion of an Eip in use`
        },
      )
    },
  },
]

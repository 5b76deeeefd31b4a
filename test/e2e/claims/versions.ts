// Kinds and versions: v1alpha1 beside v1alpha2, and what the API server refuses by itself (openelb-api.md 1.1, 1.4, 1.6).
import { isDeepStrictEqual } from 'node:util'
import { type Lab, waitFor } from '../../lab/index.ts'
import { objectAt, stringAt } from '../../../src/core/model/index.ts'
import { onStage, removeEips } from '../address-steps.ts'
import {
  type Claim,
  create,
  eipObject,
  expect,
  kubectl,
  poolKey,
  remove,
  serviceObject,
  waitForIngress,
} from '../claim.ts'

type Fields = Readonly<Record<string, unknown>>

const group = 'network.kubesphere.io'
const plurals = { Eip: 'eips', BgpConf: 'bgpconfs', BgpPeer: 'bgppeers' } as const
type Kind = keyof typeof plurals
const kinds = Object.keys(plurals) as readonly Kind[]

function object(version: string, kind: string, name: string, spec: Fields): object {
  return { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec }
}

function pathOf(kind: Kind, version: string, name: string): string {
  return `/apis/${group}/${version}/${plurals[kind]}/${name}`
}

async function read(lab: Lab, kind: Kind, version: string, name: string): Promise<Fields> {
  return objectAt(await lab.request('GET', pathOf(kind, version, name)))
}

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

const router = { neighborAddress: '172.23.1.250', peerAs: 65010 }
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

/** Refused by the schema, its rules, or a policy: the sentence says what and what to do. */
const refusedByItself: readonly (readonly [Kind, Fields, RegExp])[] = [
  ['Eip', { address: 'xxxx' }, /invalid eip address format: "xxxx"/],
  ['Eip', { address: '172.23.1.9-172.23.1.1' }, /invalid eip address format/],
  ['Eip', { address: '172.23.1.1', excludes: ['172.23.1'] }, /invalid eip address format/],
  ['Eip', { address: '172.23.1.1', extraAddresses: ['fd00::1%eth0'] }, /invalid eip address format/],
  ['Eip', {}, /spec\.address: Required/],
  ['Eip', { address: '172.23.1.1', protocol: 'foo' }, /supported values: "bgp", "layer2", "vip"/],
  ['Eip', { address: '172.23.1.1', protocol: 'layer2' }, /interface should not be empty/],
  ['Eip', { address: '172.23.1.1', protocol: 'vip', interface: '' }, /interface should not be empty/],
  ['Eip', { address: '172.23.1.1', interface: 'can_reach:x' }, /invalid interface string, now only support can_reach/],
  ['Eip', { address: '172.23.1.1', interface: 'eth0:1' }, /invalid interface string, now only support can_reach/],
  ['Eip', { address: '172.23.1.1', maxPerNamespace: 0 }, /greater than or equal to 1/],
  ['Eip', { address: '172.23.1.1', retainSeconds: -1 }, /greater than or equal to 0/],
  ['Eip', { address: '172.23.1.1', retainSeconds: 31536001 }, /less than or equal to 31536000/],
  ['Eip', { address: '172.23.1.1', priority: 'high' }, /must be of type integer/],
  ['Eip', { address: '172.23.1.1', namespaces: ['Not_A_Name'] }, /namespaces\[0\].*should match/],
  ['Eip', { address: '172.23.1.1', namespaceSelector: { a: 'b c' } }, /namespaceSelector.*should match/],
  ['Eip', { address: '172.23.1.1', bgp: { communities: ['65536:1'] } }, /at most 65535 \(RFC 1997\)/],
  ['Eip', { address: '172.23.1.1', bgp: { communities: ['nonsense'] } }, /communities\[0\].*should match/],
  ['Eip', { address: '172.23.1.1', bgp: { largeCommunities: ['1:2'] } }, /largeCommunities\[0\].*should match/],
  ['Eip', { address: '172.23.1.1', bgp: { largeCommunities: ['1:2:4294967296'] } }, /\(RFC 8092\)/],
  ['Eip', { address: '172.23.1.1', bgp: { med: 4294967296 } }, /less than or equal to 4294967295/],
  ['Eip', { address: '172.23.1.1', bgp: { asPathPrepend: 33 } }, /less than or equal to 32/],
  ['BgpConf', { as: 4294967296 }, /less than or equal to 4294967295/],
  ['BgpConf', { as: 65000, asPerRack: { leaf1: -1 } }, /greater than or equal to 0/],
  ['BgpConf', { as: 65000, routerId: 'fd00::1' }, /spec\.routerId "fd00::1" is not an IPv4 address/],
  ['BgpConf', { as: 65000, listenPort: 65536 }, /less than or equal to 65535/],
  ['BgpConf', { as: 65000, listenPort: -2 }, /greater than or equal to -1/],
  ['BgpConf', { as: 65000, listenAddresses: ['everywhere'] }, /"everywhere" is not an IP address/],
  ['BgpPeer', {}, /set spec\.conf\.neighborAddress/],
  ['BgpPeer', { conf: { peerAs: 65001 } }, /set spec\.conf\.neighborAddress/],
  ['BgpPeer', { conf: { ...router, neighborAddress: 'leaf1' } }, /neighborAddress "leaf1" is not an IP address/],
  ['BgpPeer', { conf: { neighborAddress: '172.23.1.250' } }, /set spec\.conf\.peerAs/],
  ['BgpPeer', { conf: { ...router, localAs: 4294967296 } }, /less than or equal to 4294967295/],
  [
    'BgpPeer',
    { conf: { ...router, authPassword: 'p', authPasswordSecretRef: { name: 's' } } },
    /both set: keep authPasswordSecretRef/,
  ],
  ['BgpPeer', { conf: { ...router, authPasswordSecretRef: { name: 'No Name' } } }, /authPasswordSecretRef\.name/],
  ['BgpPeer', { conf: router, timers: { config: { holdTime: '2' } } }, /from 3 to 65535, written as a string/],
  ['BgpPeer', { conf: router, timers: { config: { holdTime: 90 } } }, /must be of type string/],
  ['BgpPeer', { conf: router, timers: { config: { connectRetry: '65536' } } }, /from 0 to 65535/],
  ['BgpPeer', { conf: router, timers: { config: { keepaliveInterval: '3s' } } }, /should match/],
  ['BgpPeer', { conf: router, transport: { remotePort: 65536 } }, /less than or equal to 65535/],
  ['BgpPeer', { conf: router, ebgpMultihop: { multihopTtl: 256 } }, /less than or equal to 255/],
  [
    'BgpPeer',
    { conf: router, nodeSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } },
    /supported values: "DoesNotExist", "Exists", "In", "NotIn"|supported values/,
  ],
  [
    'BgpPeer',
    { conf: router, nodeSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
    /the operators In and NotIn need values/,
  ],
]

const programs = ['webhook', 'controller', 'speaker'] as const

const leaves = ['leaf1', 'leaf2'] as const
type Leaf = (typeof leaves)[number]

/** Neighbours with which the leaf has a session. */
async function sessionsOf(lab: Lab, leaf: Leaf): Promise<string> {
  const states = Object.entries(await lab.neighbors(leaf))
  return states
    .filter(([, state]) => state === 'Established')
    .map(([neighbor]) => neighbor)
    .toSorted()
    .join()
}

/** The sentence of a refusal; undefined when it would have been accepted. Nothing is stored. */
async function refusalOf(lab: Lab, kind: Kind, object: object): Promise<string | undefined> {
  try {
    await lab.request('POST', `/apis/${group}/v1alpha2/${plurals[kind]}?dryRun=All`, object)
    return undefined
  } catch (error) {
    return String(error)
  }
}

/** Everything of ours as it was, the sessions up again. */
async function startAll(lab: Lab, sessions: ReadonlyMap<Leaf, string>): Promise<void> {
  for (const program of programs) await lab.program(program).start()
  for (const [leaf, before] of sessions) {
    let seen = ''
    await waitFor(
      `the sessions of ${leaf} are up again: ${before}`,
      async () => {
        seen = await sessionsOf(lab, leaf)
        return seen === before
      },
      { timeoutMs: 30_000, missing: () => `up: ${seen}` },
    )
  }
  await waitFor(
    'the webhook answers again',
    async () => {
      const dry = await kubectl(
        lab,
        ['create', '--dry-run=server', '-o', 'json', '-f', '-'],
        serviceObject({ name: 'conv-probe', annotations: { [poolKey]: 'conv-used' } }),
      )
      return dry.ok && dry.out.includes('bellhop.dev/claim')
    },
    { timeoutMs: 30_000 },
  )
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
  {
    name: 'with every program of ours stopped: every field rule and the deletion rule hold, and v1alpha2 is written as ever',
    async run(lab) {
      const owned = { 'conv-used': { address: '172.23.1.64/30' } }
      return onStage(lab, { eips: owned, services: ['conv-used'] }, async () => {
        await create(lab, serviceObject({ name: 'conv-used', annotations: { [poolKey]: 'conv-used' } }))
        await waitForIngress(lab, 'conv-used')
        await waitFor('the Eip counts its address', async () => {
          const eip = await read(lab, 'Eip', 'v1alpha2', 'conv-used')
          return objectAt(eip, 'status')['usage'] === 1
        })
        const sessions = new Map<Leaf, string>()
        for (const leaf of leaves) sessions.set(leaf, await sessionsOf(lab, leaf))
        try {
          await Promise.all(programs.map((program) => lab.program(program).stop()))
          const wrong: string[] = []
          for (const [kind, spec, sentence] of refusedByItself) {
            const said = await refusalOf(lab, kind, object('v1alpha2', kind, 'conv-bad', spec))
            if (said === undefined || !sentence.test(said)) wrong.push(`${kind} ${JSON.stringify(spec)}: ${said}`)
          }
          const long = eipObject('n'.repeat(64), { address: '172.23.1.80' })
          const named = await refusalOf(lab, 'Eip', long)
          if (!/at most 63 characters/.test(named ?? '')) wrong.push(`the long name: ${named}`)
          const deletion = await kubectl(lab, ['delete', 'eip', 'conv-used', '--wait=false'])
          if (deletion.ok || !/has 1 of its addresses in use: delete/.test(deletion.said))
            wrong.push(`the deletion of an Eip in use: ${deletion.said}`)
          expect(wrong.length === 0, wrong.join('\n       '))
          const startMs = performance.now()
          const good = eipObject('conv-good', { address: '172.23.1.96/30' })
          for (const args of [['apply'], ['apply', '--server-side'], ['replace']]) {
            const { ok, said } = await kubectl(lab, [...args, '-f', '-'], good)
            expect(ok, `kubectl ${args.join(' ')} of v1alpha2: ${said}`)
          }
          return `${refusedByItself.length + 2} refused; three writes took ${(performance.now() - startMs).toFixed(0)} ms`
        } finally {
          await removeEips(lab, 'conv-good')
          await startAll(lab, sessions)
        }
      })
    },
  },
]

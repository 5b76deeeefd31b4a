// What the API server refuses by itself, with every program of ours stopped: each field rule, and the deletion of an Eip in
// use (openelb-api.md 1.4, 1.6).
import { objectAt } from '../../../src/core/model/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { onStage, removeEips } from '../address-steps.ts'
import { type Claim, create, eipObject, expect, kubectl, poolKey, serviceObject, waitForIngress } from '../claim.ts'
import { type Fields, type Kind, group, object, plurals, read, router } from '../version-steps.ts'

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

export const fieldRules: readonly Claim[] = [
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

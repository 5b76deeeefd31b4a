// What `kubectl create` and `kubectl apply` are answered: an address, a warning, a refusal; and that who was only warned is
// served once the lack is mended.
import { type Lab, waitFor } from '../../lab/index.ts'
import {
  addressIn,
  changeEip,
  changeService,
  createEip,
  createService,
  deleteService,
  onStage,
  refusalOf,
  removeEips,
  waitForWebhook,
} from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  type ServiceShape,
  addressKey,
  create,
  expect,
  getService,
  ingressOf,
  kubectl,
  nodeNextHops,
  poolKey,
  remove,
  samplePool,
  serviceObject,
  waitForCondition,
  waitForFree,
  waitForIngress,
} from '../claim.ts'

const protocolKey = 'protocol.openelb.kubesphere.io/v1alpha1'
const optInKey = 'lb.kubesphere.io/v1alpha1'
const claimKey = 'bellhop.dev/claim'
const porter = {
  address: 'eip.porter.kubesphere.io/v1alpha1',
  pool: 'eip.porter.kubesphere.io/v1alpha2',
  protocol: 'protocol.porter.kubesphere.io/v1alpha1',
} as const

/** One lack: what is asked, the reason it waits with, what its sentence says, how it is mended, and what it then has. */
interface Lack {
  readonly shape: ServiceShape
  readonly reason: string
  /** Object, then remedy. */
  readonly sentence: RegExp
  readonly mend: () => Promise<unknown>
  readonly then: readonly string[]
}

const elsewhere = 'adm-elsewhere'
const asksFor = (name: string, annotations: Record<string, string>): ServiceShape => ({ name, annotations })

function lacks(lab: Lab): readonly Lack[] {
  return [
    {
      shape: asksFor('adm-no-pool', { [poolKey]: 'adm-later' }),
      reason: 'UnknownPool',
      sentence: /Service default\/adm-no-pool asks for Eip adm-later, which does not exist; create it/,
      mend: () => createEip(lab, 'adm-later', { address: '172.23.3.1' }),
      then: ['172.23.3.1'],
    },
    {
      shape: asksFor('adm-no-cover', { [addressKey]: '172.23.3.5' }),
      reason: 'AddressInNoPool',
      sentence: /no Eip covers 172\.23\.3\.5.*; create an Eip with it/,
      mend: () => createEip(lab, 'adm-covers', { address: '172.23.3.4/30' }),
      then: ['172.23.3.5'],
    },
    {
      shape: asksFor('adm-disabled', { [poolKey]: 'adm-closed' }),
      reason: 'PoolDisabled',
      sentence: /Eip adm-closed is disabled; set spec\.disable to false/,
      mend: () => changeEip(lab, 'adm-closed', { spec: { disable: false } }),
      then: ['172.23.3.8'],
    },
    {
      shape: asksFor('adm-full', { [poolKey]: 'adm-one' }),
      reason: 'PoolFull',
      sentence: /Eip adm-one has no free IPv4 address.*; widen spec\.address/,
      mend: () => changeEip(lab, 'adm-one', { spec: { extraAddresses: ['172.23.3.13'] } }),
      then: ['172.23.3.13'],
    },
    {
      shape: asksFor('adm-taken', { [addressKey]: '172.23.3.17' }),
      reason: 'AddressTaken',
      sentence: /172\.23\.3\.17 is held by another Service; ask for another address/,
      mend: () => deleteService(lab, 'holder', elsewhere),
      then: ['172.23.3.17'],
    },
  ]
}

/** With its replicas all started anew with that answer; afterwards as the manifests have it. */
async function withUnavailable<T>(lab: Lab, answer: 'refuse', show: () => Promise<T>): Promise<T> {
  const path = '/apis/apps/v1/namespaces/bellhop-system/deployments/bellhop-webhook'
  interface Deployment {
    readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { args: string[] }[] } } }
  }
  const set = async (value: string): Promise<void> => {
    const { spec } = (await lab.request('GET', path)) as Deployment
    const args = spec.template.spec.containers[0]?.args ?? []
    const at = args.findIndex((arg) => arg.startsWith('--unavailable='))
    const where = `/spec/template/spec/containers/0/args/${at}`
    const patch = JSON.stringify([{ op: 'replace', path: where, value: `--unavailable=${value}` }])
    const patched = await kubectl(lab, [
      ...['-n', 'bellhop-system', 'patch', 'deployment', 'bellhop-webhook'],
      ...['--type=json', '-p', patch],
    ])
    expect(patched.ok, patched.said)
    const rolled = await kubectl(lab, [
      ...['-n', 'bellhop-system', 'rollout', 'status', 'deployment', 'bellhop-webhook'],
      '--timeout=60s',
    ])
    expect(rolled.ok, `the webhook was not rolled out with --unavailable=${value}: ${rolled.said}`)
    const running = (): number => lab.pods().filter((run) => run.programName() === 'webhook').length
    await waitFor('only the replicas of the new kind are left', () => running() === 2, { timeoutMs: 60_000 })
    await waitForWebhook(lab)
  }
  try {
    await set(answer)
    return await show()
  } finally {
    await set('wait')
  }
}

const webhooks = (lab: Lab): readonly string[] =>
  lab.pods().flatMap((run) => (run.programName() === 'webhook' && run.isReady() ? (run.address() ?? []) : []))

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at)

interface Answer {
  readonly name: string
  readonly address: string
  readonly warnings: readonly string[]
}

/** Asks one replica as the API server does, which keeps its connections and so may ask the same one for hours. */
async function askReplica(lab: Lab, replica: string, shape: ServiceShape): Promise<Answer> {
  const object = serviceObject({ namespace: 'default', ...shape })
  const request = { uid: shape.name, operation: 'CREATE', namespace: 'default', name: shape.name, object }
  const input = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request })
  const url = `https://${replica}:9443/mutate-service`
  const out = await lab.read('master', `curl -sk --max-time 5 -H 'content-type: application/json' -d @- ${url}`, {
    input,
  })
  const { response } = JSON.parse(out) as { response: { allowed: boolean; patch?: string; warnings?: string[] } }
  expect(response.allowed, `${replica} refused ${shape.name}: ${out}`)
  const patch = Buffer.from(response.patch ?? 'W10=', 'base64').toString('utf8')
  const operations = JSON.parse(patch) as readonly { readonly path: string; readonly value?: string }[]
  const address = operations.find(({ path }) => path.endsWith(addressKey.replace('/', '~1')))?.value ?? ''
  return { name: shape.name, address, warnings: response.warnings ?? [] }
}

/** Two creates at once for one address, each asked of another replica: one has it, the other is warned and waits. */
async function race(lab: Lab, round: number, address: string): Promise<void> {
  const shapes = ['a', 'b'].map((side) => asksFor(`adm-${side}-${round}`, { [poolKey]: `adm-last-${round}` }))
  const replicas = webhooks(lab)
  expect(replicas.length === 2, `${replicas.length} replicas of the webhook are ready`)
  const answers = await Promise.all(shapes.map((shape, at) => askReplica(lab, replicas[at] ?? '', shape)))
  const [winner, ...others] = answers.filter((answer) => answer.address === address)
  const loser = answers.find((answer) => answer.address === '')
  const seen = JSON.stringify(answers)
  expect(winner !== undefined && others.length === 0 && loser !== undefined, `round ${round}: ${seen}`)
  expect(/no free IPv4 address|was taken while/.test(loser.warnings.join()), `round ${round}: ${seen}`)
  // The creates themselves go on, and find what was answered.
  const stored = await Promise.all(
    shapes.map(async (shape) => {
      const { ok, out, said } = await kubectl(lab, ['create', '-o', 'json', '-f', '-'], serviceObject(shape))
      expect(ok, `${shape.name} was refused: ${said}`)
      return { name: shape.name, address: addressIn(JSON.parse(out) as ServiceJson), said }
    }),
  )
  const of = (name: string): { readonly address: string; readonly said: string } | undefined =>
    stored.find((each) => each.name === name)
  expect(of(winner.name)?.address === address, `${winner.name} was stored with ${of(winner.name)?.address}`)
  expect(/^Warning: .*no free IPv4 address/m.test(of(loser.name)?.said ?? ''), `${loser.name}: ${of(loser.name)?.said}`)
  await waitForIngress(lab, winner.name, [address])
  await waitForCondition(lab, loser.name, 'False PoolFull')
}

const annotate = (lab: Lab, name: string, ...words: readonly string[]): ReturnType<typeof kubectl> =>
  kubectl(lab, ['annotate', 'service', name, '--overwrite', ...words])

export const admission: readonly Claim[] = [
  {
    name: 'ADM-01 the default Eip with adopt: true, a Service without a word: the answer carries label, pool, address, protocol, opt-in',
    async run(lab) {
      const bare = serviceObject({ name: 'adm-bare' }) as { metadata: { annotations: Record<string, string> } }
      bare.metadata.annotations = {}
      try {
        await changeEip(lab, samplePool, { spec: { adopt: true } })
        let inARow = 0
        await waitFor('both replicas of the webhook adopt', async () => {
          const path = '/api/v1/namespaces/default/services?dryRun=All'
          const answer = (await lab.request('POST', path, bare)) as ServiceJson
          inARow = addressIn(answer) === '' ? 0 : inARow + 1
          return inARow >= 4
        })
        const made = await create(lab, bare)
        const { annotations = {}, labels = {} } = made.metadata
        const address = addressIn(made)
        expect(/^172\.22\.0\.\d+$/.test(address), `the address is ${address}`)
        expect(labels[poolKey] === samplePool, `the label is ${labels[poolKey]}`)
        expect(annotations[poolKey] === samplePool, `the pool is ${annotations[poolKey]}`)
        expect(annotations[protocolKey] === 'bgp', `the protocol is ${annotations[protocolKey]}`)
        expect(annotations[optInKey] === 'openelb', `the opt-in is ${annotations[optInKey]}`)
        expect((annotations[claimKey] ?? '') !== '', 'the claim is missing')
        await waitForIngress(lab, 'adm-bare', [address])
        return address
      } finally {
        await remove(lab, 'service', 'adm-bare')
        await changeEip(lab, samplePool, { spec: { adopt: null } })
      }
    },
  },
  {
    name: 'ADM-05 unknown pool, address in no pool, disabled, full, taken: warned, waiting with that reason, assigned once mended; --unavailable=refuse: refused',
    run: (lab) => {
      const eips = {
        'adm-closed': { address: '172.23.3.8', disable: true },
        'adm-one': { address: '172.23.3.12' },
        'adm-held': { address: '172.23.3.16/30' },
      }
      const all = lacks(lab)
      const services = [...all.map(({ shape }) => shape.name), 'adm-has-one']
      return onStage(lab, { eips, namespaces: { [elsewhere]: {} }, services }, async () => {
        try {
          await createService(lab, asksFor('adm-has-one', { [poolKey]: 'adm-one' }))
          const holder = { name: 'holder', namespace: elsewhere, annotations: { [addressKey]: '172.23.3.17' } }
          await createService(lab, holder)
          await waitForIngress(lab, 'holder', ['172.23.3.17'], { namespace: elsewhere })
          await waitForIngress(lab, 'adm-has-one', ['172.23.3.12'])
          await withUnavailable(lab, 'refuse', async () => {
            for (const { shape, sentence } of all) await refusalOf(lab, shape, sentence)
          })
          const warned: string[] = []
          for (const { shape, sentence, reason } of all) {
            const { ok, said } = await kubectl(lab, ['create', '-f', '-'], serviceObject(shape))
            expect(ok, `${shape.name} was refused: ${said}`)
            const lines = said.split('\n').filter((line) => line.startsWith('Warning: '))
            expect(lines.length === 1 && sentence.test(lines[0] ?? ''), `${shape.name}: ${said}`)
            await waitForCondition(lab, shape.name, `False ${reason}`)
            expect(ingressOf(await getService(lab, shape.name)).length === 0, `${shape.name} has an address`)
            warned.push(reason)
          }
          await Promise.all(
            all.map(async ({ shape, mend, then }) => {
              await mend()
              await waitForIngress(lab, shape.name, then, { timeoutMs: 30_000 })
              await waitForCondition(lab, shape.name, 'True Assigned')
            }),
          )
          return `${warned.join(', ')}: each warned of, mended and assigned; 5 refused when told so`
        } finally {
          await remove(lab, 'service', ...services)
          await Promise.all(['adm-later', 'adm-covers'].map((name) => removeEips(lab, name)))
        }
      })
    },
  },
  {
    name: 'ADM-09 two replicas, the last free address, two creates at once: one gets it, one waits with a warning; six times',
    run(lab) {
      const rounds = numbers(6)
      const eips = Object.fromEntries(rounds.map((at) => [`adm-last-${at}`, { address: `172.23.3.${104 + at}` }]))
      const services = rounds.flatMap((at) => [`adm-a-${at}`, `adm-b-${at}`])
      return onStage(lab, { eips, services }, async () => {
        for (const round of rounds) await race(lab, round, `172.23.3.${104 + round}`)
        return `${rounds.length} rounds, each with a create at either replica`
      })
    },
  },
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

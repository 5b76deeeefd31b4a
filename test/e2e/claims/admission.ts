// What `kubectl create` and `kubectl apply` are answered: an address, a warning, a refusal; and that who was only warned is
// served once the lack is mended.
import { type Lab, waitFor } from '../../lab/index.ts'
import {
  addressIn,
  changeEip,
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
  optInKey,
  poolKey,
  protocolKey,
  remove,
  samplePool,
  serviceObject,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'

const claimKey = 'bellhop.dev/claim'

/** One lack: what is asked, the reason it waits with, what its sentence says, how it is mended, and what it then has. */
interface Lack {
  readonly shape: ServiceShape
  readonly reason: string
  /** Object, then remedy. */
  readonly sentence: RegExp
  readonly mend: () => Promise<unknown>
  readonly then: readonly string[]
}

export const elsewhere = 'adm-elsewhere'

export const asksFor = (name: string, annotations: Record<string, string>): ServiceShape => ({ name, annotations })

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
]

// Addresses of both families: what a Service of one or two families gets, when, in which order, and what it keeps.
import { type Lab, waitFor } from '../../lab/index.ts'
import { onStage } from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  addressKey,
  conditionOf,
  create,
  expect,
  getService,
  ingressOf,
  kubectl,
  poolKey,
  remove,
  serviceObject,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'

type Family = 'IPv4' | 'IPv6'
type Policy = 'SingleStack' | 'PreferDualStack' | 'RequireDualStack'

interface Wish {
  readonly families?: readonly Family[]
  readonly policy?: Policy
  /** Names of Eips, separated by commas. */
  readonly pool?: string
  readonly address?: string
}

// Ranges that only these claims use; a pool of each family is bound to no namespace, so that it must be asked for.
const four = (part: string): Record<string, unknown> => ({ address: `172.23.8.${part}` })
const six = (part: string): Record<string, unknown> => ({ address: `fd00:8:0:${part}::/64` })

function wishing(name: string, { families, policy, pool, address }: Wish): object {
  const annotations = {
    ...(pool === undefined ? {} : { [poolKey]: pool }),
    ...(address === undefined ? {} : { [addressKey]: address }),
  }
  const spec = {
    ...(families === undefined ? {} : { ipFamilies: families }),
    ...(policy === undefined ? {} : { ipFamilyPolicy: policy }),
  }
  return serviceObject({ name, annotations, spec })
}

const askedIn = (service: ServiceJson): readonly string[] =>
  (service.metadata.annotations?.[addressKey] ?? '').split(',').filter((each) => each !== '')

const familyOf = (address: string): Family => (address.includes(':') ? 'IPv6' : 'IPv4')

/** Waits until the status has addresses of exactly these families, in this order; resolves with them. */
async function familiesBecome(lab: Lab, name: string, ...wanted: readonly Family[]): Promise<readonly string[]> {
  let seen = ''
  return waitFor(
    `Service ${name} has addresses of ${wanted.join(', ')}`,
    async () => {
      const service = await getService(lab, name)
      const ingress = ingressOf(service)
      seen = `it has ${ingress.join(', ') || 'none'}; EipAssigned is ${conditionOf(service, 'EipAssigned')}`
      return ingress.map(familyOf).join() === wanted.join() ? ingress : undefined
    },
    { missing: () => seen },
  )
}

/** Creates it; resolves with the addresses in the answer, once the status has the same, in the same order. */
async function createWith(lab: Lab, name: string, wish: Wish): Promise<readonly string[]> {
  const answer = askedIn(await create(lab, wishing(name, wish)))
  expect(answer.length > 0, `the answer to the create of ${name} has no address`)
  await waitForIngress(lab, name, answer)
  return answer
}

async function recordsOf(lab: Lab, service: string): Promise<readonly string[]> {
  const { items } = (await lab.request('GET', '/apis/network.kubesphere.io/v1alpha2/eipallocations')) as {
    readonly items: readonly {
      readonly metadata: { readonly name: string }
      readonly spec: { readonly services?: readonly { readonly name?: string }[] }
    }[]
  }
  return items
    .filter(({ spec }) => spec.services?.some(({ name }) => name === service))
    .map(({ metadata }) => metadata.name)
}

async function enable(lab: Lab, eip: string): Promise<void> {
  const { ok, said } = await kubectl(lab, ['patch', 'eip', eip, '--type=merge', '-p', '{"spec":{"disable":false}}'])
  expect(ok, said)
}

export const dualStack: readonly Claim[] = [
  {
    name: 'POOL-11 a /64 tells its size as the largest exact number, and gives an address in the answer to the create',
    run: (lab) =>
      onStage(lab, { eips: { slash64: { address: 'fd00:1::/64' } }, services: ['of-slash64'] }, async () => {
        const startMs = performance.now()
        const [address = ''] = await createWith(lab, 'of-slash64', { families: ['IPv6'], pool: 'slash64' })
        const tookMs = performance.now() - startMs
        expect(/^fd00:1:0:0:|^fd00:1::/.test(address), `${address} is not in fd00:1::/64`)
        const status = await waitFor('status of Eip slash64', async () => {
          const eip = (await lab.request('GET', '/apis/network.kubesphere.io/v1alpha2/eips/slash64')) as {
            readonly status?: { readonly poolSize?: number; readonly usage?: number }
          }
          return eip.status?.usage === 1 ? eip.status : undefined
        })
        expect(status.poolSize === Number.MAX_SAFE_INTEGER, `its size is ${status.poolSize}`)
        return `${address} in the answer, in the status ${tookMs.toFixed(0)} ms after kubectl began; size ${status.poolSize}`
      }),
  },
  {
    name: 'IPAM-22 an IPv6-only Service where there are only IPv4 pools waits and says so; an IPv6 Eip appears: assigned',
    async run(lab) {
      const wish = wishing('six-only', { families: ['IPv6'] })
      try {
        const { ok, said } = await kubectl(lab, ['create', '-f', '-'], wish)
        expect(ok, `it was refused: ${said}`)
        expect(/Warning: .*IPv6/.test(said), `kubectl was told "${said}"`)
        const why = await waitForCondition(lab, 'six-only', 'False FamilyUnavailable')
        const bound = { six: { ...six('22'), namespaces: ['default'] } }
        return await onStage(lab, { eips: bound, services: ['six-only'] }, async () => {
          const [address] = await familiesBecome(lab, 'six-only', 'IPv6')
          return `${why}; then ${address}`
        })
      } finally {
        await remove(lab, 'service', 'six-only')
      }
    },
  },
  {
    name: 'IPAM-23 RequireDualStack: one of each from two pools or from one with extraAddresses, in the order of ipFamilies',
    run: (lab) => {
      const pools = {
        two4: four('0/28'),
        two6: six('23'),
        one: { ...four('16/28'), extraAddresses: ['fd00:8:0:24::/64'] },
      }
      const services = ['two-46', 'two-64', 'one-46', 'one-64']
      return onStage(lab, { eips: pools, services }, async () => {
        const seen: string[] = []
        for (const [name, pool, families] of [
          ['two-46', 'two4,two6', ['IPv4', 'IPv6']],
          ['two-64', 'two4,two6', ['IPv6', 'IPv4']],
          ['one-46', 'one', ['IPv4', 'IPv6']],
          ['one-64', 'one', ['IPv6', 'IPv4']],
        ] as const) {
          const got = await createWith(lab, name, { families, policy: 'RequireDualStack', pool })
          expect(got.map(familyOf).join() === families.join(), `${name} has ${got.join(', ')}`)
          seen.push(got.join(' '))
        }
        return seen.join(', ')
      })
    },
  },
  {
    name: 'PreferDualStack takes the one that is to be had, whichever; the second is added, the first never exchanged',
    run: (lab) => {
      const pools = {
        ...{ now4: four('32/28'), now6: six('25') },
        ...{ late4: { ...four('48/28'), disable: true }, late6: { ...six('26'), disable: true } },
      }
      const policy = 'PreferDualStack'
      return onStage(lab, { eips: pools, services: ['prefers-4', 'prefers-6', 'lacks-first'] }, async () => {
        const [kept4] = await createWith(lab, 'prefers-4', { policy, pool: 'now4,late6' })
        const [kept6] = await createWith(lab, 'prefers-6', { policy, families: ['IPv6', 'IPv4'], pool: 'now6,late4' })
        // Here the family that comes first is the one that is lacking.
        const [only6] = await createWith(lab, 'lacks-first', { policy, families: ['IPv4', 'IPv6'], pool: 'late4,now6' })
        await Promise.all(['late4', 'late6'].map((name) => enable(lab, name)))
        const [with4, with6, whole] = await Promise.all([
          familiesBecome(lab, 'prefers-4', 'IPv4', 'IPv6'),
          familiesBecome(lab, 'prefers-6', 'IPv6', 'IPv4'),
          familiesBecome(lab, 'lacks-first', 'IPv4', 'IPv6'),
        ])
        expect(with4[0] === kept4, `${kept4} became ${with4.join(', ')}`)
        expect(with6[0] === kept6, `${kept6} became ${with6.join(', ')}`)
        expect(whole[1] === only6, `${only6} became ${whole.join(', ')}`)
        return `${kept4} + ${with4[1]}, ${kept6} + ${with6[1]}, ${only6} + ${whole[0]}`
      })
    },
  },
  {
    name: 'RequireDualStack has none while one is lacking, and says which; then both',
    run: (lab) => {
      const pools = { whole4: four('64/28'), whole6: { ...six('27'), disable: true } }
      return onStage(lab, { eips: pools, services: ['needs-both'] }, async () => {
        const wish = wishing('needs-both', { policy: 'RequireDualStack', pool: 'whole4,whole6' })
        const { said } = await kubectl(lab, ['create', '-f', '-'], wish)
        expect(/Warning: .*whole6/.test(said), `kubectl was told "${said}"`)
        const why = await waitForCondition(lab, 'needs-both', 'False PoolDisabled')
        expect(ingressOf(await getService(lab, 'needs-both')).length === 0, 'it has an address')
        expect((await recordsOf(lab, 'needs-both')).length === 0, 'an address is held for it')
        await enable(lab, 'whole6')
        return `${why}; then ${(await familiesBecome(lab, 'needs-both', 'IPv4', 'IPv6')).join(', ')}`
      })
    },
  },
  {
    name: 'ipFamilyPolicy changed later: the second address comes and goes, the first stays throughout',
    run: (lab) => {
      const pools = { turning: { ...four('80/28'), extraAddresses: ['fd00:8:0:28::/64'] } }
      return onStage(lab, { eips: pools, services: ['turns'] }, async () => {
        const [first] = await createWith(lab, 'turns', { policy: 'SingleStack', pool: 'turning' })
        const seen: string[] = []
        for (const policy of ['PreferDualStack', 'SingleStack', 'RequireDualStack', 'SingleStack'] as const) {
          const { ok, said } = await kubectl(lab, [
            ...[
              'patch',
              'service',
              'turns',
              '--type=merge',
              '-p',
              JSON.stringify({ spec: { ipFamilyPolicy: policy } }),
            ],
          ])
          expect(ok, `${policy} was refused: ${said}`)
          const families = policy === 'SingleStack' ? (['IPv4'] as const) : (['IPv4', 'IPv6'] as const)
          const got = await familiesBecome(lab, 'turns', ...families)
          expect(got[0] === first, `with ${policy} ${first} became ${got.join(', ')}`)
          await waitFor(
            `with ${policy} the annotation and the records say the same as the status`,
            async () => {
              const annotated = askedIn(await getService(lab, 'turns')).join() === got.join()
              return annotated && (await recordsOf(lab, 'turns')).length === got.length
            },
            { timeoutMs: 20_000 },
          )
          seen.push(`${policy} ${got.join(' ')}`)
        }
        return seen.join(', ')
      })
    },
  },
  {
    name: 'families that are not known at admission: what is stored decides in the end, and nothing given is taken away',
    run: (lab) => {
      const pools = { guessed: { ...four('96/28'), extraAddresses: ['fd00:8:0:29::/64'] } }
      const pool = 'guessed'
      const cases: readonly (readonly [string, Wish, readonly Family[]])[] = [
        ['says-nothing', {}, ['IPv4']],
        ['prefers', { policy: 'PreferDualStack' }, ['IPv4', 'IPv6']],
        ['requires', { policy: 'RequireDualStack' }, ['IPv4', 'IPv6']],
        // The API server adds the other family.
        ['prefers-one', { families: ['IPv6'], policy: 'PreferDualStack' }, ['IPv6', 'IPv4']],
        ['requires-one', { families: ['IPv6'], policy: 'RequireDualStack' }, ['IPv6', 'IPv4']],
      ]
      const names = cases.map(([name]) => name)
      return onStage(lab, { eips: pools, services: names }, async () => {
        const seen = cases.map(async ([name, wish, families]) => {
          const answer = askedIn(await create(lab, wishing(name, { ...wish, pool })))
          const got = await familiesBecome(lab, name, ...families)
          const lost = answer.filter((address) => !got.includes(address))
          expect(lost.length === 0, `${name} was told ${answer.join(', ')} and has ${got.join(', ')}`)
          return `${name} ${answer.length} of ${got.length} in the answer`
        })
        return (await Promise.all(seen)).join(', ')
      })
    },
  },
  {
    name: 'an address of each family asked for in the annotation: exactly these, or, RequireDualStack and one taken, none',
    run: (lab) => {
      const pools = { named4: four('112/28'), named6: six('30') }
      const policy = 'RequireDualStack'
      return onStage(lab, { eips: pools, services: ['names-both', 'names-taken', 'names-wrong'] }, async () => {
        const address = '172.23.8.115,fd00:8:0:30::15'
        const got = await createWith(lab, 'names-both', { policy, address })
        expect(got.join() === address, `it got ${got.join(', ')}`)
        const taken = { policy, address: '172.23.8.116,fd00:8:0:30:0::15' } as const
        await create(lab, wishing('names-taken', taken))
        const why = await waitForCondition(lab, 'names-taken', 'False PortCollision')
        expect((await recordsOf(lab, 'names-taken')).length === 0, 'the other address is held for it')
        const single = wishing('names-wrong', { families: ['IPv4'], policy: 'SingleStack', address: 'fd00:8:0:30::16' })
        const { ok, said } = await kubectl(lab, ['create', '-f', '-'], single)
        expect(!ok && said.includes('IP family IPv4'), `an IPv6 address for an IPv4 Service: ${said}`)
        return `${got.join(', ')}; ${why}`
      })
    },
  },
]

// Whose pool it is: bound to namespaces and Services, by priority, the default for the rest, asked for from elsewhere.
import { type Lab, waitFor } from '../../lab/index.ts'
import { changeEip, changeService, createService, onStage, refusalOf, wouldHave } from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  addressKey,
  defaultKey,
  expect,
  getService,
  ingressOf,
  poolKey,
  samplePool,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'

/** Waits for an address whose text begins so; resolves with it. */
async function ingressIn(lab: Lab, name: string, namespace: string, start: string): Promise<string> {
  const [address = ''] = ingressOf(await waitForIngress(lab, name, undefined, { namespace }))
  expect(address.startsWith(start), `${namespace}/${name} has ${address}, which does not begin with ${start}`)
  return address
}

/** The sample pool is the default of the lab: taken away meanwhile, and no replica of the webhook takes it for one. */
async function withoutDefault<T>(lab: Lab, show: () => Promise<T>): Promise<T> {
  await changeEip(lab, samplePool, { metadata: { annotations: { [defaultKey]: null } } })
  try {
    await waitFor(
      'the webhook knows of no default',
      async () => (await Promise.all(Array.from({ length: 8 }, () => wouldHave(lab)))).every((each) => each === ''),
      { timeoutMs: 30_000 },
    )
    return await show()
  } finally {
    await changeEip(lab, samplePool, { metadata: { annotations: { [defaultKey]: 'true' } } })
  }
}

export const bindings: readonly Claim[] = [
  {
    name: 'IPAM-10 IPAM-12 pools bound by namespaces, namespaceSelector, serviceSelector: used, not by others; default; neither: waits',
    run: (lab) => {
      const [named, labelled, neither] = ['bind-named', 'bind-labelled', 'bind-neither']
      return onStage(
        lab,
        {
          eips: {
            'by-name': { address: '172.23.4.16/30', namespaces: [named] },
            'by-label': { address: '172.23.4.20/30', namespaceSelector: { team: 'blue' } },
            'by-service': { address: '172.23.4.24/30', serviceSelector: { tier: 'edge' } },
            'by-both': {
              address: '172.23.4.28/30',
              priority: -1,
              namespaces: [named],
              serviceSelector: { tier: 'inner' },
            },
          },
          namespaces: { [named]: {}, [labelled]: { team: 'blue' }, [neither]: { team: 'red' } },
        },
        async () => {
          const make = (name: string, namespace: string, labels = {}): Promise<ServiceJson> =>
            createService(lab, { name, namespace, labels })
          await make('plain', named)
          await make('plain', labelled)
          await make('plain', neither)
          await make('edge', neither, { tier: 'edge' })
          await make('inner', named, { tier: 'inner' })
          await make('inner', neither, { tier: 'inner' })
          const seen = [
            await ingressIn(lab, 'plain', named, '172.23.4.1'),
            await ingressIn(lab, 'plain', labelled, '172.23.4.2'),
            await ingressIn(lab, 'edge', neither, '172.23.4.2'),
            await ingressIn(lab, 'inner', named, '172.23.4.'),
            await ingressIn(lab, 'plain', neither, '172.22.0.'),
            await ingressIn(lab, 'inner', neither, '172.22.0.'),
          ]
          const pools = await Promise.all(
            [
              ['plain', named, 'by-name'],
              ['plain', labelled, 'by-label'],
              ['edge', neither, 'by-service'],
              ['inner', named, 'by-both'],
              ['plain', neither, samplePool],
              ['inner', neither, samplePool],
            ].map(async ([name = '', namespace = '', pool]) => {
              const { metadata } = await getService(lab, name, namespace)
              return metadata.labels?.[poolKey] === pool
                ? undefined
                : `${namespace}/${name}: ${JSON.stringify(metadata)}`
            }),
          )
          const wrong = pools.filter((each) => each !== undefined)
          expect(wrong.length === 0, `wrong pools: ${wrong.join('; ')}`)
          return withoutDefault(lab, async () => {
            await make('waiting', neither)
            const said = await waitForCondition(lab, 'waiting', 'False NoDefaultPool', { namespace: neither })
            await make('second', named)
            await ingressIn(lab, 'second', named, '172.23.4.1')
            // A namespace that gets the label is bound from then on.
            await lab.request('PATCH', `/api/v1/namespaces/${neither}`, { metadata: { labels: { team: 'blue' } } })
            const bound = await ingressIn(lab, 'waiting', neither, '172.23.4.2')
            return `${seen.join(', ')}; neither: ${said}; bound later: ${bound}`
          })
        },
      )
    },
  },
  {
    name: 'IPAM-11 two bound pools: priority 1 first; full: 2; of equal priority the first by name',
    run: (lab) => {
      const namespace = 'priorities'
      const bound = { namespaces: [namespace] }
      return onStage(
        lab,
        {
          eips: {
            'a-second': { address: '172.23.4.32', priority: 2, ...bound },
            'c-second': { address: '172.23.4.33', priority: 2, ...bound },
            'z-first': { address: '172.23.4.34', priority: 1, ...bound },
          },
          namespaces: { [namespace]: {} },
        },
        async () => {
          const seen: string[] = []
          for (const name of ['one', 'two', 'three', 'four']) {
            await createService(lab, { name, namespace })
            seen.push(ingressOf(await waitForIngress(lab, name, undefined, { namespace }))[0] ?? '')
          }
          const bounds = seen.slice(0, 3).join(', ')
          expect(bounds === '172.23.4.34, 172.23.4.32, 172.23.4.33', `addresses in order: ${bounds}`)
          expect(seen[3]?.startsWith('172.22.0.') === true, `all full: ${seen[3]}, not one of the default`)
          return seen.join(', ')
        },
      )
    },
  },
  {
    name: 'IPAM-13 a bound pool asked by name or by address from elsewhere: refused; with allowExplicit: true allowed',
    run: (lab) => {
      const [owner, stranger] = ['explicit-owner', 'explicit-stranger']
      return onStage(
        lab,
        {
          eips: { theirs: { address: '172.23.4.36/30', namespaces: [owner] } },
          namespaces: { [owner]: {}, [stranger]: {} },
        },
        async () => {
          const byName = { name: 'by-name', namespace: stranger, annotations: { [poolKey]: 'theirs' } }
          const byAddress = { name: 'by-address', namespace: stranger, annotations: { [addressKey]: '172.23.4.38' } }
          const said = await refusalOf(lab, byName, /Eip theirs is bound to other namespaces/)
          await refusalOf(lab, byAddress, /Eip theirs is bound to other namespaces/)
          // A live Service may not go there either.
          await createService(lab, { name: 'moving', namespace: stranger })
          const moved = await changeService(
            lab,
            'moving',
            { metadata: { annotations: { [poolKey]: 'theirs' } } },
            stranger,
          ).then(
            () => 'accepted',
            (error: unknown) => String(error),
          )
          expect(/Eip theirs is bound/.test(moved), `the edit was ${moved}`)
          await changeEip(lab, 'theirs', { spec: { allowExplicit: true } })
          await waitFor('it is allowed', async () => {
            await createService(lab, byAddress)
            return true
          })
          // After it: by name it is any of the four that are free.
          await createService(lab, byName)
          await ingressIn(lab, 'by-name', stranger, '172.23.4.3')
          await waitForIngress(lab, 'by-address', ['172.23.4.38'], { namespace: stranger })
          return said
        },
      )
    },
  },
]

// How soon what broke can be read with kubectl.
import { type Lab, type LeafName, waitFor } from '../../lab/index.ts'
import { type Claim, conditionOf, expect, getService, kubectl } from '../claim.ts'
import { addressOf, configureBgp, expectWithin, routesAreBack } from '../route-steps.ts'

const leaves: readonly LeafName[] = ['leaf1', 'leaf2']
/** A condition that has turned in the last minute is held a little longer: docs/adr/0009. */
const steadyMs = 61_000

/** What `kubectl get` prints of worker2's session, by kind. */
const told: Readonly<Record<string, { readonly up: RegExp; readonly down: RegExp }>> = {
  speakers: { up: /\nworker2 +leaf2 +1 +1 /, down: /\nworker2 +leaf2 +1 +0 / },
  racks: { up: /\nleaf2 +1 +1 /, down: /\nleaf2 +1 +0 / },
  bgppeers: { up: /\nleaf2 +192\.168\.1\.1 +50002 +1\/1/, down: /\nleaf2 +192\.168\.1\.1 +50002 +0\/1/ },
}

async function advertisedForMs(lab: Lab): Promise<number> {
  interface Timed {
    readonly type: string
    readonly status: string
    readonly lastTransitionTime: string
  }
  const conditions = ((await getService(lab, 'echo')).status?.conditions ?? []) as unknown as readonly Timed[]
  const advertised = conditions.find(({ type }) => type === 'bellhop.dev/Advertised')
  return advertised?.status === 'True' ? Date.now() - Date.parse(advertised.lastTransitionTime) : 0
}

/** When each of them was first seen to say so, milliseconds from now. */
async function whenTold(lab: Lab, turn: 'up' | 'down'): Promise<Readonly<Record<string, number>>> {
  const startMs = performance.now()
  const took = await Promise.all(
    Object.entries(told).map(async ([kind, patterns]): Promise<[string, number]> => {
      let out = ''
      await waitFor(
        `kubectl get ${kind} says that the session is ${turn}`,
        async () => {
          out = (await kubectl(lab, ['get', kind])).out
          return patterns[turn].test(out)
        },
        { timeoutMs: 60_000, everyMs: 20, missing: () => out },
      )
      return [kind, performance.now() - startMs]
    }),
  )
  return Object.fromEntries(took)
}

export const truth: readonly Claim[] = [
  {
    name: 'the sessions of all nodes break: speakers, racks and bgppeers say so within 2 s, and so does the condition of a Service that has lost its last way',
    async run(lab) {
      const address = await addressOf(lab, 'echo')
      await routesAreBack(lab, address)
      let sinceMs = 0
      await waitFor(
        'echo has been advertised for a minute',
        async () => (sinceMs = await advertisedForMs(lab)) > steadyMs,
        { timeoutMs: 120_000, everyMs: 500, missing: () => `for ${sinceMs} ms` },
      )
      await whenTold(lab, 'up')
      try {
        const startMs = performance.now()
        const [, took, conditionMs] = await Promise.all([
          Promise.all(leaves.map((leaf) => configureBgp(lab, leaf, 'neighbor NODES shutdown'))),
          whenTold(lab, 'down'),
          waitFor(
            'echo is not advertised',
            async () => {
              const verdict = conditionOf(await getService(lab, 'echo'), 'Advertised')
              return verdict.startsWith('False NoSession') && performance.now() - startMs
            },
            { timeoutMs: 60_000, everyMs: 20 },
          ),
        ])
        const { out } = await kubectl(lab, ['get', 'speaker', 'worker2', '-o', 'json'])
        expect(/Cease\/Administrative Shutdown/.test(out), `the Speaker object does not say why: ${out}`)
        const all: Readonly<Record<string, number>> = { ...took, condition: conditionMs }
        for (const [what, tookMs] of Object.entries(all)) expectWithin(2000, tookMs, `${what} says so`)
        return Object.entries(all)
          .map(([what, tookMs]) => `${what} ${tookMs.toFixed(0)} ms`)
          .join(', ')
      } finally {
        await Promise.all(leaves.map((leaf) => configureBgp(lab, leaf, 'no neighbor NODES shutdown')))
        await routesAreBack(lab, address)
        await whenTold(lab, 'up')
      }
    },
  },
]

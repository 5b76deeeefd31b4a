// How soon what broke can be read with kubectl.
import { type Lab, type LeafName, waitFor } from '../../lab/index.ts'
import { type Claim, conditionOf, expect, getService } from '../claim.ts'
import { addressOf, configureBgp, expectWithin, objectPath, routesAreBack } from '../route-steps.ts'

const leaves: readonly LeafName[] = ['leaf1', 'leaf2']
/** A condition that has turned in the last minute is held a little longer: docs/adr/0009. */
const steadyMs = 61_000

interface SpeakerJson {
  readonly status?: { readonly up?: number; readonly sessions?: readonly { since: string; lastError?: string }[] }
}

interface Summary {
  readonly status?: { readonly up?: number | string }
}

/** What the column UP of these prints while worker2's session is up, and when it is not. */
const told = [
  { kind: 'speakers', name: 'worker2', up: 1, down: 0 },
  { kind: 'racks', name: 'leaf2', up: 1, down: 0 },
  { kind: 'bgppeers', name: 'leaf2', up: '1/1', down: '0/1' },
] as const

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

/** When each of them was first seen to say so, milliseconds since 1970. */
async function whenTold(lab: Lab, turn: 'up' | 'down'): Promise<Readonly<Record<string, number>>> {
  const took = await Promise.all(
    told.map(async ({ kind, name, ...columns }): Promise<[string, number]> => {
      let seen: number | string | undefined
      await waitFor(
        `${kind} ${name} says that the session is ${turn}`,
        async () => {
          seen = ((await lab.request('GET', objectPath(kind, name))) as Summary).status?.up
          return seen === columns[turn]
        },
        { timeoutMs: 60_000, everyMs: 20, missing: () => `UP is ${seen}` },
      )
      return [kind, Date.now()]
    }),
  )
  return Object.fromEntries(took)
}

async function speakerOf(lab: Lab, node: string): Promise<SpeakerJson> {
  return (await lab.request('GET', objectPath('speakers', node))) as SpeakerJson
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
        const [, seenMs, condition] = await Promise.all([
          Promise.all(leaves.map((leaf) => configureBgp(lab, leaf, 'neighbor NODES shutdown'))),
          whenTold(lab, 'down'),
          waitFor(
            'echo is not advertised',
            async () => {
              const verdict = conditionOf(await getService(lab, 'echo'), 'Advertised')
              return verdict.startsWith('False NoSession') && Date.now()
            },
            { timeoutMs: 60_000, everyMs: 20 },
          ),
        ])
        const { sessions: [own] = [] } = (await speakerOf(lab, 'worker2')).status ?? {}
        const { sessions: [other] = [] } = (await speakerOf(lab, 'master')).status ?? {}
        expect(
          /Cease\/Administrative Shutdown received/.test(own?.lastError ?? ''),
          `the reason told is ${own?.lastError}`,
        )
        const brokeMs = Date.parse(own?.since ?? '')
        const lastMs = Math.max(brokeMs, Date.parse(other?.since ?? ''))
        const all = Object.entries(seenMs).map(([what, atMs]): [string, number] => [what, atMs - brokeMs])
        all.push(['condition', condition - lastMs])
        for (const [what, tookMs] of all) expectWithin(2000, tookMs, `${what} says so`)
        return all.map(([what, tookMs]) => `${what} ${tookMs.toFixed(0)} ms`).join(', ')
      } finally {
        await Promise.all(leaves.map((leaf) => configureBgp(lab, leaf, 'no neighbor NODES shutdown')))
        await routesAreBack(lab, address)
        await whenTold(lab, 'up')
      }
    },
  },
]

// Two Services ask both replicas of the webhook for the last free address at the same moment: one has it, the other is told.
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, numbers, onStage } from '../address-steps.ts'
import {
  type Claim,
  type ServiceJson,
  type ServiceShape,
  addressKey,
  expect,
  kubectl,
  poolKey,
  serviceObject,
  waitForCondition,
  waitForIngress,
} from '../claim.ts'
import { asksFor } from './admission.ts'

const webhooks = (lab: Lab): readonly string[] =>
  lab.pods().flatMap((run) => (run.programName() === 'webhook' && run.isReady() ? (run.address() ?? []) : []))

interface Answer {
  readonly name: string
  readonly address: string
  readonly warnings: readonly string[]
}

/** Asks one replica as the API server does, which keeps its connections and so may ask the same one for hours. */
async function askReplica(lab: Lab, replica: string, shape: ServiceShape, { dryRun = false } = {}): Promise<Answer> {
  const object = serviceObject({ namespace: 'default', ...shape })
  const request = { uid: shape.name, operation: 'CREATE', namespace: 'default', name: shape.name, object, dryRun }
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
  const won = shapes.filter(({ name }) => name === winner.name)
  await waitFor('both replicas know who has won', async () => {
    const asked = replicas.flatMap((replica) => won.map((shape) => askReplica(lab, replica, shape, { dryRun: true })))
    return (await Promise.all(asked)).every((answer) => answer.address === address)
  })
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

export const lastAddress: readonly Claim[] = [
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
]

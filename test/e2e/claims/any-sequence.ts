// Any sequence of creates, edits, deletes and crashes, against the real API server: once quiet, what kubectl sees agrees.
// The short sister of test/property/ipam-life.test.ts. The seed is printed; BELLHOP_SEED plays one again, as far as
// programs that run at the same time can be played again.
import { setTimeout as pause } from 'node:timers/promises'

import { formatIp } from '../../../src/core/address/index.ts'
import {
  type Pools,
  TakenIndex,
  chooseAddresses,
  isOurs,
  readRequest,
  sharingRefused,
} from '../../../src/core/ipam/index.ts'
import {
  type Allocation,
  type KubeObjectLike,
  type Service,
  claimAnnotation,
  readAllocation,
  readEip,
  readService,
} from '../../../src/core/model/index.ts'
import { type KubeObject, type Resource, eipAllocations, eips, services } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { changeEip, changeService, createService, deleteService, onStage, waitForWebhook } from '../address-steps.ts'
import { type Claim, addressKey, expect, getOrUndefined, optIn, poolKey } from '../claim.ts'

const namespace = 'sequences'
const names = Array.from({ length: 8 }, (_, at) => `any-${at}`)
const operations = 60
const quietMs = 2_000

const specs = {
  'seq-a': { address: '172.23.5.64/30', namespaces: [namespace] },
  'seq-b': { address: '172.23.5.68/31' },
  'seq-c': { address: '172.23.5.72/29', maxPerNamespace: 2 },
}
const addresses = ['172.23.5.65', '172.23.5.68', '172.23.5.73', '172.23.5.74']

/** 0 ≤ x < 1, the same for the same seed: a linear congruence is random enough to choose among a dozen. */
function randomOf(seed: number): () => number {
  let state = seed % 2 ** 32
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

type Pick = <T>(among: readonly T[]) => T

interface Operation {
  readonly what: string
  readonly run: () => Promise<unknown>
}

function someRequest(pick: Pick): Readonly<Record<string, string>> {
  const kind = pick(['none', 'none', 'pool', 'pool', 'address', 'shared'])
  if (kind === 'pool') return { [poolKey]: pick(Object.keys(specs)) }
  if (kind === 'address') return { [addressKey]: pick(addresses) }
  return kind === 'shared' ? { [addressKey]: pick(addresses), 'bellhop.dev/sharing-key': 'k' } : {}
}

function someOperation(lab: Lab, pick: Pick): Operation {
  const name = pick(names)
  const annotations = someRequest(pick)
  const ports = [{ name: 'p', port: pick([80, 443]), targetPort: 8080 }]
  const create = (): Promise<unknown> => createService(lab, { name, namespace, annotations, spec: { ports } })
  // A create whose name is taken pins an address for a minute, for which all would have to wait each time.
  const createNew = async (): Promise<unknown> => {
    const path = `/api/v1/namespaces/${namespace}/services/${name}`
    return (await getOrUndefined(lab, path)) === undefined ? create() : undefined
  }
  const edit = (what: string, change: object): Operation => ({
    what: `${name}: ${what}`,
    run: () => changeService(lab, name, change, namespace),
  })
  const eip = pick(Object.keys(specs) as (keyof typeof specs)[])
  const operations: readonly [number, () => Operation][] = [
    [12, () => ({ what: `create what is not there: ${name} ${JSON.stringify(annotations)}`, run: createNew })],
    [6, () => edit(`asks for ${JSON.stringify(annotations)}`, { metadata: { annotations } })],
    [2, () => edit('port', { spec: { ports } })],
    [2, () => edit('type', { spec: { type: pick(['ClusterIP', 'LoadBalancer', 'LoadBalancer']) } })],
    [2, () => edit('opt-in', { metadata: { annotations: pick([optIn, { 'lb.kubesphere.io/v1alpha1': null }]) } })],
    [5, () => ({ what: `delete ${name}`, run: () => deleteService(lab, name, namespace) })],
    [
      2,
      () => ({
        what: `replace ${name}`,
        run: () => deleteService(lab, name, namespace).then(createNew),
      }),
    ],
    [
      1,
      () => ({
        what: `clear the status of ${name}`,
        run: () =>
          lab.request('PATCH', `/api/v1/namespaces/${namespace}/services/${name}/status`, {
            status: { loadBalancer: null },
          }),
      }),
    ],
    [
      1,
      () => {
        const disable = pick([true, false, false])
        return { what: `${eip} disable ${disable}`, run: () => changeEip(lab, eip, { spec: { disable } }) }
      },
    ],
    [
      1,
      () => {
        const excludes = pick([[], [pick(addresses)]])
        return { what: `${eip} excludes ${excludes.join()}`, run: () => changeEip(lab, eip, { spec: { excludes } }) }
      },
    ],
    [
      1,
      () => ({
        what: 'a record is deleted by force',
        run: () => lab.request('DELETE', `/apis/network.kubesphere.io/v1alpha2/eipallocations/${pick(addresses)}`),
      }),
    ],
    [2, () => crash(lab, pick)],
  ]
  return pick(operations.flatMap(([weight, make]) => Array.from({ length: weight }, () => make)))()
}

/** What is killed is started again by its kubelet, a moment later. */
function crash(lab: Lab, pick: Pick): Operation {
  const program = pick(['controller', 'webhook', 'webhook'])
  const nodes = lab
    .pods()
    .filter((run) => run.programName() === program)
    .map(({ node }) => node)
  const node = pick([...nodes, undefined])
  return {
    what: `kill ${program} ${node ?? 'everywhere'}`,
    run: () => Promise.resolve(lab.program(program, node).kill('SIGKILL')),
  }
}

async function listAll(lab: Lab, resource: Resource, within?: string): Promise<readonly KubeObject[]> {
  const listed = await lab.api.list(resource, within === undefined ? {} : { namespace: within })
  expect(listed.ok, `${resource.plural} cannot be listed`)
  return listed.value.items
}

interface Seen {
  readonly services: readonly Service[]
  readonly records: readonly Allocation[]
}

async function look(lab: Lab): Promise<Seen> {
  const records = await listAll(lab, eipAllocations)
  return {
    services: (await listAll(lab, services, namespace)).map((each) => readService(each as KubeObjectLike)),
    records: records.flatMap((each) => readAllocation(each as KubeObjectLike) ?? []),
  }
}

/** Nothing has had a new resourceVersion for two seconds. */
async function waitForQuiet(lab: Lab): Promise<Seen> {
  let before = ''
  let sinceMs = performance.now()
  let changed: readonly string[] = []
  const calm = async (): Promise<Seen | undefined> => {
    const seen = await look(lab)
    const versions = [...seen.services, ...seen.records].map(
      ({ name, resourceVersion }) => `${name}@${resourceVersion}`,
    )
    const now = versions.toSorted((a, b) => (a < b ? -1 : 1)).join(' ')
    if (now !== before) {
      changed = versions.filter((each) => !before.split(' ').includes(each))
      before = now
      sinceMs = performance.now()
    }
    return performance.now() - sinceMs > quietMs ? seen : undefined
  }
  const missing = (): string => `the last to change were ${changed.join(', ')}`
  return waitFor('nothing changes any more', calm, { timeoutMs: 60_000, everyMs: 200, missing })
}

const keyOf = ({ namespace: within, name }: { readonly namespace: string; readonly name: string }): string =>
  `${within}/${name}`

/** What disagrees, a sentence each. */
async function disagreements(lab: Lab, { services: all, records }: Seen): Promise<readonly string[]> {
  const problems: string[] = []
  const taken = new TakenIndex()
  for (const record of records) taken.put(record)
  const pools: Pools = {
    eips: new Map(
      (await listAll(lab, eips)).map((each) => readEip(each as KubeObjectLike)).map((eip) => [eip.name, eip]),
    ),
    namespaces: new Map([[namespace, {}]]),
    primaryFamily: 4,
    reserved: () => undefined,
  }
  const findService = (within: string, name: string): Service | undefined =>
    all.find((service) => service.namespace === within && service.name === name)

  for (const service of all) {
    const key = keyOf(service)
    const own = taken.ofService(key)
    const has = service.ingress.map(formatIp).join()
    const holds = own.map(({ name }) => name).join()
    const ours = isOurs(service, pools, own.length > 0)
    if (has !== holds) problems.push(`${key} has {${has}} in its status and holds {${holds}}`)
    if (!ours && holds !== '') problems.push(`${key} is not ours and holds ${holds}`)
    if (!ours || own.length > 0) continue
    const claimed = taken.ofClaim(service.annotations[claimAnnotation] ?? '')
    const read = readRequest(service, [], pools.primaryFamily, claimed)
    if (!read.ok) continue
    const choice = chooseAddresses({ service, request: read.request, pools, taken, findService, start: 0 })
    if (choice.kind === 'claim' || choice.kind === 'join') problems.push(`${key} waits though it could have an address`)
  }
  for (const record of records.filter(({ eip }) => eip in specs)) {
    for (const [at, holder] of record.holders.entries()) {
      const service = findService(holder.namespace, holder.name)
      if (service === undefined) {
        problems.push(`${record.name} is held by ${keyOf(holder)}, which does not exist`)
        continue
      }
      const refused = sharingRefused(service, { ...record, holders: record.holders.slice(0, at) }, findService)
      if (refused !== undefined) problems.push(`${keyOf(holder)} may not share: ${refused.message}`)
    }
  }
  return problems
}

export const anySequence: readonly Claim[] = [
  {
    name: 'any sequence of creates, edits, deletes and crashes: once quiet all who can have an address have one, none twice',
    run: (lab) =>
      onStage(lab, { eips: specs, namespaces: { [namespace]: {} } }, async () => {
        const seed = Number(process.env['BELLHOP_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
        const random = randomOf(seed)
        const pick: Pick = (among) => among[Math.floor(random() * among.length)] as (typeof among)[number]
        const done: string[] = []
        let refused = 0
        const startMs = performance.now()
        try {
          while (done.length < operations && performance.now() - startMs < 25_000) {
            const { what, run } = someOperation(lab, pick)
            const answer = await run().then(
              () => 'done',
              () => 'refused',
            )
            if (answer === 'refused') refused += 1
            done.push(`${what} (${answer})`)
            await pause(random() * 150)
          }
          await waitForWebhook(lab)
          const endedMs = performance.now()
          let problems: readonly string[] = []
          await waitFor(
            'Services and records agree',
            async () => {
              problems = await disagreements(lab, await waitForQuiet(lab))
              return problems.length === 0
            },
            // A claim of a create that failed, where a webhook was killed, is held for a minute and then cools.
            { timeoutMs: 90_000, missing: () => problems.join('; ') },
          )
          const { services: left, records } = await look(lab)
          const ran = ((endedMs - startMs) / 1000).toFixed(1)
          const quiet = ((performance.now() - endedMs) / 1000).toFixed(1)
          const held = records.filter(({ eip }) => eip in specs).length
          return `seed ${seed}: ${done.length} operations (${refused} refused) in ${ran} s, quiet after ${quiet} s: ${left.length} Services, ${held} addresses of the three pools held`
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error)
          throw new Error(`seed ${seed}: ${message}; operations: ${done.join(', ')}`, { cause: error })
        }
      }),
  },
]

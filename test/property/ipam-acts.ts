// What can happen in the life of addresses, as acts that fast-check strings together and prints when one life fails.
import fc from 'fast-check'

import {
  type Eip,
  addressAnnotation,
  optInAnnotation,
  poolAnnotation,
  sharingKeyAnnotation,
} from '../../src/core/model/index.ts'
import { asDefault, eip, optIn } from '../unit/ipam/world.ts'
import { Cluster, type StoredService } from './ipam-cluster.ts'
import { Controller, type Planned } from './ipam-controller.ts'
import { Replica } from './ipam-replica.ts'

const [address] = addressAnnotation
const [pool] = poolAnnotation

/** All that is there while a life goes on. */
export class World {
  readonly cluster: Cluster
  readonly controller: Controller
  readonly replicas: readonly [Replica, Replica]
  /** Admitted and not stored yet. */
  readonly underWay: StoredService[] = []
  /** A plan that a slow leader has made and not carried out. */
  late: Planned | undefined
  /** Something gave an address to a Service beyond its quota for good reason: its record was lost, its pool changed. */
  quotaMayBeExceeded = false

  constructor() {
    this.cluster = new Cluster(setsOfPools[0] ?? [])
    this.cluster.nameEips(setsOfPools.flat().map(({ name }) => name))
    this.controller = new Controller(this.cluster)
    this.replicas = [new Replica(this.cluster), new Replica(this.cluster)]
  }

  /** `by`: a replica of the webhook, or undefined: none answers. False: refused, or its name is taken. */
  create(draft: StoredService, by: Replica | undefined): boolean {
    if (by?.admit(draft) === false) return false
    return this.cluster.store(draft)
  }

  edit(key: string, change: Change, by: Replica | undefined): void {
    const before = this.cluster.services.get(key)
    const after = this.cluster.edited(key, change)
    if (before === undefined || after === undefined) return
    if (by?.allows(before, after) === false) return
    this.cluster.replace(after)
  }
}

export type Change = (stored: StoredService) => void
export type Act = (world: World) => void

const keys = ['ns/a', 'ns/b', 'ns/c', 'other/a', 'other/b'] as const
const small = eip('small', { address: '10.0.0.0/30' }, asDefault)
const second = eip('second', { address: '10.0.1.0/31' })
const dual = eip('dual', { address: '10.0.2.0/31', extraAddresses: ['fd00::/127'] })
const bound = eip('bound', { address: '10.0.3.0/31', namespaces: ['other'], priority: 1 })
const few = eip('few', { address: '10.0.4.0/29', maxPerNamespace: 1 })
const keeping = eip('keeping', { address: '10.0.5.0/31', retainSeconds: 300 })
const rest = [dual, bound, few, keeping]
/** The first is what a life begins with; the others are what an admin may make of it. */
const setsOfPools: readonly (readonly Eip[])[] = [
  [small, second, ...rest],
  [small],
  [small, second, keeping],
  [eip('small', { address: '10.0.0.0/30', disable: true }, asDefault), second, ...rest],
  [eip('small', { address: '10.0.0.0/29' }, asDefault), second, few],
  [
    eip('small', { address: '10.0.0.0/31' }, asDefault),
    eip('second', { address: '10.0.1.0/31', excludes: ['10.0.1.0'] }),
  ],
  [eip('renamed', { address: '10.0.0.0/30' }, asDefault), second, ...rest],
  [second, ...rest],
]

const someAddress = fc.constantFrom(
  ...['10.0.0.1', '10.0.0.2', '10.0.1.0', '10.0.2.1', '10.0.4.1', '10.0.5.0', '192.0.2.1', 'fd00::1', 'nonsense'],
)
const somePool = fc.constantFrom('small', 'second', 'dual', 'bound', 'few', 'keeping', 'nowhere', 'second,small')
const somePorts = fc.constantFrom([{ port: 80 }], [{ port: 443 }], [{ port: 80 }, { port: 443 }])
const selector = { app: 'x' }
const someSpec: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  { weight: 5, arbitrary: somePorts.map((ports) => ({ ports, selector })) },
  { weight: 1, arbitrary: somePorts.map((ports) => ({ ports, selector, externalTrafficPolicy: 'Local' })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(somePorts, fc.constantFrom('PreferDualStack', 'RequireDualStack'))
      .map(([ports, ipFamilyPolicy]) => ({ ports, selector, ipFamilyPolicy })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(somePorts, someAddress).map(([ports, loadBalancerIP]) => ({ ports, selector, loadBalancerIP })),
  },
)
const sharingKey = { [sharingKeyAnnotation]: 'together' }
const someAnnotations = fc
  .oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: somePool.map((name) => ({ [pool]: name })) },
    { weight: 2, arbitrary: someAddress.map((text) => ({ [address]: text })) },
    { weight: 1, arbitrary: someAddress.map((text) => ({ [address]: text, ...sharingKey })) },
    {
      weight: 1,
      arbitrary: fc.tuple(someAddress, somePool).map(([text, name]) => ({ [address]: text, [pool]: name })),
    },
  )
  .map((annotations): Record<string, string> => ({ ...optIn, ...annotations }))

const someDraft: fc.Arbitrary<StoredService> = fc
  .tuple(fc.constantFrom(...keys), someAnnotations, someSpec)
  .map(([key, annotations, spec]) => draftOf(key, annotations, spec))

function draftOf(key: string, annotations: Record<string, string>, spec: Record<string, unknown>): StoredService {
  const [namespace = '', name = ''] = key.split('/')
  return {
    metadata: { namespace, name, uid: '', annotations: { ...annotations } },
    spec: { type: 'LoadBalancer', ...spec },
    status: { loadBalancer: {} },
  }
}

const someChange: fc.Arbitrary<readonly [string, Change]> = fc.oneof(
  fc.tuple(fc.constantFrom(address, pool), fc.oneof(someAddress, somePool)).map(([key, value]) => annotate(key, value)),
  fc.constantFrom(address, pool, optInAnnotation, sharingKeyAnnotation).map((key) => annotate(key, undefined)),
  fc.constantFrom(annotate(optInAnnotation, 'openelb'), annotate(sharingKeyAnnotation, 'together')),
  someAddress.map((text) => setSpec('loadBalancerIP', text)),
  fc.constantFrom(80, 443).map((port) => setSpec('ports', [{ port }])),
  fc.constantFrom('Local', 'Cluster').map((policy) => setSpec('externalTrafficPolicy', policy)),
  fc.constantFrom('ClusterIP', 'LoadBalancer').map((type) => setSpec('type', type)),
  fc.constant<readonly [string, Change]>(['status cleared', (stored) => void (stored.status.loadBalancer = {})]),
)

function annotate(key: string, value: string | undefined): readonly [string, Change] {
  const change: Change = ({ metadata }) => {
    const { [key]: _, ...others } = metadata.annotations ?? {}
    metadata.annotations = value === undefined ? others : { ...others, [key]: value }
  }
  return [`${key}: ${value ?? 'removed'}`, change]
}

function setSpec(field: string, value: unknown): readonly [string, Change] {
  return [`${field}: ${JSON.stringify(value)}`, ({ spec }) => void (spec[field] = value)]
}

// fast-check prints a counterexample by it.
function named(text: string, act: Act): Act {
  return Object.assign(act.bind(undefined), { toString: () => text })
}

const someKey = fc.constantFrom(...keys)
/** Which replica answers; undefined: none. */
const someReplica = fc.constantFrom(0, 0, 1, undefined)
const replicaOf = ({ replicas }: World, at: number | undefined): Replica | undefined =>
  at === undefined ? undefined : replicas[at]
const textOf = ({ metadata, spec }: StoredService): string =>
  `${metadata.namespace}/${metadata.name} ${JSON.stringify(metadata.annotations)} ${JSON.stringify(spec)}`

const create = fc
  .tuple(someDraft, someReplica)
  .map(([draft, by]) =>
    named(
      `create ${textOf(draft)} by ${by}`,
      (world) => void world.create(structuredClone(draft), replicaOf(world, by)),
    ),
  )
const edit = fc
  .tuple(someKey, someChange, someReplica)
  .map(([key, [text, change], by]) =>
    named(`edit ${key} ${text} by ${by}`, (world) => world.edit(key, change, replicaOf(world, by))),
  )
const remove = someKey.map((key) => named(`delete ${key}`, ({ cluster }) => void cluster.services.delete(key)))
/** `kubectl replace --force`: the same name, the annotations as they were. */
const replace = fc.tuple(someKey, someReplica).map(([key, by]) =>
  named(`replace ${key} by ${by}`, (world) => {
    const stored = world.cluster.services.get(key)
    if (stored === undefined) return
    world.cluster.services.delete(key)
    world.create(draftOf(key, stored.metadata.annotations ?? {}, stored.spec), replicaOf(world, by))
  }),
)
const copy = fc.tuple(someKey, someKey, someReplica).map(([from, to, by]) =>
  named(`copy ${from} to ${to} by ${by}`, (world) => {
    const stored = world.cluster.services.get(from)
    if (stored !== undefined)
      world.create(draftOf(to, stored.metadata.annotations ?? {}, stored.spec), replicaOf(world, by))
  }),
)
/** The answer of the webhook is lost: what it claimed stands, and the Service is stored as it was sent. */
const answerLost = fc.tuple(someDraft, fc.constantFrom(0, 1)).map(([draft, by]) =>
  named(`create ${textOf(draft)}, the answer of ${by} is lost`, (world) => {
    replicaOf(world, by)?.admit(structuredClone(draft))
    world.cluster.store(structuredClone(draft))
  }),
)
/** Admitted now; stored later, or never: another webhook refuses it. */
const admit = fc.tuple(someDraft, fc.constantFrom(0, 1)).map(([draft, by]) =>
  named(`admit ${textOf(draft)} by ${by}, not stored yet`, (world) => {
    const sent = structuredClone(draft)
    if (replicaOf(world, by)?.admit(sent) === true) world.underWay.push(sent)
  }),
)
const store = fc.boolean().map((isStored) =>
  named(isStored ? 'store what was admitted' : 'what was admitted is refused by another', (world) => {
    const sent = world.underWay.shift()
    if (sent !== undefined && isStored) world.cluster.store(sent)
  }),
)
const catchUp = fc
  .constantFrom(0, 1)
  .map((at) => named(`replica ${at} catches up`, (world) => replicaOf(world, at)?.catchUp()))
const recordLost = someKey.map((key) =>
  named(`a record of ${key} is deleted by force`, (world) => {
    const [lost] = world.cluster.taken.ofService(key)
    if (lost === undefined) return
    world.cluster.deleteRecord(lost)
    world.quotaMayBeExceeded = true
  }),
)
const poolsChange = fc.tuple(fc.constantFrom(...setsOfPools.keys()), fc.boolean()).map(([at, byForce]) =>
  named(`pools ${at}${byForce ? ' by force' : ''}`, (world) => {
    world.cluster.changePools(setsOfPools[at] ?? [], byForce)
    world.quotaMayBeExceeded = true
  }),
)
const oneKey = fc
  .tuple(someKey, fc.nat({ max: 3 }))
  .map(([key, most]) =>
    named(`the controller works on ${key} and is killed after ${most} steps`, ({ controller }) =>
      controller.carryOut(controller.decide(key), most),
    ),
  )
const decideLate = someKey.map((key) =>
  named(
    `the controller decides about ${key}, and is slow`,
    (world) => void (world.late = world.controller.decide(key)),
  ),
)
const carryOutLate = fc.constant(
  named('the slow controller goes on', (world) => {
    if (world.late !== undefined) world.controller.carryOut(world.late)
    world.late = undefined
  }),
)
const time = fc.constantFrom(1, 61, 301).map((seconds) =>
  named(`${seconds} s pass`, ({ cluster, controller }) => {
    controller.look()
    cluster.nowMs += seconds * 1000
  }),
)
const settle = fc.constant(
  named('settle', ({ controller }) => {
    const busy = controller.settle()
    if (busy !== undefined) throw new Error(`the plans never came to rest:\n${busy}`)
  }),
)

export const someAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 10, arbitrary: create },
  { weight: 4, arbitrary: edit },
  { weight: 3, arbitrary: remove },
  { weight: 1, arbitrary: replace },
  { weight: 1, arbitrary: copy },
  { weight: 1, arbitrary: answerLost },
  { weight: 2, arbitrary: admit },
  { weight: 2, arbitrary: store },
  { weight: 3, arbitrary: catchUp },
  { weight: 1, arbitrary: recordLost },
  { weight: 1, arbitrary: poolsChange },
  { weight: 2, arbitrary: oneKey },
  { weight: 1, arbitrary: decideLate },
  { weight: 1, arbitrary: carryOutLate },
  { weight: 1, arbitrary: time },
  { weight: 6, arbitrary: settle },
)

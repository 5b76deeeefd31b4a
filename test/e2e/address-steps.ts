// Steps that claims about addresses have in common: Eips and namespaces of a claim's own, Services by the API, what was
// refused, what a watch has seen, and a while without webhook.
import { type KubeObject, type Resource, eipAllocations } from '../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../lab/index.ts'
import {
  type ServiceJson,
  type ServiceShape,
  addressKey,
  eipObject,
  expect,
  getOrUndefined,
  kubectl,
  poolKey,
  remove,
  serviceObject,
} from './claim.ts'

export interface Stage {
  /** Specs by name. */
  readonly eips: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Labels by name of namespaces that only the claim uses; their Services are removed with them. */
  readonly namespaces?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Services in namespace default that are removed at the end. */
  readonly services?: readonly string[]
}

export const eipPath = (name: string): string => `/apis/network.kubesphere.io/v1alpha2/eips/${name}`

/** Makes the stage, shows, and takes it down: Services, then Eips, which is refused while their addresses are in use. */
export async function onStage<T>(
  lab: Lab,
  { eips, namespaces = {}, services = [] }: Stage,
  show: () => Promise<T>,
): Promise<T> {
  let failed: string | undefined
  try {
    for (const [name, labels] of Object.entries(namespaces)) {
      // One of that name may still be on its way out, of the claim before.
      await waitFor(
        `namespace ${name} is made`,
        async () => {
          await lab.request('POST', '/api/v1/namespaces', { metadata: { name, labels } })
          return true
        },
        { timeoutMs: freeWithinMs, everyMs: 200 },
      )
    }
    await Promise.all(Object.entries(eips).map(([name, spec]) => createEip(lab, name, spec)))
    return await show()
  } catch (error) {
    failed = error instanceof Error ? error.message : String(error)
    throw error
  } finally {
    await takeDown(lab, { eips, namespaces, services }).catch((error: unknown) => {
      throw new Error([failed, String(error)].filter((each) => each !== undefined).join('; and then: '))
    })
  }
}

async function takeDown(lab: Lab, { eips, namespaces, services }: Required<Stage>): Promise<void> {
  const names = Object.keys(eips)
  const retaining = names.filter((name) => 'retainSeconds' in (eips[name] ?? {}))
  for (const name of retaining) await changeEip(lab, name, { spec: { retainSeconds: 0 } })
  if (services.length > 0) await remove(lab, 'service', ...services)
  for (const name of Object.keys(namespaces)) await lab.request('DELETE', `/api/v1/namespaces/${name}/services`)
  // What was deleted before is still kept for a Service that may come back, and would keep the Eip too.
  for (const name of retaining) await waitFor(`Eip ${name} is not in use`, () => freeRetained(lab, name))
  await removeEips(lab, ...names)
  if (Object.keys(namespaces).length > 0) await remove(lab, 'namespace', ...Object.keys(namespaces))
}

async function freeRetained(lab: Lab, eip: string): Promise<boolean> {
  const records = await lab.api.list(eipAllocations, { labelSelector: `${poolKey}=${eip}` })
  if (!records.ok) return false
  for (const { metadata } of records.value.items) {
    await lab.api.delete({ resource: eipAllocations, name: metadata.name ?? '' })
  }
  return records.value.items.length === 0
}

/** Resolves when the controller has seen it, so that the webhook, which listens just so, has very likely seen it too. */
export async function createEip(lab: Lab, name: string, spec: Readonly<Record<string, unknown>>): Promise<void> {
  await lab.request('POST', eipPath('').slice(0, -1), eipObject(name, spec))
  await waitFor(`Eip ${name} has a status`, async () => 'status' in ((await getEip(lab, name)) as object))
}

/**
 * What nobody was told of is Held for a minute, and an address that was given back cools until every speaker's view is new
 * enough: on a busy machine, where the controller hears of it half a second late, until their next bookmark (design §3).
 */
const freeWithinMs = 80_000

/** Waits until their addresses are free, for they are not deleted before. */
export async function removeEips(lab: Lab, ...names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => removeEip(lab, name)))
}

async function removeEip(lab: Lab, name: string): Promise<void> {
  await waitFor(
    `Eip ${name} is deleted`,
    async () => {
      if ((await getOrUndefined(lab, eipPath(name))) !== undefined) await lab.request('DELETE', eipPath(name))
      return true
    },
    { timeoutMs: freeWithinMs, everyMs: 200 },
  )
}

export interface EipJson {
  readonly metadata: { readonly finalizers?: readonly string[] }
  readonly status?: {
    readonly poolSize?: number
    readonly usage?: number
    readonly free?: number
    readonly firstIP?: string
    readonly lastIP?: string
    readonly v4?: boolean
    readonly used?: Readonly<Record<string, string>>
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[]
  }
}

export async function getEip(lab: Lab, name: string): Promise<EipJson> {
  return (await lab.request('GET', eipPath(name))) as EipJson
}

export async function changeEip(lab: Lab, name: string, change: object): Promise<void> {
  await lab.request('PATCH', eipPath(name), change)
}

/** Waits until the Eip says just this of who has which address. */
export async function waitForUsed(lab: Lab, eip: string, used: Readonly<Record<string, string>>): Promise<void> {
  const asText = (of: Readonly<Record<string, string>>): string =>
    Object.entries(of)
      .map(([address, holders]) => `${address} ${holders}`)
      .toSorted()
      .join(', ')
  const wanted = asText(used)
  let seen = ''
  await waitFor(
    `Eip ${eip} says used {${wanted}}`,
    async () => {
      const { status } = await getEip(lab, eip)
      seen = asText(status?.used ?? {})
      return seen === wanted && status?.usage === Object.keys(used).length
    },
    { missing: () => `it says {${seen}}`, timeoutMs: 20_000 },
  )
}

const servicesPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/services`

/** Rejects with the refusal when it is refused. */
export async function createService(lab: Lab, shape: ServiceShape): Promise<ServiceJson> {
  const object = serviceObject(shape)
  return (await lab.request('POST', servicesPath(shape.namespace ?? 'default'), object)) as ServiceJson
}

/** A merge patch. */
export async function changeService(lab: Lab, name: string, change: object, namespace = 'default'): Promise<void> {
  await lab.request('PATCH', `${servicesPath(namespace)}/${name}`, change)
}

export async function deleteService(lab: Lab, name: string, namespace = 'default'): Promise<void> {
  await lab.request('DELETE', `${servicesPath(namespace)}/${name}`)
}

/** The address that the answer to the create carries; empty: none. */
export const addressIn = (service: ServiceJson): string => service.metadata.annotations?.[addressKey] ?? ''

/** The sentence of a refusal that must match; fails when it was not refused. */
export async function refusalOf(lab: Lab, shape: ServiceShape, sentence: RegExp): Promise<string> {
  const said = await createService(lab, shape).then(
    ({ metadata }) => `accepted, with address ${metadata.annotations?.[addressKey] ?? 'none'}`,
    (error: unknown) => String(error),
  )
  expect(sentence.test(said), `the create of ${shape.name} should be refused with ${sentence.source}: ${said}`)
  return said
}

/** Admitted with a warning that matches, which kubectl prints. */
export async function warningOf(lab: Lab, shape: ServiceShape, sentence: RegExp): Promise<string> {
  const { ok, said } = await kubectl(lab, ['create', '-f', '-'], serviceObject(shape))
  expect(ok, `${shape.name} was refused: ${said}`)
  const [warning] = said.split('\n').filter((line) => line.startsWith('Warning:') && sentence.test(line))
  expect(warning !== undefined, `no warning of ${shape.name} matches ${sentence.source}: ${said}`)
  return warning
}

/** 0, 1, 2 and so on, so many. */
export const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at)

export interface Observation {
  /** Every version since it began, in order; of objects that went the last is repeated, with `deleted`. */
  readonly versions: readonly { readonly object: KubeObject; readonly deleted: boolean }[]
  stop(): void
}

/** Watches from now on. `namespace` undefined: all, or a kind without. */
export async function observe(
  lab: Lab,
  resource: Resource,
  selection: { readonly namespace?: string; readonly fieldSelector?: string } = {},
): Promise<Observation> {
  const listed = await lab.api.list(resource, { ...selection, limit: 1 })
  expect(listed.ok, `${resource.plural} cannot be listed`)
  const { resourceVersion } = listed.value
  const versions: { object: KubeObject; deleted: boolean }[] = []
  const watch = lab.api.watch(resource, { ...selection, resourceVersion, timeoutSeconds: 300 }, ({ type, object }) => {
    if (type !== 'BOOKMARK') versions.push({ object, deleted: type === 'DELETED' })
  })
  return { versions, stop: () => watch.stop() }
}

/** Stops every replica of the webhook meanwhile; afterwards waits until one answers again. */
export async function withoutWebhook<T>(lab: Lab, show: () => Promise<T>): Promise<T> {
  const webhook = lab.program('webhook')
  await webhook.stop('SIGKILL')
  try {
    return await show()
  } finally {
    await webhook.start()
    await waitForWebhook(lab)
  }
}

/** Every replica is ready, and the API server calls one: the answer to a dry run carries an address. */
export async function waitForWebhook(lab: Lab): Promise<void> {
  const replicas = lab.pods().filter((run) => run.programName() === 'webhook')
  await waitFor('every replica of the webhook is ready', () => replicas.every((run) => run.isReady()), {
    timeoutMs: 30_000,
  })
  await waitFor('the webhook answers again', async () => (await wouldHave(lab)) !== '', { timeoutMs: 30_000 })
}

/** Address that a Service which asks for nothing would be given: a dry run, by whichever replica it reaches. */
export async function wouldHave(lab: Lab): Promise<string> {
  const path = `${servicesPath('default')}?dryRun=All`
  return addressIn((await lab.request('POST', path, serviceObject({ name: 'probe' }))) as ServiceJson)
}

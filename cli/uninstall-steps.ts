// The steps of an uninstall, carried out one after the other; each can be carried out again, so that one that was broken
// off is simply begun anew.
import type { Condition } from '../src/core/model/index.ts'
import {
  assignedCondition,
  advertisedCondition,
  drainAnnotation,
  drainedForAnnotation,
  findCondition,
  isLegacyFinalizer,
  listAt,
  readNode,
  readService,
  readSpeaker,
  soleProviderCondition,
  stringAt,
} from '../src/core/model/index.ts'
import { patchReleased } from '../src/core/ipam/index.ts'
import type { Answer, KubeClient, KubeError } from '../src/io/kube/interface.ts'
import { nodes, pods, services, speakers } from '../src/io/kube/resources.ts'
import type { Clock } from '../src/io/process/clock.ts'
import { listAll } from './list-all.ts'
import type { Inventory, Part, Step } from './uninstall-plan.ts'
import { type Look, waitUntil } from './wait.ts'

export interface StepContext {
  readonly client: KubeClient
  readonly system: string
  readonly clock: Clock
  /** For each thing that is waited for. */
  readonly limitMs: number
  readonly say: (line: string) => void
  /** Something is left to be done by hand; the rest goes on. */
  readonly warn: (line: string) => void
}

const atOnce = 16
const bellhop = 'app.kubernetes.io/name=bellhop'

export async function carryOut(step: Step, context: StepContext): Promise<void> {
  switch (step.kind) {
    case 'delete':
      return deleteAll(step.parts, context)
    case 'leave':
      return haveSpeakersLeave(step, context)
    case 'end':
      await deleteAll(step.parts, context)
      return waitForPods(context, bellhop)
    case 'clear':
      return clearServices(step.services, context)
    case 'unfinalize':
      return unfinalize(step.parts, context)
    case 'vanish':
      await deleteAll(step.parts, context)
      return waitUntilGone(step.parts, context)
  }
}

async function deleteAll(parts: readonly Part[], { client, warn }: StepContext): Promise<void> {
  await forEach(parts, async (part) => {
    const answer = await client.delete(part)
    if (!answer.ok && answer.error.code !== 'NotFound')
      warn(`${titleOf(part)} was not deleted: ${answer.error.message}`)
  })
}

// A speaker that is drained has withdrawn everything; SIGTERM on a drained node means that it leaves for good, so it
// takes its host routes along. Both are how speakers behave on any day: nothing is there for an uninstall alone.
async function haveSpeakersLeave(
  { nodes: names, daemonSets }: Extract<Step, { kind: 'leave' }>,
  context: StepContext,
): Promise<void> {
  const { client, clock, limitMs, say, warn } = context
  await forEach(names, async (name) => {
    const node = await client.get({ resource: nodes, name })
    if (!node.ok || readNode(node.value).drain) return
    const metadata = { annotations: { [drainAnnotation]: 'true', [drainedForAnnotation]: 'uninstall' } }
    const written = await client.patch({ resource: nodes, name }, { type: 'merge', body: { metadata } })
    if (!written.ok) warn(`Node ${name} was not drained: ${written.error.message}`)
  })
  const left = await waitUntil(() => lookAtSpeakers(names, client), tell(say), { clock, limitMs })
  if (!left) warn('Not every speaker has said that it is drained: routers keep its routes until its session ends.')
  await deleteAll(daemonSets, context)
  await waitForPods(context, `${bellhop},app.kubernetes.io/component=speaker`)
  await putNodesBack(context)
}

async function lookAtSpeakers(names: readonly string[], client: KubeClient): Promise<Look> {
  const answer = await listAll(client, speakers)
  if (!answer.ok) return answer.error.code === 'NotFound' ? { done: true } : unreadable('Speakers', answer.error)
  const states = new Map(answer.value.map((object) => [object.metadata.name, readSpeaker(object).status.state]))
  const waiting = names.filter((name) => states.has(name) && states.get(name) !== 'Drained')
  return waiting.length === 0 ? { done: true } : { done: false, seen: `waiting for the speakers on ${some(waiting)}` }
}

async function putNodesBack({ client, warn }: StepContext): Promise<void> {
  const answer = await listAll(client, nodes)
  if (!answer.ok) return warn(`The annotation ${drainAnnotation} is left on nodes: ${answer.error.message}`)
  const marked = answer.value.filter(({ metadata }) => metadata.annotations?.[drainedForAnnotation] !== undefined)
  await forEach(marked, async ({ metadata: { name = '' } }) => {
    const metadata = { annotations: { [drainAnnotation]: null, [drainedForAnnotation]: null } }
    const written = await client.patch({ resource: nodes, name }, { type: 'merge', body: { metadata } })
    if (!written.ok) warn(`The annotation ${drainAnnotation} is left on node ${name}: ${written.error.message}`)
  })
}

async function waitForPods(
  { client, system, clock, limitMs, say, warn }: StepContext,
  selector: string,
): Promise<void> {
  const look = async (): Promise<Look> => {
    const answer = await listAll(client, pods, { namespace: system, labelSelector: selector })
    if (!answer.ok) return unreadable('Pods', answer.error)
    // What has ended stays as an object until somebody collects it.
    const live = answer.value.filter((pod) => !['Succeeded', 'Failed'].includes(stringAt(pod, 'status', 'phase') ?? ''))
    const names = live.map(({ metadata }) => metadata.name ?? '')
    return names.length === 0 ? { done: true } : { done: false, seen: `waiting for the end of ${some(names)}` }
  }
  const ended = await waitUntil(look, tell(say), { clock, limitMs })
  if (!ended) warn(`Pods of Bellhop in namespace ${system} have not ended within ${limitMs / 1000} s.`)
}

async function clearServices(keys: readonly string[], { client, warn }: StepContext): Promise<void> {
  await forEach(keys, async (key) => {
    const [namespace = '', name = ''] = key.split('/')
    const ref = { resource: services, namespace, name }
    const answer = await client.get(ref)
    const cleared = answer.ok ? await clearService(client, answer.value) : answer
    if (!cleared.ok && cleared.error.code !== 'NotFound')
      warn(`Service ${key} was not cleared: ${cleared.error.message}`)
  })
}

async function clearService(
  client: KubeClient,
  object: Parameters<typeof readService>[0] & { readonly metadata: object },
): Promise<Answer<unknown>> {
  const service = readService(object)
  const ref = { resource: services, namespace: service.namespace, name: service.name }
  const ours = [assignedCondition, advertisedCondition, soleProviderCondition]
  const conditions = listAt(object, 'status', 'conditions').filter(
    (condition) => !ours.includes((condition as Condition).type),
  )
  // The version stands against a write between our read and this one.
  const { resourceVersion } = service
  const isOf = ours.some((type) => findCondition(service.conditions, type) !== undefined)
  if (service.ingress.length > 0 || isOf) {
    const body = { metadata: { resourceVersion }, status: { loadBalancer: { ingress: null }, conditions } }
    const written = await client.patch(ref, { type: 'merge', subresource: 'status', body })
    if (!written.ok) return written
  }
  const patch = patchReleased(service)
  return patch.length === 0 ? { ok: true, value: undefined } : client.patch(ref, { type: 'json', body: patch })
}

async function unfinalize(parts: Inventory['finalized'], { client, warn }: StepContext): Promise<void> {
  await forEach(parts, async (part) => {
    const finalizers = part.finalizers.filter((finalizer) => !isLegacyFinalizer(finalizer))
    const body = [
      { op: 'test', path: '/metadata/finalizers', value: part.finalizers },
      { op: 'replace', path: '/metadata/finalizers', value: finalizers },
    ]
    const written = await client.patch(part, { type: 'json', body })
    if (!written.ok && written.error.code !== 'NotFound')
      warn(`${titleOf(part)} keeps its finalizers: ${written.error.message}`)
  })
}

async function waitUntilGone(
  parts: readonly Part[],
  { client, clock, limitMs, say, warn }: StepContext,
): Promise<void> {
  let there: readonly string[] = []
  const look = async (): Promise<Look> => {
    const answers = await Promise.all(parts.map(async (part) => [titleOf(part), await client.get(part)] as const))
    there = answers.flatMap(([title, answer]) => (!answer.ok && answer.error.code === 'NotFound' ? [] : [title]))
    return there.length === 0 ? { done: true } : { done: false, seen: `waiting for the end of ${some(there)}` }
  }
  if (await waitUntil(look, tell(say), { clock, limitMs })) return
  warn(`Still there after ${limitMs / 1000} s: ${there.join(', ')}. What holds them is in their status and finalizers.`)
}

function tell(say: StepContext['say']): (seen: string) => void {
  return (seen) => say(`   ${seen}`)
}

function unreadable(what: string, { message }: KubeError): Look {
  return { done: false, seen: `${what} cannot be read: ${message}` }
}

function titleOf({ resource, namespace, name }: Part): string {
  return `${resource.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`
}

function some(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}

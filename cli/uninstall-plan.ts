// What an uninstall does, in which order, and what becomes of what it leaves: from an inventory to steps, as data.
//
// The order is the whole point. Hooks first: nothing may wait for a webhook that is gone. Then the speakers, who alone can
// take back what routers and kernels have; they need their accounts and roles for it. Then the programs that would write
// again what is cleared. Definitions and namespaces last: deleting a definition deletes its objects and goes past
// admission, so nothing is left in Terminating by an Eip in use.
import { peersNamespace } from '../src/core/model/names.ts'
import type { Resource } from '../src/io/kube/interface.ts'
import { definitionName, ownPlurals, sharedPlurals } from './uninstall-kinds.ts'

/** One object of the installation. */
export interface Part {
  readonly resource: Resource
  readonly namespace?: string | undefined
  readonly name: string
}

export interface InstalledNamespace {
  readonly name: string
  /** Carries our label: made for Bellhop, so it may go with all that is in it. */
  readonly ours: boolean
}

export interface Inventory {
  readonly hooks: readonly Part[]
  readonly policies: readonly Part[]
  readonly workloads: readonly Part[]
  readonly remains: readonly Part[]
  readonly definitions: readonly Part[]
  /** Of Bellhop and of the passwords, where they exist. */
  readonly namespaces: readonly InstalledNamespace[]
  /** In the namespaces that are not ours: what programs made and no label tells. */
  readonly unlabelled: readonly Part[]
  /** Nodes with a Pod of a speaker. */
  readonly speakerNodes: readonly string[]
  /** Nodes with a Speaker object and no such Pod: nobody removes their host routes. */
  readonly deadSpeakers: readonly string[]
  /** Services that carry our label, as `namespace/name`. */
  readonly services: readonly string[]
  /** Objects of our kinds, by plural. */
  readonly objects: ReadonlyMap<string, number>
  /** Objects of ours with finalizers that OpenELB or Porter left. */
  readonly finalized: readonly (Part & { readonly finalizers: readonly string[] })[]
  /** Leases of an OpenELB or Porter that is running. */
  readonly otherProviders: readonly string[]
  /** Helm's name for it, where Helm installed it. */
  readonly release: string | undefined
}

export interface UninstallOptions {
  readonly keepCrds: boolean
  readonly clearServices: boolean
}

export type Step =
  | { readonly kind: 'delete'; readonly parts: readonly Part[] }
  | { readonly kind: 'leave'; readonly nodes: readonly string[]; readonly daemonSets: readonly Part[] }
  | { readonly kind: 'end'; readonly parts: readonly Part[] }
  | { readonly kind: 'clear'; readonly services: readonly string[] }
  | { readonly kind: 'unfinalize'; readonly parts: Inventory['finalized'] }
  /** Deleted, and waited for until they are gone. */
  | { readonly kind: 'vanish'; readonly parts: readonly Part[] }

export interface PlannedStep {
  readonly step: Step
  /** One sentence: what is done, and why here. */
  readonly what: string
}

export interface UninstallPlan {
  readonly steps: readonly PlannedStep[]
  /** What it leaves, and what becomes of it. */
  readonly notes: readonly string[]
}

const namespaceKind: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false }

export function planUninstall(found: Inventory, { keepCrds, clearServices }: UninstallOptions): UninstallPlan {
  const daemonSets = found.workloads.filter(({ resource }) => resource.kind === 'DaemonSet')
  const programs = found.workloads.filter(({ resource }) => resource.kind !== 'DaemonSet')
  const kept = keptDefinitions(found, keepCrds)
  const definitions = found.definitions.filter(({ name }) => !kept.includes(name))
  // Passwords belong to the BgpPeers that name them.
  const namespaces = found.namespaces.filter(({ name, ours }) => ours && !(keepCrds && name === peersNamespace))
  const rest = found.remains.filter(({ namespace }) => !namespaces.some(({ name }) => name === namespace))
  const steps: PlannedStep[] = []
  const add = (isWanted: boolean, step: Step, what: string): void => {
    if (isWanted) steps.push({ step, what })
  }
  add(
    found.hooks.length > 0,
    { kind: 'delete', parts: found.hooks },
    `delete ${named(found.hooks)}: no create waits for a webhook that is gone`,
  )
  add(
    daemonSets.length > 0 || found.speakerNodes.length > 0,
    { kind: 'leave', nodes: found.speakerNodes, daemonSets },
    `have the speakers on ${listed(found.speakerNodes)} withdraw every address, close their sessions and remove their host routes${daemonSets.length === 0 ? '' : `; delete ${named(daemonSets)}`}`,
  )
  add(programs.length > 0, { kind: 'end', parts: programs }, `end the programs: delete ${named(programs)}`)
  add(
    clearServices && found.services.length > 0,
    { kind: 'clear', services: found.services },
    `take address, label and annotations of ours out of ${count(found.services.length, 'Service')}`,
  )
  add(found.policies.length > 0, { kind: 'delete', parts: found.policies }, `delete ${kindsOf(found.policies)}`)
  const mayUnfinalize = found.otherProviders.length === 0 && found.finalized.length > 0
  add(
    mayUnfinalize,
    { kind: 'unfinalize', parts: found.finalized },
    `remove the finalizers that OpenELB left on ${count(found.finalized.length, 'object')}: nobody else would`,
  )
  add(
    definitions.length > 0,
    { kind: 'vanish', parts: definitions },
    `delete the definitions ${listed(definitions.map(({ name }) => name.split('.', 1)[0] ?? name))} with their objects (${objectsOf(found, definitions)})`,
  )
  add(
    rest.length + found.unlabelled.length > 0,
    { kind: 'delete', parts: [...rest, ...found.unlabelled] },
    `delete ${kindsOf([...rest, ...found.unlabelled])}`,
  )
  const gone = namespaces.map(({ name }): Part => ({ resource: namespaceKind, name }))
  add(
    gone.length > 0,
    { kind: 'vanish', parts: gone },
    `delete the namespaces ${listed(gone.map(({ name }) => name))} with all that is in them`,
  )
  return { steps, notes: notesOf(found, { kept, clearServices, keepCrds }) }
}

function keptDefinitions({ otherProviders }: Inventory, keepCrds: boolean): readonly string[] {
  if (keepCrds) return [...sharedPlurals, ...ownPlurals].map(definitionName)
  return otherProviders.length > 0 ? sharedPlurals.map(definitionName) : []
}

interface Fate extends UninstallOptions {
  readonly kept: readonly string[]
}

function notesOf(found: Inventory, { kept, clearServices, keepCrds }: Fate): readonly string[] {
  const notes: string[] = []
  const { services, deadSpeakers, otherProviders, namespaces, release } = found
  if (services.length > 0) {
    notes.push(
      clearServices
        ? `${count(services.length, 'Service')} will have no address. What their users wrote stays.`
        : `${count(services.length, 'Service')} with an address: routers lose the way to it, status.loadBalancer keeps it, and an installation with the same pools takes it up again. --clear-services takes it out.`,
    )
  }
  if (keepCrds)
    notes.push('Eips, BgpConfs, BgpPeers, the records of addresses and the passwords of peers stay (--keep-crds).')
  else if (otherProviders.length > 0) {
    notes.push(
      `${otherProviders.join(' and ')} is being renewed: an OpenELB or Porter is running, so ${listed(kept.map((name) => name.split('.', 1)[0] ?? name))} stay with their objects and finalizers.`,
    )
  } else if (namespaces.some(({ name, ours }) => ours && name === peersNamespace)) {
    notes.push('The pools, the peers and their passwords are deleted for good; --keep-crds keeps them.')
  }
  for (const { name, ours } of namespaces) {
    if (!ours)
      notes.push(`Namespace ${name} does not carry our label, so it stays; only what is Bellhop's is deleted in it.`)
  }
  if (deadSpeakers.length > 0) {
    notes.push(
      `No speaker runs on ${listed(deadSpeakers)}, which had one: "speaker --cleanup" there removes the host routes that it left.`,
    )
  }
  if (release !== undefined) {
    notes.push(
      `Helm knows it as release ${release}: "helm uninstall ${release}" afterwards removes Helm's own record if one is left.`,
    )
  }
  return notes
}

function objectsOf({ objects }: Inventory, definitions: readonly Part[]): string {
  const counts = definitions.flatMap(({ name }) => {
    const plural = name.split('.', 1)[0] ?? name
    const number = objects.get(plural) ?? 0
    return number === 0 ? [] : [`${number} ${plural}`]
  })
  return counts.length === 0 ? 'none' : counts.join(', ')
}

function named(parts: readonly Part[]): string {
  return parts.length === 0 ? 'nothing' : parts.map(({ resource, name }) => `${resource.kind} ${name}`).join(', ')
}

function kindsOf(parts: readonly Part[]): string {
  const kinds = Map.groupBy(parts, ({ resource }) => resource.kind)
  return [...kinds]
    .map(([kind, those]) => (those.length === 1 ? `${kind} ${those[0]?.name}` : `${those.length} ${pluralOf(kind)}`))
    .join(', ')
}

function pluralOf(kind: string): string {
  return kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : kind.endsWith('s') ? `${kind}es` : `${kind}s`
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'no node'
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ')
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

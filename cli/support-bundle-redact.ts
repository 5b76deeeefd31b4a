// What of an object goes into a support bundle: everything that is known to hold no secret, and nothing that might.
//
// Values are let through by name, not kept back by name: annotations that we or Kubernetes write, variables and options
// that our programs know. What somebody else put there is replaced by a mark, so that it shows that there was something.
// And what is known to be a password, since it stands in plain text in a BgpPeer, is searched for in all texts besides.
import * as names from '../src/core/model/names.ts'
import { type KubeObjectLike, listAt, objectAt, stringAt } from '../src/core/model/index.ts'

export const leftOut = '(left out)'

// Kept versions hold whole fields of another version, with the password among them.
const ownAnnotations: readonly string[] = [
  names.optInAnnotation,
  ...names.addressAnnotation,
  ...names.poolAnnotation,
  ...names.protocolAnnotation,
  ...names.defaultEipAnnotation,
  names.claimAnnotation,
  names.sharingKeyAnnotation,
  names.forceDeleteAnnotation,
  names.drainAnnotation,
  names.drainedForAnnotation,
  names.currentUpToAnnotation,
]
const knownAnnotations = new Set([
  ...ownAnnotations,
  'deployment.kubernetes.io/revision',
  'deprecated.daemonset.template.generation',
  'endpoints.kubernetes.io/last-change-trigger-time',
  'kubectl.kubernetes.io/restartedAt',
  'kubernetes.io/config.source',
  'meta.helm.sh/release-name',
  'meta.helm.sh/release-namespace',
  'node.alpha.kubernetes.io/ttl',
])
const knownVariables = new Set([
  'MALLOC_ARENA_MAX',
  'NODE_NAME',
  'NODE_IP',
  'POD_NAME',
  'POD_IP',
  'POD_NAMESPACE',
  'NODE_ENV',
])
const knownOptions = new Set([
  ...['identity', 'listen', 'log-level', 'metrics-listen', 'namespace', 'node-name', 'service', 'configuration'],
  ...['unavailable', 'cleanup', 'leave', 'optimize-for-size', 'max-old-space-size', 'max-semi-space-size'],
])
/** Of a string field of this name the value is left out, wherever it stands; names of Secrets are none. */
const secretField = /pass(word|wd|phrase)|token|credential|private|apikey|authorization/i
const harmlessField = /Ref$|Name$|Path$|^automount/

/** A copy with what might be secret replaced; managed fields are dropped: they say who wrote what, at length. */
export function redactObject(object: KubeObjectLike): KubeObjectLike {
  return redact(object, '') as KubeObjectLike
}

function redact(value: unknown, field: string): unknown {
  if (Array.isArray(value)) return redactList(value, field)
  if (typeof value === 'string') return isSecret(field) ? leftOut : value
  if (typeof value !== 'object' || value === null) return value
  if (field === 'annotations') return redactMap(value, (key) => knownAnnotations.has(key))
  // Of a Secret or ConfigMap, should one ever get here.
  if (field === 'data' || field === 'stringData' || field === 'binaryData') return redactMap(value, () => false)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'managedFields')
      .map(([key, inner]) => [key, redact(inner, key)]),
  )
}

function redactList(list: readonly unknown[], field: string): unknown {
  if (field === 'env') return list.map(redactVariable)
  if (field === 'args' || field === 'command') return list.map((word, at) => redactWord(word, list[at - 1]))
  return list.map((inner) => redact(inner, field))
}

// Where a value comes from is told, the value is not.
function redactVariable(variable: unknown): unknown {
  const { value, ...rest } = objectAt(variable)
  const name = stringAt(variable, 'name') ?? ''
  return { ...rest, ...(value === undefined ? {} : { value: knownVariables.has(name) ? value : leftOut }) }
}

/** `--option=value`, `--option value`, `VARIABLE=value`. */
function redactWord(word: unknown, before: unknown): unknown {
  if (typeof word !== 'string') return leftOut
  const [option = '', ...value] = word.split('=')
  if (option.startsWith('-')) return value.length === 0 || isKnownOption(option) ? word : `${option}=${leftOut}`
  if (typeof before === 'string' && before.startsWith('-') && !before.includes('=')) {
    return isKnownOption(before) ? word : leftOut
  }
  return value.length > 0 || /\s/.test(word) ? leftOut : word
}

function isKnownOption(option: string): boolean {
  return knownOptions.has(option.replace(/^-+/, ''))
}

function redactMap(map: object, isKnown: (key: string) => boolean): unknown {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, isKnown(key) ? (value as unknown) : leftOut]),
  )
}

function isSecret(field: string): boolean {
  return secretField.test(field) && !harmlessField.test(field)
}

/** What is known to be secret because it stands in an object in plain text: passwords of BgpPeers, in either version. */
export function secretsIn(objects: Iterable<KubeObjectLike>): readonly string[] {
  const found = new Set<string>()
  const visit = (value: unknown, field: string): void => {
    if (typeof value === 'string') {
      if (isSecret(field)) found.add(value)
    } else if (Array.isArray(value)) for (const inner of value) visit(inner, field)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) if (key !== 'managedFields') visit(inner, key)
    }
  }
  for (const { spec } of objects) visit(spec, 'spec')
  return [...found].filter((secret) => secret !== '' && secret !== leftOut)
}

// Shorter ones are found in every other word: to search for them would leave nothing, and tell them.
const leastSearched = 4

/**
 * The text without these, as they stand, as JSON writes them (also within JSON) and in base64; the longest first, since one
 * may hold another.
 */
export function scrub(text: string, secrets: readonly string[]): string {
  const escaped = (of: string): string => JSON.stringify(of).slice(1, -1)
  const forms = secrets
    .filter(({ length }) => length >= leastSearched)
    .flatMap((secret) => [secret, escaped(secret), escaped(escaped(secret)), Buffer.from(secret).toString('base64')])
  return [...new Set(forms)]
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, form) => rest.replaceAll(form, leftOut), text)
}

/** Environment of the containers, whose values are left out, as secrets to be searched for elsewhere. */
export function variableSecrets(objects: Iterable<KubeObjectLike>): readonly string[] {
  const containers = [...objects].flatMap(({ spec }) => [
    ...listAt(spec, 'containers'),
    ...listAt(spec, 'template', 'spec', 'containers'),
  ])
  return containers.flatMap((container) =>
    listAt(container, 'env').flatMap((variable) => {
      const [name, value] = [stringAt(variable, 'name') ?? '', stringAt(variable, 'value')]
      return value === undefined || !secretField.test(name) ? [] : [value]
    }),
  )
}

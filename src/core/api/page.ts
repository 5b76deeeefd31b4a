// Kind → reference page, and the closed set of reasons → its page. Markdown, one table row a field.
import { reasons } from '../model/index.ts'
import { objectSchema } from './crd.ts'
import type { Kind, KindVersion } from './kind.ts'
import { cell, generatedNote, lines, tableOf } from './markdown.ts'

interface Schema {
  readonly description?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
  readonly maxProperties?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[]
}

/** The page of a kind, ending in a newline. */
export function pageOf(kind: Kind): string {
  const names = [`\`kubectl get ${kind.plural}\``, ...kind.shortNames.map((name) => `\`kubectl get ${name}\``)]
  return lines([
    generatedNote,
    '',
    `# ${kind.kind}`,
    '',
    kind.description,
    '',
    `Written by: ${kind.writtenBy}. Cluster-scoped; ${names.join(', ')}.`,
    '',
    ...(kind.example === undefined ? [] : ['```yaml', kind.example.trimEnd(), '```', '']),
    ...kind.versions.flatMap((version) => versionSection(kind, version)),
  ])
}

/** The page of the reasons, ending in a newline. */
export function reasonsPage(): string {
  return lines([
    generatedNote,
    '',
    '# Reasons',
    '',
    'Every "no", and every condition, carries one of these codes; the same word stands in logs, events, conditions and metrics.',
    '',
    ...tableOf(
      ['Reason', 'Meaning'],
      Object.entries(reasons).map(([code, sentence]) => [`\`${code}\``, sentence]),
    ),
  ])
}

function versionSection(kind: Kind, version: KindVersion): readonly string[] {
  const schema: Schema = objectSchema(kind, version)
  const rules = rulesBelow('', schema)
  return [
    `## ${version.name}`,
    '',
    ...(version.storage ? [] : [`${version.deprecationWarning ?? 'Served, not stored'}.`, '']),
    ...['spec', 'status'].flatMap((part) => {
      const fields = schema.properties?.[part]
      if (fields?.properties === undefined) return []
      return [
        `### ${part}`,
        '',
        '| Field | Type | Bounds | Meaning |',
        '| --- | --- | --- | --- |',
        ...fieldsBelow(part, fields),
        '',
      ]
    }),
    ...(rules.length === 0 ? [] : ['### Refused by the API server', '', ...rules.map((rule) => `- ${rule}`), '']),
    ...(version.columns.length === 0 ? [] : ['### Columns', '']),
    ...version.columns.map(
      ({ name, jsonPath, description, priority }) =>
        `- ${name.toUpperCase()}: ${description} (\`${jsonPath}\`${priority === 1 ? ', with `-o wide`' : ''})`,
    ),
    '',
  ]
}

function fieldsBelow(path: string, schema: Schema): readonly string[] {
  const named = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const must = schema.required?.includes(name) === true
    return fieldRows(`${path}.${name}`, field, must)
  })
  const { items, additionalProperties } = schema
  return [
    ...named,
    ...(items === undefined ? [] : fieldsBelow(`${path}[]`, items)),
    ...(additionalProperties === undefined ? [] : fieldsBelow(`${path}.*`, additionalProperties)),
  ]
}

function fieldRows(path: string, field: Schema, must: boolean): readonly string[] {
  const bounds = [must ? 'required' : '', ...boundsOf(field)].filter((bound) => bound !== '').join('; ')
  const row = `| \`${path}\` | ${typeName(field)} | ${cell(bounds)} | ${cell(field.description ?? '')} |`
  return [row, ...fieldsBelow(path, field)]
}

function typeName(schema: Schema): string {
  if (schema.items !== undefined) return `list of ${typeName(schema.items)}`
  if (schema.additionalProperties !== undefined) return `map of ${typeName(schema.additionalProperties)}`
  return schema.format === 'date-time' ? 'time' : (schema.type ?? 'any')
}

function boundsOf(schema: Schema): readonly string[] {
  const { minimum, maximum } = schema
  const inner = schema.items ?? schema.additionalProperties
  return [
    schema.enum === undefined ? '' : schema.enum.join(', '),
    minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : '',
    minimum !== undefined && maximum === undefined ? `at least ${minimum}` : '',
    schema.pattern === undefined ? '' : `\`${schema.pattern}\``,
    schema.maxLength === undefined ? '' : `at most ${schema.maxLength} characters`,
    schema.maxItems === undefined ? '' : `at most ${schema.maxItems} entries`,
    schema.maxProperties === undefined ? '' : `at most ${schema.maxProperties} entries`,
    ...(inner === undefined ? [] : boundsOf(inner).map((bound) => (bound === '' ? '' : `each ${bound}`))),
  ]
}

function rulesBelow(path: string, schema: Schema): readonly string[] {
  const here = (schema['x-kubernetes-validations'] ?? []).map(
    ({ message }) => `${path === '' ? '' : `\`${path}\`: `}${message}`,
  )
  const step = (name: string): string => (path === '' ? name : `${path}.${name}`)
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => rulesBelow(step(name), field))
  const { items, additionalProperties } = schema
  return [
    ...here,
    ...below,
    ...(items === undefined ? [] : rulesBelow(`${path}[]`, items)),
    ...(additionalProperties === undefined ? [] : rulesBelow(step('*'), additionalProperties)),
  ]
}

// Objects of ours that pages show outside the guides, which the lab does not apply: their fields are those of the kinds.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'

import { crdOf, kinds } from '../../../src/core/api/index.ts'

const root = join(import.meta.dirname, '../../..')

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly type?: string
}

interface Version {
  readonly name: string
  readonly schema: { readonly openAPIV3Schema: Schema }
}

/** What is wrong with a value, a sentence each. */
function misfits(value: unknown, schema: Schema, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each, at) => misfits(each, schema.items ?? {}, `${path}[${at}]`))
  if (typeof value !== 'object' || value === null) {
    const type = { number: 'integer', bigint: 'integer' }[typeof value as string] ?? typeof value
    if (schema.type !== undefined && schema.type !== type) return [`${path} is a ${type}, not a ${schema.type}`]
    return schema.enum === undefined || schema.enum.includes(value) ? [] : [`${path} cannot be ${String(value)}`]
  }
  const lacking = (schema.required ?? []).filter((name) => !(name in value)).map((name) => `${path} lacks ${name}`)
  if (schema.properties === undefined) return lacking
  const found = Object.entries(value).flatMap(([name, each]) => {
    const inner = schema.properties?.[name]
    return inner === undefined ? [`${path} has no field ${name}`] : misfits(each, inner, `${path}.${name}`)
  })
  return [...lacking, ...found]
}

function misfitsOf(object: unknown): readonly string[] {
  const { apiVersion = '', kind: name = '', spec } = object as { apiVersion?: string; kind?: string; spec?: unknown }
  const [group, version] = apiVersion.split('/')
  const kind = kinds.find((each) => each.kind === name)
  if (group !== 'network.kubesphere.io' || kind === undefined) return []
  const { versions } = (crdOf(kind) as unknown as { spec: { versions: readonly Version[] } }).spec
  const schema = versions.find((each) => each.name === version)?.schema.openAPIV3Schema.properties?.['spec']
  return schema === undefined ? [`${name} has no version ${version}`] : misfits(spec, schema, name)
}

function examplesOf(text: string): readonly unknown[] {
  return [...text.matchAll(/^```yaml[^\n]*\n([^]*?)^```/gm)].flatMap(([, yaml = '']) =>
    parseAllDocuments(yaml).map((document) => document.toJS() as unknown),
  )
}

const pages = ['README.md', ...globSync('docs/{guide,operations,adr}/*.md', { cwd: root })]

test('the objects that pages show have the fields of their kinds', () => {
  const seen: string[] = []
  for (const page of pages) {
    for (const example of examplesOf(readFileSync(join(root, page), 'utf8'))) {
      if (typeof example !== 'object' || example === null || !('kind' in example)) continue
      assert.deepEqual(misfitsOf(example), [], page)
      seen.push(`${page} ${String(example.kind)}`)
    }
  }
  assert.ok(seen.includes('README.md Eip'), seen.join(', '))
})

test('a field that is not there, one of another type and one that is lacking are told', () => {
  const object = { apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip', spec: { adres: 'x', adopt: 'yes' } }
  assert.deepEqual(misfitsOf(object), [
    'Eip lacks address',
    'Eip has no field adres',
    'Eip.adopt is a string, not a boolean',
  ])
})

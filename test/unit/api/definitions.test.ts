import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import * as names from '../../../src/core/model/names.ts'
import { crdOf, documentedNames, kinds, namesPage, pageOf, reasonsPage } from '../../../src/core/api/index.ts'
import { structuralSchema } from '../../../src/core/api/structural.ts'
import { reasons } from '../../../src/core/model/index.ts'

interface Schema {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema
  readonly [keyword: string]: unknown
}

interface Definition {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: Schema }
      readonly name: string
      readonly served: boolean
      readonly storage: boolean
      readonly additionalPrinterColumns?: readonly { readonly name: string; readonly jsonPath: string }[]
    }[]
    readonly conversion?: unknown
  }
}

function definitionOf(kind: string): Definition {
  const found = kinds.find((candidate) => candidate.kind === kind)
  assert.ok(found, `there is a kind ${kind}`)
  return crdOf(found) as unknown as Definition
}

function* fieldsBelow(path: string, schema: Schema): Iterable<readonly [string, Schema]> {
  yield [path, schema]
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* fieldsBelow(`${path}.${name}`, field)
  if (schema.items !== undefined) yield* fieldsBelow(`${path}[]`, schema.items)
  if (schema.additionalProperties !== undefined) yield* fieldsBelow(`${path}.*`, schema.additionalProperties)
}

function fieldsOf(kind: string): readonly (readonly [string, Schema])[] {
  return definitionOf(kind).spec.versions.flatMap(({ schema }) => [...fieldsBelow(kind, schema.openAPIV3Schema)])
}

function columnsOf(kind: string): readonly string[] {
  return (definitionOf(kind).spec.versions[0]?.additionalPrinterColumns ?? []).map(({ name }) => name.toUpperCase())
}

for (const { kind } of kinds) {
  void test(`${kind}: every field has a type, and every named one a description`, () => {
    for (const [path, field] of fieldsOf(kind)) {
      assert.ok(field.type !== undefined || field['x-kubernetes-int-or-string'] === true, `${path} has a type`)
      assert.notEqual(field['additionalProperties'], false, `${path} does not refuse unknown fields`)
      const isNamed = !path.endsWith(']') && !path.endsWith('*') && !path.endsWith('.metadata')
      if (isNamed) assert.ok(field.description, `${path} has a description`)
    }
  })

  void test(`${kind}: every string, list and map of the spec is bounded`, () => {
    for (const [path, field] of fieldsOf(kind)) {
      if (!path.startsWith(`${kind}.spec`)) continue
      const isBoundedText = field['enum'] !== undefined || field['maxLength'] !== undefined
      if (field.type === 'string') assert.ok(isBoundedText, `${path} has maxLength`)
      if (field.type === 'array') assert.ok(field['maxItems'] !== undefined, `${path} has maxItems`)
      if (field.type === 'integer') assert.equal(field['format'], 'int64', `${path} is int64`)
    }
  })

  void test(`${kind}: every column shows a field that is there`, () => {
    const paths = new Set(fieldsOf(kind).map(([path]) => path.replaceAll('[]', '[0]')))
    for (const version of definitionOf(kind).spec.versions) {
      for (const { name, jsonPath } of version.additionalPrinterColumns ?? []) {
        if (jsonPath === '.metadata.creationTimestamp') continue
        assert.ok(paths.has(`${kind}${jsonPath}`), `column ${name} shows ${jsonPath}`)
      }
    }
  })
}

void test('columns are those that users know, and then ours', () => {
  assert.deepEqual(columnsOf('Eip'), ['CIDR', 'USAGE', 'TOTAL', 'FREE', 'AGE'])
  assert.deepEqual(columnsOf('BgpPeer'), ['NEIGHBOR', 'AS', 'UP', 'AGE'])
  assert.deepEqual(columnsOf('BgpConf'), ['AS', 'NODES', 'AGE'])
  assert.deepEqual(columnsOf('EipAllocation'), ['EIP', 'SERVICE', 'NAMESPACE', 'RETAINED', 'AGE'])
  assert.deepEqual(columnsOf('Speaker'), ['RACK', 'PEERS', 'UP', 'PREFIXES', 'ROUTES', 'AGE'])
  assert.deepEqual(columnsOf('Rack'), ['SPEAKERS', 'UP', 'PROXIED', 'AGE'])
})

void test('v1alpha1 of the kinds that had one is served and converted by the webhook; v1alpha2 alone is stored', () => {
  for (const { kind } of kinds) {
    const { versions, conversion } = definitionOf(kind).spec
    const [now, old, ...more] = versions
    assert.deepEqual([now?.name, now?.served, now?.storage, more], ['v1alpha2', true, true, []], kind)
    if (!['Eip', 'BgpConf', 'BgpPeer'].includes(kind)) {
      assert.deepEqual([old, conversion], [undefined, undefined], kind)
      continue
    }
    assert.deepEqual([old?.name, old?.served, old?.storage], ['v1alpha1', true, false], kind)
    const service = { namespace: 'bellhop-system', name: 'bellhop-webhook', path: '/convert', port: 443 }
    const webhook = { clientConfig: { service }, conversionReviewVersions: ['v1'] }
    assert.deepEqual(conversion, { strategy: 'Webhook', webhook }, 'and the bundle is the webhook’s to write')
  }
  const columns = definitionOf('Eip').spec.versions[1]?.additionalPrinterColumns ?? []
  assert.deepEqual(
    columns.map(({ name }) => name),
    ['cidr', 'usage', 'total'],
  )
})

void test('AS numbers reach to 4294967295', () => {
  const found = new Map(fieldsOf('BgpPeer')).get('BgpPeer.spec.conf.peerAs')
  assert.equal(found?.['maximum'], 4294967295)
  assert.equal(found?.['format'], 'int64')
})

void test('a union with null is nullable, of integer and string int-or-string; any other is refused by name', () => {
  const schema = structuralSchema(z.object({ a: z.string().nullable(), b: z.union([z.int(), z.string()]) }))
  assert.deepEqual(schema['properties'], {
    a: { type: 'string', nullable: true },
    b: { 'x-kubernetes-int-or-string': true },
  })
  const unfit = z.object({ deep: z.object({ c: z.union([z.boolean(), z.string()]) }) })
  assert.throws(() => structuralSchema(unfit), /^Error: \.deep\.c is a union/)
})

void test('numbers of a closed set are integers, unbounded integers have no bounds, time has no pattern', () => {
  const schema = structuralSchema(z.object({ a: z.literal([4, 6]), b: z.int(), c: z.iso.datetime() }))
  assert.deepEqual(schema['properties'], {
    a: { type: 'integer', format: 'int64', enum: [4, 6] },
    b: { type: 'integer', format: 'int64' },
    c: { type: 'string', format: 'date-time' },
  })
})

void test('the page of a kind names every field and every rule; that of the reasons every reason', () => {
  for (const kind of kinds) {
    const page = pageOf(kind)
    for (const [path, field] of fieldsOf(kind.kind)) {
      const shown = path.slice(kind.kind.length + 1)
      const isField = /^(spec|status)\..*[a-zA-Z]$/.test(shown)
      if (isField) assert.ok(page.includes(`\`${shown}\``), `the page of ${kind.kind} has ${shown}`)
      for (const { message } of (field['x-kubernetes-validations'] ?? []) as readonly { message: string }[]) {
        assert.ok(page.includes(message), `the page of ${kind.kind} has: ${message}`)
      }
    }
  }
  const page = reasonsPage()
  for (const code of Object.keys(reasons)) assert.ok(page.includes(`\`${code}\``), `the page has ${code}`)
})

void test('the page of names has every annotation, label and condition that the model knows, and no other', () => {
  const known = Object.entries(names)
    .filter(([name]) => /(Annotation|Annotations|Label|Condition)$/.test(name))
    .flatMap(([, value]) => value as string | readonly string[])
  assert.deepEqual([...new Set(documentedNames)].toSorted(), [...new Set(known)].toSorted())
  const page = namesPage()
  for (const name of [...known, ...names.loadBalancerClasses]) assert.ok(page.includes(`\`${name}\``), `it has ${name}`)
})

// Whatever the schemas of v1alpha1 and v1alpha2 allow comes back from the other version as it was, and an edit made there
// stays. Objects are made from the schemas: a field that is added later is in these tests at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { convertObject, kinds, objectSchema } from '../../src/core/api/index.ts'

type Json = Readonly<Record<string, unknown>>

interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
}

const keys = fc.constantFrom('a', 'leaf1', 'example.org/b', '__proto__', 'constructor', '')
const texts = fc.oneof(fc.constantFrom('192.0.2.0/24', '192.0.2.9', 'fd00::/64', '90', ''), fc.string({ maxLength: 9 }))

/** Values of the right types; patterns and rules aside, which no conversion may rest on: objects stored long ago. */
function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  switch (schema.type ?? 'any') {
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: schema.minimum ?? -9, max: schema.maximum ?? 9 }))
    case 'string':
      return texts
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}), { maxLength: 3 })
    case 'object':
      return schema.additionalProperties === undefined
        ? fc.record(
            Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, at]) => [key, valuesOf(at)])),
            { requiredKeys: [] },
          )
        : fc.dictionary(keys, valuesOf(schema.additionalProperties), { maxKeys: 3, noNullPrototype: true })
    default:
      return fc.oneof(texts, fc.integer())
  }
}

const metadata = fc.record(
  {
    name: texts,
    labels: fc.dictionary(keys, texts, { maxKeys: 2, noNullPrototype: true }),
    // Empty is the same as none to the API server.
    annotations: fc.dictionary(keys, texts, { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
    generation: fc.nat(),
  },
  { requiredKeys: ['name'] },
)

const versions = ['v1alpha1', 'v1alpha2'] as const
type Version = (typeof versions)[number]
const apiVersion = (version: Version): string => `network.kubesphere.io/${version}`

function convert(object: Json, to: Version): Json {
  const converted = convertObject(object, apiVersion(to))
  assert.ok(converted.ok)
  // As it travels: what JSON cannot carry is no part of an answer.
  return JSON.parse(JSON.stringify(converted.object)) as Json
}

for (const kind of kinds.filter((each) => each.versions.length > 1)) {
  const objectsOf = (version: Version): fc.Arbitrary<Json> => {
    const found = kind.versions.find((each) => each.name === version)
    assert.ok(found)
    const { spec, status } = (objectSchema(kind, found) as Schema).properties ?? {}
    const body = fc.record({ spec: valuesOf(spec ?? {}), status: valuesOf(status ?? {}) }, { requiredKeys: ['spec'] })
    return fc
      .tuple(metadata, body)
      .map(([metadata, body]) => ({ apiVersion: apiVersion(version), kind: kind.kind, metadata, ...body }))
      .map((object) => JSON.parse(JSON.stringify(object)) as Json)
  }

  for (const [from, to] of [versions, versions.toReversed()] as readonly (readonly [Version, Version])[]) {
    void test(`POOL-12 (conversion) any ${kind.kind} of ${from} comes back from ${to} as it was, however often`, () => {
      fc.assert(
        fc.property(objectsOf(from), (object) => {
          const there = convert(object, to)
          const back = convert(there, from)
          assert.deepEqual(back, object)
          assert.deepEqual(convert(back, to), there)
        }),
        { numRuns: 300 },
      )
    })

    void test(`POOL-12 (conversion) any edit of a ${kind.kind} of ${from} made in ${to} stays when it is written back`, () => {
      fc.assert(
        fc.property(objectsOf(from), objectsOf(to), fc.boolean(), (object, other, whole) => {
          const read = convert(object, to)
          const spec = whole ? other['spec'] : { ...(read['spec'] as Json), ...(other['spec'] as Json) }
          const edited: Json = { ...read, spec }
          const stored = convert(edited, from)
          assert.deepEqual(convert(stored, to)['spec'], spec)
        }),
        { numRuns: 300 },
      )
    })

    void test(`POOL-12 (conversion) whatever stands in the annotations, a ${kind.kind} of ${from} is converted and reads the same`, () => {
      fc.assert(
        fc.property(objectsOf(from), fc.json(), objectsOf(to), (object, noise, other) => {
          const plain = convert({ ...object, metadata: { name: 'x' } }, to)
          for (const text of [noise, JSON.stringify({ spec: other['spec'] })]) {
            const annotations = { [`bellhop.dev/${to}`]: text, [`bellhop.dev/${from}`]: text }
            const forged = convert({ ...object, metadata: { name: 'x', annotations } }, to)
            const fields = (of: Json): Json => ({ ...convert(of, from), metadata: {} })
            assert.deepEqual(fields(forged), fields(plain))
          }
        }),
        { numRuns: 200 },
      )
    })
  }
}

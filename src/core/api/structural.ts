// JSON schema (as zod writes it for OpenAPI 3.0) → structural schema (as a CustomResourceDefinition takes it).
import * as z from 'zod'

type Json = Readonly<Record<string, unknown>>

/** Keywords of a structural schema that are kept, in the order in which they are written. */
const keywords = [
  'description',
  'type',
  'format',
  'nullable',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'maxProperties',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
]

/**
 * The schema of one field or object. Throws an Error naming the path for what no structural schema can say: that is a
 * mistake in a schema of ours, found when the definitions are generated.
 */
export function structuralSchema(schema: z.ZodType): Json {
  return structural(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }), '')
}

function structural(json: Json, path: string): Json {
  const plain = mergeUnion(json, path)
  if (plain['type'] === undefined && plain['x-kubernetes-int-or-string'] !== true) {
    throw new Error(`${path || 'the root'} has no type: a structural schema needs one`)
  }
  const out: Record<string, unknown> = {}
  for (const key of keywords) {
    const value = keywordOf(plain, key, path)
    if (value !== undefined) out[key] = value
  }
  return out
}

function keywordOf(json: Json, key: string, path: string): unknown {
  const value = json[key]
  switch (key) {
    case 'type':
      return isIntegerEnum(json) ? 'integer' : value
    case 'format':
      return isInteger(json) ? 'int64' : value
    // A date-time is checked by the API server; its pattern would only be noise.
    case 'pattern':
      return json['format'] === 'date-time' ? undefined : value
    // What zod writes where no bound was given: the reach of its own integers.
    case 'minimum':
      return value === Number.MIN_SAFE_INTEGER ? undefined : value
    case 'maximum':
      return value === Number.MAX_SAFE_INTEGER ? undefined : value
    case 'properties':
      return Object.keys(value ?? {}).length === 0
        ? undefined
        : Object.fromEntries(
            Object.entries(value as Record<string, Json>).map(([name, field]) => [
              name,
              structural(field, `${path}.${name}`),
            ]),
          )
    case 'items':
      return value === undefined ? undefined : structural(value as Json, `${path}[]`)
    // `false` is refused beside properties, and unknown fields are pruned anyway; an object means the values of a map.
    case 'additionalProperties':
      return typeof value === 'object' && value !== null ? structural(value as Json, `${path}.*`) : undefined
    default:
      return value
  }
}

function isInteger(json: Json): boolean {
  return json['type'] === 'integer' || isIntegerEnum(json)
}

function isIntegerEnum(json: Json): boolean {
  const values = json['enum']
  return json['type'] === 'number' && Array.isArray(values) && values.every((value) => Number.isInteger(value))
}

// A union with null is the other member, nullable; a union of integer and string is int-or-string. No other union has a
// structural form.
function mergeUnion(json: Json, path: string): Json {
  const union = (json['anyOf'] ?? json['oneOf']) as readonly Json[] | undefined
  if (union === undefined) return json
  const { anyOf: _, oneOf: __, ...rest } = json
  const members = union.filter((member) => !isNull(member))
  const [only] = members
  if (members.length === 1 && only !== undefined) return { ...only, ...rest, nullable: true }
  const types = new Set(members.map((member) => member['type']))
  if (types.size === 2 && types.has('string') && (types.has('integer') || types.has('number'))) {
    return { ...rest, 'x-kubernetes-int-or-string': true }
  }
  throw new Error(
    `${path || 'the root'} is a union: a structural schema has none but with null, or of integer and string`,
  )
}

function isNull(member: Json): boolean {
  const values = member['enum']
  return member['type'] === 'null' || (Array.isArray(values) && values.length === 1 && values[0] === null)
}

// The schema with unknown fields refused, at every level: what the API server would prune is a failure here.
import * as z from 'zod'

export function strict(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodObject) {
    const shape = Object.entries(schema.shape).map(([name, field]) => [name, strict(field as z.ZodType)])
    return z.strictObject(Object.fromEntries(shape) as z.ZodRawShape)
  }
  if (schema instanceof z.ZodExactOptional) return strict(schema.unwrap() as z.ZodType).exactOptional()
  if (schema instanceof z.ZodOptional) return strict(schema.unwrap() as z.ZodType).optional()
  if (schema instanceof z.ZodArray) return z.array(strict(schema.element as z.ZodType))
  if (schema instanceof z.ZodRecord) return z.record(z.string(), strict(schema.valueType as z.ZodType))
  return schema
}

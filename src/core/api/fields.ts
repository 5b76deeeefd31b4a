// Fields that several kinds share. Spec fields are bounded everywhere: the API server estimates the cost of every rule
// from the bounds and refuses a definition without them. Status fields are not: only Bellhop writes them, and a bound
// there could do nothing but lose a status.
import * as z from 'zod'
import type { ReasonCode } from '../model/index.ts'
import type { Rule } from './kind.ts'

/** The schema with CEL rules on its value. */
export function withRules<S extends z.ZodType>(schema: S, ...rules: readonly Rule[]): S {
  return schema.meta({ ...schema.meta(), 'x-kubernetes-validations': rules })
}

/** The list as a set: server-side apply merges entries of several writers, duplicates are refused. */
export function asSet<S extends z.ZodType>(schema: S): S {
  return schema.meta({ ...schema.meta(), 'x-kubernetes-list-type': 'set' })
}

/** The list as a map of objects with `keys`: server-side apply merges entries by them. */
export function asMapList<S extends z.ZodType>(schema: S, ...keys: readonly string[]): S {
  return schema.meta({ ...schema.meta(), 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys })
}

/** The object as one value: server-side apply replaces it whole. */
export function asAtomicMap<S extends z.ZodType>(schema: S): S {
  return schema.meta({ ...schema.meta(), 'x-kubernetes-map-type': 'atomic' })
}

/** RFC 6793: four octets. OpenELB's 32 signed bits refused every private 4-byte AS number. */
export function asNumber(): z.ZodInt {
  return z.int().min(0).max(4294967295)
}

export function uint32(): z.ZodInt {
  return z.int().min(0).max(4294967295)
}

export function port(): z.ZodInt {
  return z.int().min(0).max(65535)
}

export function count(): z.ZodInt {
  return z.int().min(0)
}

/** Name of an object: a DNS subdomain (RFC 1123); empty where the field means none then. */
export function objectName(): z.ZodString {
  return z
    .string()
    .max(253)
    .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$/)
}

/** Name of a namespace: a DNS label (RFC 1123). */
export function namespaceName(): z.ZodString {
  return z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
}

// Kubernetes, "Labels and Selectors": syntax and character set.
function labelValue(): z.ZodString {
  return z
    .string()
    .max(63)
    .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/)
}

function labelKey(): z.ZodString {
  return z
    .string()
    .max(317)
    .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/)
}

/** Text of an address; what it must be is said by a rule. */
export function addressText(): z.ZodString {
  return z.string().max(64)
}

export function labelsToMatch(): z.ZodRecord<z.ZodString, z.ZodString> {
  return asAtomicMap(z.record(z.string(), labelValue()).meta({ maxProperties: 64 }))
}

/**
 * A code from the closed set of reasons. No enum in the schema: a status with a reason newer than the definition must
 * not be refused while the two are upgraded.
 */
export function reasonCode(): z.ZodType<ReasonCode> {
  return z.string() as unknown as z.ZodType<ReasonCode>
}

/** metav1.Condition. */
export const condition = z
  .object({
    type: z.string().max(316).describe('Name of the condition.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
    reason: z.string().max(1024).describe('Code from the closed set of reasons.'),
    message: z.string().max(32768).describe('One sentence: what, where, and how to mend it.'),
    observedGeneration: z.int().min(0).exactOptional().describe('metadata.generation that was judged.'),
    lastTransitionTime: z.iso.datetime().exactOptional().describe('When the status last changed.'),
  })
  .describe('One condition, as Kubernetes has them.')

export function conditions(description: string): z.ZodArray<typeof condition> {
  return asMapList(z.array(condition).describe(description), 'type')
}

/** metav1.LabelSelector. */
export const labelSelector = asAtomicMap(
  z.object({
    matchLabels: z
      .record(z.string(), labelValue())
      .meta({ maxProperties: 64 })
      .exactOptional()
      .describe('Labels that must all be there with these values.'),
    matchExpressions: z
      .array(
        withRules(
          z.object({
            key: labelKey().describe('Key of the label.'),
            operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How the values are compared.'),
            values: z
              .array(labelValue())
              .max(256)
              .exactOptional()
              .describe('Values for In and NotIn; empty for the others.'),
          }),
          {
            rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            message:
              'the operators In and NotIn need values, Exists and DoesNotExist take none: correct values or operator',
          },
        ),
      )
      .max(64)
      .exactOptional()
      .describe('Requirements that must all be met.'),
  }),
)

/** OpenELB's GracefulRestart, the same in BgpConf and BgpPeer (RFC 4724). */
export const gracefulRestart = z.object({
  enabled: z.boolean().exactOptional().describe('Keep routes at the router over a restart of the speaker.'),
  restartTime: uint32()
    .exactOptional()
    .describe('Seconds the router waits for the speaker to come back; 0: 30. More than 4095 counts as 4095.'),
  notificationEnabled: z.boolean().exactOptional().describe('Also keep them over a NOTIFICATION (RFC 8538).'),
  helperOnly: z.boolean().exactOptional().describe('Help a restarting router, announce no restart of our own.'),
  deferralTime: uint32().exactOptional().describe('Accepted for OpenELB manifests; means nothing to a speaker.'),
  longlivedEnabled: z.boolean().exactOptional().describe('Accepted for OpenELB manifests; not used.'),
  staleRoutesTime: uint32().exactOptional().describe('Accepted for OpenELB manifests; not used.'),
  peerRestartTime: uint32().exactOptional().describe('Accepted for OpenELB manifests; state, not configuration.'),
  peerRestarting: z.boolean().exactOptional().describe('Accepted for OpenELB manifests; state, not configuration.'),
  localRestarting: z.boolean().exactOptional().describe('Accepted for OpenELB manifests; state, not configuration.'),
  mode: z.string().max(64).exactOptional().describe('Accepted for OpenELB manifests; state, not configuration.'),
})

// EipAllocation (design §3): one address in use. Read as a value by model/allocation.ts.
import * as z from 'zod'
import { allocationNameRule, ipRule } from './address-rules.ts'
import { addressText, withRules } from './fields.ts'
import type { Kind } from './kind.ts'

export const holder = z.object({
  namespace: z.string().max(63).describe('Namespace of the Service.'),
  name: z.string().max(253).exactOptional().describe('Name of the Service; empty until a generated name is known.'),
  generateName: z.string().max(253).exactOptional().describe('metadata.generateName of the Service, if it has one.'),
  claim: z
    .string()
    .max(128)
    .describe('The nonce in annotation bellhop.dev/claim of the Service; its UID where the controller claimed.'),
  ports: z
    .array(
      z.object({
        protocol: z.string().max(16).describe('TCP, UDP or SCTP.'),
        port: z.int().min(1).max(65535).describe('Port of the Service.'),
      }),
    )
    .max(1024)
    .exactOptional()
    .describe('Ports of the Service: two Services that share the address must not have one in common.'),
  asked: z
    .object({
      pool: z.string().max(512).exactOptional().describe('Eip that the Service named, as it was written.'),
      address: z.string().max(256).exactOptional().describe('Address that the Service named.'),
      loadBalancerIP: z
        .string()
        .max(256)
        .exactOptional()
        .describe('Value of spec.loadBalancerIP of the Service then: only a change of it is a new request.'),
      protocol: z.string().max(16).exactOptional().describe('Protocol that the Service named.'),
      porter: z
        .object({
          pool: z.string().max(512).exactOptional().describe('Eip.'),
          address: z.string().max(256).exactOptional().describe('Address.'),
          protocol: z.string().max(16).exactOptional().describe('Protocol.'),
        })
        .exactOptional()
        .describe(
          "What the annotations in Porter's spelling said then and did not count: only a change of it is a new request.",
        ),
    })
    .exactOptional()
    .describe('What the user asked for, if he did. What Bellhop wrote itself is never taken for a request.'),
})

export const eipAllocationSpec = z.object({
  address: withRules(addressText(), ipRule('spec.address'), {
    rule: 'self == oldSelf',
    message: 'the address of an EipAllocation cannot be changed: its name is the lock of the address',
  }).describe('The address.'),
  eip: z.string().max(63).describe('The Eip it was handed out of.'),
  protocol: z.enum(['bgp', 'layer2', 'vip']).exactOptional().describe('Protocol of the Eip.'),
  services: z.array(holder).max(256).describe('Services that hold the address; more than one when it is shared.'),
})

export const eipAllocationStatus = z.object({
  retainedUntil: z.iso
    .datetime()
    .exactOptional()
    .describe(
      'The address is kept until then: for the namespace and name of a deleted Service, or, when the Eip was force-deleted, for the Service that had it.',
    ),
})

export const eipAllocation: Kind = {
  kind: 'EipAllocation',
  plural: 'eipallocations',
  singular: 'eipallocation',
  shortNames: ['eipa'],
  categories: ['networking'],
  description:
    'An EipAllocation is one address in use. Its name is the address, so the API server itself sees to it that no address is claimed twice.',
  writtenBy: 'spec: the webhook and the controller; status: the controller',
  example: undefined,
  versions: [
    {
      name: 'v1alpha2',
      storage: true,
      spec: eipAllocationSpec,
      status: eipAllocationStatus,
      rules: [allocationNameRule],
      columns: [
        { name: 'eip', type: 'string', jsonPath: '.spec.eip', description: 'Pool of the address' },
        {
          name: 'service',
          type: 'string',
          jsonPath: '.spec.services[0].name',
          description: 'Service that holds it; the first of several',
        },
        {
          name: 'namespace',
          type: 'string',
          jsonPath: '.spec.services[0].namespace',
          description: 'Namespace of that Service',
          priority: 1,
        },
        { name: 'retained', type: 'string', jsonPath: '.status.retainedUntil', description: 'Kept until' },
        { name: 'age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation' },
      ],
    },
  ],
}

// Eip (openelb-api.md 2.2, design §3): a pool of addresses.
import * as z from 'zod'
import { rangeRule } from './address-rules.ts'
import {
  asAtomicMap,
  asSet,
  conditions,
  count,
  labelsToMatch,
  namespaceName,
  objectName,
  uint32,
  withRules,
} from './fields.ts'
import type { Kind, Rule } from './kind.ts'
import { eipV1alpha1 } from './v1alpha1/eip.ts'

const range = (field: string) => withRules(z.string().max(91), rangeRule(field))

// A NIC of Linux has at most 15 characters, neither `/` nor space; OpenELB took anything without a colon.
const interfaceRule: Rule = {
  rule: "self == '' || (self.startsWith('can_reach:') ? isIP(self.substring(10)) : self.matches('^[^/:[:space:]]{1,15}$'))",
  message:
    'invalid interface string, now only support can_reach: set spec.interface to the name of a NIC, or to can_reach:ADDRESS with an IP address',
  messageExpression:
    "'invalid interface string, now only support can_reach: \"' + self + '\" is neither; set spec.interface to the name of a NIC, or to can_reach:ADDRESS with an IP address'",
}

const communityRule: Rule = {
  rule: "self.contains(':') ? self.split(':').all(part, int(part) <= 65535) : true",
  message: 'each half of a community is at most 65535 (RFC 1997); larger ones go in largeCommunities',
}

const largeCommunityRule: Rule = {
  rule: "self.split(':').all(part, int(part) <= 4294967295)",
  message: 'each part of a large community is at most 4294967295 (RFC 8092)',
}

const bgp = z.object({
  communities: asSet(
    z.array(
      withRules(
        z
          .string()
          .max(24)
          .regex(
            /^([0-9]{1,5}:[0-9]{1,5}|no-export|no-advertise|no-export-subconfed|local-as|no-peer|graceful-shutdown|blackhole|accept-own|llgr-stale|no-llgr)$/,
          ),
        communityRule,
      ),
    ),
  )
    .max(64)
    .exactOptional()
    .describe('Communities of the routes, `AS:VALUE` or a well-known name such as no-export (RFC 1997).'),
  largeCommunities: asSet(
    z.array(
      withRules(
        z
          .string()
          .max(32)
          .regex(/^[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}$/),
        largeCommunityRule,
      ),
    ),
  )
    .max(64)
    .exactOptional()
    .describe('Large communities of the routes, `A:B:C` (RFC 8092).'),
  localPref: uint32().exactOptional().describe('LOCAL_PREF; sent to peers of our own AS only.'),
  med: uint32().exactOptional().describe('MULTI_EXIT_DISC.'),
  asPathPrepend: z.int().min(0).max(32).exactOptional().describe('How often our AS is prepended once more.'),
  peers: asSet(z.array(objectName()))
    .max(256)
    .exactOptional()
    .describe('Names of the BgpPeers that may learn the routes; empty: all.'),
})

export const eipSpec = withRules(
  z.object({
    address: range('spec.address').describe(
      'The addresses of the pool: one address, a CIDR block (host bits are ignored, the whole block is usable) or FIRST-LAST. May be changed while every address in use stays covered.',
    ),
    protocol: z
      .enum(['bgp', 'layer2', 'vip'])
      .exactOptional()
      .describe(
        'How the addresses are announced; bgp when absent. layer2 and vip are allocated from, not announced yet.',
      ),
    interface: withRules(z.string().max(256), interfaceRule)
      .exactOptional()
      .describe('For layer2 and vip: name of the NIC, or `can_reach:ADDRESS` for the NIC with the route to it.'),
    disable: z.boolean().exactOptional().describe('Hand out no new addresses; existing ones stay announced.'),
    usingKnownIPs: z.boolean().exactOptional().describe('Accepted for old manifests; means nothing.'),
    priority: z
      .int()
      .min(-2147483648)
      .max(2147483647)
      .exactOptional()
      .describe('Order among the pools that are bound to a namespace; the smaller number is preferred.'),
    namespaces: asSet(z.array(namespaceName()))
      .max(1024)
      .exactOptional()
      .describe('Namespaces whose Services may use the pool.'),
    namespaceSelector: labelsToMatch()
      .exactOptional()
      .describe('Labels of the namespaces whose Services may use the pool.'),
    extraAddresses: asSet(z.array(range('spec.extraAddresses')))
      .max(64)
      .exactOptional()
      .describe('More ranges, also of the other IP family: such a pool serves dual stack.'),
    excludes: asSet(z.array(range('spec.excludes')))
      .max(64)
      .exactOptional()
      .describe('Addresses and ranges that are never handed out.'),
    avoidBuggyIPs: z.boolean().exactOptional().describe('Hand out no IPv4 address that ends in .0 or .255.'),
    serviceSelector: labelsToMatch().exactOptional().describe('Labels of the Services that may use the pool unasked.'),
    allowExplicit: z
      .boolean()
      .exactOptional()
      .describe(
        'Services of other namespaces may ask for the pool by name. Default: true exactly when the pool has neither namespaces nor namespaceSelector.',
      ),
    maxPerNamespace: z
      .int()
      .min(1)
      .max(2147483647)
      .exactOptional()
      .describe('How many addresses of the pool one namespace may hold; a shared address counts once.'),
    retainSeconds: z
      .int()
      .min(0)
      .max(31536000)
      .exactOptional()
      .describe('How long the address of a deleted Service is kept for the same namespace and name.'),
    adopt: z
      .boolean()
      .exactOptional()
      .describe('On the default Eip: LoadBalancer Services without class and annotation are ours too.'),
    hostAccess: z
      .boolean()
      .exactOptional()
      .describe(
        'The node itself answers at the address: ping works and an unused port is refused at once, but every daemon that listens on 0.0.0.0 can be reached there.',
      ),
    bgp: asAtomicMap(bgp).exactOptional().describe('Attributes of the routes.'),
  }),
  {
    rule: "!has(self.protocol) || self.protocol == 'bgp' || (has(self.interface) && self.interface != '')",
    message:
      'if protocol is layer2 or vip, interface should not be empty: set spec.interface to the name of a NIC or to can_reach:ADDRESS',
  },
)

export const eipStatus = z.object({
  poolSize: count().exactOptional().describe('Number of addresses; 9007199254740991 when there are more.'),
  usage: count().exactOptional().describe('Number of addresses in use; a shared one counts once.'),
  free: count().exactOptional().describe('Number of addresses that can still be handed out.'),
  occupied: z.boolean().exactOptional().describe('No address is free.'),
  used: z
    .record(z.string(), z.string())
    .exactOptional()
    .describe(
      'Address to `namespace/name`, several joined by `;`. At most 256, condition UsedComplete says whether these are all; the EipAllocations have all of them.',
    ),
  firstIP: z.string().exactOptional().describe('First address of spec.address.'),
  lastIP: z.string().exactOptional().describe('Last address of spec.address.'),
  v4: z.boolean().exactOptional().describe('spec.address is IPv4.'),
  ready: z.boolean().exactOptional().describe('The pool can be handed out from.'),
  conditions: conditions('What is wrong with the pool, if anything.').exactOptional(),
})

// Also on updates, were it not for names that are there already: those cannot be changed.
const nameRule: Rule = {
  rule: 'oldSelf.hasValue() || size(self.metadata.name) <= 63',
  optionalOldSelf: true,
  message:
    'the name of an Eip has at most 63 characters, because it becomes the value of a label: choose a shorter one',
}

export const eip: Kind = {
  kind: 'Eip',
  plural: 'eips',
  singular: 'eip',
  shortNames: [],
  categories: ['networking'],
  description:
    'An Eip is a pool of addresses for Services of type LoadBalancer. The annotation eip.openelb.kubesphere.io/is-default-eip: "true" makes it the default pool.',
  writtenBy: 'spec: the administrator; status: the controller',
  example: `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata:
  name: public
  annotations:
    eip.openelb.kubesphere.io/is-default-eip: "true"
spec:
  address: 192.0.2.0/24
  excludes: [192.0.2.0-192.0.2.9]
`,
  versions: [
    {
      name: 'v1alpha2',
      storage: true,
      spec: eipSpec,
      status: eipStatus,
      rules: [nameRule],
      columns: [
        { name: 'cidr', type: 'string', jsonPath: '.spec.address', description: 'Addresses of the pool' },
        { name: 'usage', type: 'integer', jsonPath: '.status.usage', description: 'Addresses in use' },
        { name: 'total', type: 'integer', jsonPath: '.status.poolSize', description: 'Addresses of the pool' },
        { name: 'free', type: 'integer', jsonPath: '.status.free', description: 'Addresses still to be had' },
        { name: 'age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation' },
      ],
    },
    { ...eipV1alpha1, rules: [nameRule] },
  ],
}

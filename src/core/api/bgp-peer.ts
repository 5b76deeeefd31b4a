// BgpPeer (openelb-api.md 1.6, 2.4): one router, and which nodes speak with it.
import * as z from 'zod'
import { ipRule } from './address-rules.ts'
import {
  addressText,
  asAtomicMap,
  asNumber,
  gracefulRestart,
  labelSelector,
  objectName,
  port,
  uint32,
  withRules,
} from './fields.ts'
import { bgpPeerStatus } from './bgp-peer-status.ts'
import type { Kind, Rule } from './kind.ts'
import { bgpPeerV1alpha1 } from './v1alpha1/bgp-peer.ts'

const accepted = 'Accepted for OpenELB manifests; not used.'

const conf = withRules(
  z.object({
    neighborAddress: withRules(addressText(), ipRule('spec.conf.neighborAddress', { empty: true }))
      .exactOptional()
      .describe('Address of the router. Required.'),
    peerAs: asNumber().exactOptional().describe('AS number of the router. Required.'),
    localAs: asNumber().exactOptional().describe('AS number shown to this router instead of that of BgpConf.'),
    authPassword: z
      .string()
      .max(80)
      .exactOptional()
      .describe(
        'TCP MD5 password (RFC 2385), readable by everyone who may read this object: use authPasswordSecretRef.',
      ),
    authPasswordSecretRef: asAtomicMap(
      z.object({
        name: objectName().min(1).describe('Name of a Secret in namespace bellhop-peers.'),
        key: z.string().max(253).exactOptional().describe('Key in the Secret; default: password.'),
      }),
    )
      .exactOptional()
      .describe('Where the TCP MD5 password is (RFC 2385).'),
    description: z.string().max(1024).exactOptional().describe('For people.'),
    adminDown: z.boolean().exactOptional().describe('Open no session to this router.'),
    peerGroup: z.string().max(253).exactOptional().describe(accepted),
    vrf: z.string().max(253).exactOptional().describe(accepted),
    neighborInterface: z.string().max(253).exactOptional().describe(accepted),
    peerType: uint32().exactOptional().describe(accepted),
    removePrivateAs: z.string().max(64).exactOptional().describe(accepted),
    sendCommunity: uint32().exactOptional().describe(accepted),
    allowOwnAs: uint32().exactOptional().describe(accepted),
    routeFlapDamping: z.boolean().exactOptional().describe(accepted),
    replacePeerAs: z.boolean().exactOptional().describe(accepted),
  }),
  {
    rule: "!(has(self.authPassword) && self.authPassword != '' && has(self.authPasswordSecretRef))",
    message:
      'authPassword and authPasswordSecretRef are both set: keep authPasswordSecretRef and remove spec.conf.authPassword',
  },
)

const seconds = (field: string): z.ZodString =>
  withRules(
    z
      .string()
      .max(10)
      .regex(/^[0-9]*$/),
    {
      rule: "self == '' || int(self) <= 65535",
      message: `${field} is a number of seconds from 0 to 65535, written as a string`,
    },
  )

// RFC 4271 §4.2: a hold time of one or two seconds must be refused.
const holdTime = withRules(
  z
    .string()
    .max(10)
    .regex(/^[0-9]*$/),
  {
    rule: "self == '' || int(self) == 0 || (int(self) >= 3 && int(self) <= 65535)",
    message: 'holdTime is a number of seconds from 3 to 65535, written as a string',
  },
)

const afiSafi = z.object({
  config: z
    .object({
      family: z
        .object({
          afi: z.string().max(32).exactOptional().describe('AFI_IP or AFI_IP6; others are accepted and not used.'),
          safi: z.string().max(32).exactOptional().describe('SAFI_UNICAST; others are accepted and not used.'),
        })
        .exactOptional()
        .describe("The family; default: that of the router's address."),
      enabled: z.boolean().exactOptional().describe('False: the family is not offered.'),
    })
    .exactOptional()
    .describe('Which family.'),
  addPaths: z
    .object({
      config: z
        .object({
          sendMax: uint32().exactOptional().describe('Most paths sent per prefix, hence next hops (RFC 7911).'),
          receive: z.boolean().exactOptional().describe('Accepted for OpenELB manifests; a speaker only sends.'),
        })
        .exactOptional()
        .describe('Level that OpenELB has.'),
    })
    .exactOptional()
    .describe('Several paths of one prefix.'),
  mpGracefulRestart: z
    .object({
      config: z
        .object({ enabled: z.boolean().exactOptional().describe('Whether the family takes part.') })
        .exactOptional()
        .describe('Level that OpenELB has.'),
    })
    .exactOptional()
    .describe('Graceful restart of the family.'),
})

const neighbourRule: Rule = {
  rule: "has(self.conf) && has(self.conf.neighborAddress) && self.conf.neighborAddress != ''",
  message:
    'a BgpPeer without neighbour cannot be spoken with: set spec.conf.neighborAddress to the address of the router',
}

const peerAsRule: Rule = {
  rule: `!(${neighbourRule.rule}) || (has(self.conf.peerAs) && self.conf.peerAs > 0)`,
  message: 'a BgpPeer needs the AS number of the router: set spec.conf.peerAs to a number from 1 to 4294967295',
}

export const bgpPeerSpec = withRules(
  z.object({
    conf: conf.exactOptional().describe('The router. Required.'),
    ebgpMultihop: z
      .object({
        enabled: z.boolean().exactOptional().describe('The router is more than one hop away.'),
        multihopTtl: z.int().min(0).max(255).exactOptional().describe('TTL of our packets; 0: 255.'),
      })
      .exactOptional()
      .describe('For routers that are not on a link of the node.'),
    ttlSecurity: z
      .boolean()
      .exactOptional()
      .describe('Only take packets that come straight from the link (GTSM, RFC 5082); the router must do the same.'),
    timers: z
      .object({
        config: z
          .object({
            holdTime: holdTime
              .exactOptional()
              .describe('Seconds without a message after which the session is down; default 90.'),
            keepaliveInterval: seconds('keepaliveInterval')
              .exactOptional()
              .describe('Seconds between KEEPALIVE messages; default a third of the hold time.'),
            connectRetry: seconds('connectRetry')
              .exactOptional()
              .describe('Seconds between attempts to connect; default 5.'),
            minimumAdvertisementInterval: seconds('minimumAdvertisementInterval')
              .exactOptional()
              .describe('Seconds between updates of one prefix; default 0.'),
          })
          .exactOptional()
          .describe('Level that OpenELB has.'),
      })
      .exactOptional()
      .describe('Timers, as strings of seconds.'),
    transport: z
      .object({
        passiveMode: z.boolean().exactOptional().describe('Never dial, wait for the router.'),
        remotePort: port().exactOptional().describe('TCP port of the router; 0: 179.'),
        remoteAddress: withRules(addressText(), ipRule('spec.transport.remoteAddress', { empty: true }))
          .exactOptional()
          .describe(accepted),
        tcpMss: port().exactOptional().describe(accepted),
        mtuDiscovery: z.boolean().exactOptional().describe(accepted),
      })
      .exactOptional()
      .describe('The TCP connection.'),
    gracefulRestart: gracefulRestart.exactOptional().describe('As in BgpConf, for this router.'),
    afiSafis: z
      .array(afiSafi)
      .max(32)
      .exactOptional()
      .describe("Families of the session. Empty: the family of the router's address, up to 10 paths per prefix."),
    nodeSelector: labelSelector.exactOptional().describe('Nodes whose speakers speak with the router; absent: all.'),
  }),
  neighbourRule,
  peerAsRule,
)

export const bgpPeer: Kind = {
  kind: 'BgpPeer',
  plural: 'bgppeers',
  singular: 'bgppeer',
  shortNames: [],
  categories: [],
  description: 'A BgpPeer is a router, and says which nodes speak BGP with it.',
  writtenBy: 'spec: the administrator; status: the controller',
  example: `apiVersion: network.kubesphere.io/v1alpha2
kind: BgpPeer
metadata:
  name: leaf1
spec:
  conf:
    neighborAddress: 192.168.0.2
    peerAs: 50001
  nodeSelector:
    matchLabels:
      openelb.kubesphere.io/rack: leaf1
`,
  versions: [
    {
      name: 'v1alpha2',
      storage: true,
      spec: bgpPeerSpec,
      status: bgpPeerStatus,
      rules: [],
      columns: [
        {
          name: 'neighbor',
          type: 'string',
          jsonPath: '.spec.conf.neighborAddress',
          description: 'Address of the router',
        },
        { name: 'as', type: 'integer', jsonPath: '.spec.conf.peerAs', description: 'AS number of the router' },
        { name: 'up', type: 'string', jsonPath: '.status.up', description: 'Sessions up / wanted' },
        { name: 'age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation' },
      ],
    },
    bgpPeerV1alpha1,
  ],
}

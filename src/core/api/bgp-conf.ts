// BgpConf (openelb-api.md 1.6, 2.3): the speakers' own side of BGP.
import * as z from 'zod'
import { ipRule } from './address-rules.ts'
import { addressText, asNumber, conditions, count, gracefulRestart, objectName, uint32, withRules } from './fields.ts'
import type { Kind } from './kind.ts'
import { bgpConfV1alpha1 } from './v1alpha1/bgp-conf.ts'

export const bgpConfSpec = z.object({
  as: asNumber().exactOptional().describe('AS number of the speakers. Without one, no session is opened.'),
  asPerRack: z
    .record(z.string(), asNumber())
    .meta({ maxProperties: 1024 })
    .exactOptional()
    .describe('Value of the rack label of a node to the AS number of its speaker, instead of `as`.'),
  routerId: withRules(addressText(), ipRule('spec.routerId', { empty: true, ipv4Only: true }))
    .exactOptional()
    .describe('BGP identifier of every speaker; default: the first IPv4 InternalIP of its node. Best left out.'),
  listenPort: z.int().min(-1).max(65535).exactOptional().describe('TCP port of BGP; 0 means 179, -1: do not listen.'),
  listenAddresses: z
    .array(withRules(addressText(), ipRule('spec.listenAddresses')))
    .max(64)
    .exactOptional()
    .describe('Addresses to listen on; empty: all.'),
  families: z.array(uint32()).max(64).exactOptional().describe('Accepted for OpenELB manifests; not used.'),
  useMultiplePaths: z.boolean().exactOptional().describe('Accepted for OpenELB manifests; not used.'),
  gracefulRestart: gracefulRestart
    .exactOptional()
    .describe('Keep the routes at the routers while a speaker restarts (RFC 4724).'),
  policy: objectName()
    .exactOptional()
    .describe(
      'Name of a ConfigMap with a GoBGP policy; accepted for OpenELB manifests, not used yet: see spec.bgp of Eip.',
    ),
})

export const bgpConfStatus = z.object({
  nodesConfStatus: z
    .record(
      z.string(),
      z.object({
        routerId: z.string().exactOptional().describe('BGP identifier of the speaker.'),
        as: asNumber().exactOptional().describe('AS number of the speaker.'),
      }),
    )
    .exactOptional()
    .describe('Name of a node to what its speaker uses. At most 50 nodes: the Speaker objects have all of them.'),
  nodes: count().exactOptional().describe('Number of nodes whose speaker runs BGP.'),
  conditions: conditions('What is wrong with the configuration, if anything.').exactOptional(),
})

export const bgpConf: Kind = {
  kind: 'BgpConf',
  plural: 'bgpconfs',
  singular: 'bgpconf',
  shortNames: [],
  categories: [],
  description: "A BgpConf is the speakers' own side of BGP. Only the object named `default` counts.",
  writtenBy: 'spec: the administrator; status: the controller',
  example: `apiVersion: network.kubesphere.io/v1alpha2
kind: BgpConf
metadata:
  name: default
spec:
  as: 50000
  listenPort: 17900
`,
  versions: [
    {
      name: 'v1alpha2',
      storage: true,
      spec: bgpConfSpec,
      status: bgpConfStatus,
      rules: [],
      columns: [
        { name: 'as', type: 'integer', jsonPath: '.spec.as', description: 'AS number of the speakers' },
        { name: 'nodes', type: 'integer', jsonPath: '.status.nodes', description: 'Nodes whose speaker runs BGP' },
        { name: 'age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation' },
      ],
    },
    bgpConfV1alpha1,
  ],
}

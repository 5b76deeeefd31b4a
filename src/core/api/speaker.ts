// Speaker and Rack (design §3, §6): what is really up and announced. Their shapes are SpeakerStatus and RackStatus of
// model/speaker.ts; a test holds the two together.
import * as z from 'zod'
import { asNumber, conditions, count, reasonCode } from './fields.ts'
import type { Kind } from './kind.ts'

const family = z.literal([4, 6])

const messageCounts = z.object({
  notification: count().describe('NOTIFICATION.'),
  update: count().describe('UPDATE.'),
  open: count().describe('OPEN.'),
  keepalive: count().describe('KEEPALIVE.'),
  refresh: count().describe('ROUTE-REFRESH.'),
  total: count().describe('All of them.'),
})

export const sessionStatus = z.object({
  peer: z.string().describe('Name of the BgpPeer.'),
  neighbor: z.string().describe('Address of the router.'),
  peerAs: asNumber().describe('AS number of the router.'),
  localAs: asNumber().describe('Our AS number.'),
  state: z
    .enum(['IDLE', 'CONNECT', 'ACTIVE', 'OPENSENT', 'OPENCONFIRM', 'ESTABLISHED'])
    .describe('State of the session (RFC 4271 §8.2.2).'),
  since: z.iso.datetime().describe('When it was established, or stopped being so.'),
  localAddress: z.string().exactOptional().describe('Our end of the connection.'),
  subnet: z.string().exactOptional().describe('Subnet of our end: nodes in it can be announced.'),
  remoteRouterId: z.string().exactOptional().describe('BGP identifier of the router.'),
  families: z.array(family).describe('Families that both sides offer.'),
  addPath: z.array(family).describe('Families in which the router takes several paths of a prefix (RFC 7911).'),
  negotiatedHoldTimeSeconds: count().exactOptional().describe('The smaller of both hold times.'),
  lastError: z
    .string()
    .exactOptional()
    .describe(
      'Why the last session ended (NOTIFICATIONs by their RFC names), or the error of the last attempt with that behind it.',
    ),
  reason: reasonCode().exactOptional().describe('Why it is down although nothing failed.'),
  flaps: count().describe('How often it went down.'),
  prefixesWanted: count().describe('Prefixes that the router should have.'),
  prefixesSent: count().describe('Prefixes that it was sent.'),
  messagesSent: messageCounts.describe('Messages to the router.'),
  messagesReceived: messageCounts.describe('Messages from the router.'),
})

const exception = z.object({
  address: z.string().describe('The address.'),
  peer: z.string().exactOptional().describe('The BgpPeer, if it is about one.'),
  reason: reasonCode().describe('Why, as a code.'),
  message: z.string().describe('Why, as a sentence.'),
})

export const speakerStatus = z.object({
  version: z.string().describe('Version of the program.'),
  rack: z.string().describe('Rack of the node; `none` without one.'),
  as: asNumber().exactOptional().describe('AS number.'),
  routerId: z.string().exactOptional().describe('BGP identifier.'),
  state: z.enum(['Running', 'Drained', 'Leaving']).describe('Whether the node announces itself.'),
  sessions: z.array(sessionStatus).describe('One per router that this node speaks with.'),
  peers: count().describe('Sessions wanted.'),
  up: count().describe('Sessions established.'),
  prefixes: count().describe('Prefixes announced to at least one router.'),
  routes: z
    .object({
      wanted: count().describe('Routes that the kernel should have.'),
      present: count().describe('Routes of ours that it has.'),
      repaired: count().describe('Routes that were gone and put back.'),
    })
    .describe('Host routes.'),
  exceptions: z.array(exception).describe('Addresses that are not announced as one would expect; at most 50.'),
  exceptionsTotal: count().describe('Number of all of them.'),
})

export const speaker: Kind = {
  kind: 'Speaker',
  plural: 'speakers',
  singular: 'speaker',
  shortNames: [],
  categories: ['networking'],
  description: 'A Speaker is what the speaker on one node says of itself. It has the name of the node.',
  writtenBy: "status: that node's speaker; condition Alive: the controller",
  example: undefined,
  versions: [
    {
      name: 'v1alpha2',
      storage: true,
      spec: undefined,
      // Every field may be missing: the controller may write its condition first.
      status: speakerStatus.partial().extend({
        conditions: conditions('Alive: whether the speaker renews its Lease.').exactOptional(),
      }),
      rules: [],
      columns: [
        { name: 'rack', type: 'string', jsonPath: '.status.rack', description: 'Rack of the node' },
        { name: 'peers', type: 'integer', jsonPath: '.status.peers', description: 'Sessions wanted' },
        { name: 'up', type: 'integer', jsonPath: '.status.up', description: 'Sessions established' },
        { name: 'prefixes', type: 'integer', jsonPath: '.status.prefixes', description: 'Prefixes announced' },
        { name: 'routes', type: 'integer', jsonPath: '.status.routes.present', description: 'Host routes' },
        { name: 'age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation' },
      ],
    },
  ],
}

const proxyAssignment = z.object({
  peer: z.string().describe('Name of the BgpPeer.'),
  family: family.describe('IP family.'),
  speakers: z.array(z.string()).describe('Nodes whose speakers announce it, best first; at most two.'),
})

const proxiedNode = z.object({
  node: z.string().describe('Name of the node.'),
  addresses: z.array(z.string()).describe('Addresses it can be reached at.'),
  usable: z.boolean().describe('Whether it can carry traffic.'),
  reason: reasonCode().exactOptional().describe('Why not.'),
  announcedBy: z.array(proxyAssignment).describe('Who announces it to which router.'),
})

export const rackStatus = z.object({
  speakers: z
    .array(
      z.object({
        node: z.string().describe('Name of the node.'),
        alive: z.boolean().describe('Whether its speaker renews its Lease.'),
        sessions: z
          .array(
            z.object({
              peer: z.string().describe('Name of the BgpPeer.'),
              established: z.boolean().describe('Whether the session is established.'),
            }),
          )
          .describe('Its sessions.'),
      }),
    )
    .describe('Speakers of the rack.'),
  up: count().describe('Established sessions of these speakers.'),
  proxied: z.array(proxiedNode).describe('Nodes that do not speak for themselves to some router.'),
  // A column prints no more than the first entry of a list, and counts nothing.
  speakerCount: count().exactOptional().describe('Number of `speakers`, for the column.'),
  proxiedCount: count().exactOptional().describe('Number of `proxied`, for the column.'),
})

export const rack: Kind = {
  kind: 'Rack',
  plural: 'racks',
  singular: 'rack',
  shortNames: [],
  categories: ['networking'],
  description:
    'A Rack is what the speakers of one rack must know of each other and of the nodes without a speaker. It has the value of the rack label as its name; `none` is for nodes without one.',
  writtenBy: 'status: the controller, which also makes and deletes it',
  example: undefined,
  versions: [
    {
      name: 'v1alpha2',
      storage: true,
      spec: undefined,
      status: rackStatus.partial(),
      rules: [],
      columns: [
        { name: 'speakers', type: 'integer', jsonPath: '.status.speakerCount', description: 'Nodes with a speaker' },
        { name: 'up', type: 'integer', jsonPath: '.status.up', description: 'Established sessions' },
        {
          name: 'proxied',
          type: 'integer',
          jsonPath: '.status.proxiedCount',
          description: 'Nodes announced by others',
        },
        { name: 'age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation' },
      ],
    },
  ],
}

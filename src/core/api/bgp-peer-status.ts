// Status of a BgpPeer in OpenELB's shape (openelb-api.md 2.4): counters are strings; passwords are not in it.
import * as z from 'zod'
import { asNumber, conditions, count, uint32 } from './fields.ts'

const messages = z.object(
  Object.fromEntries(
    [
      'notification',
      'update',
      'open',
      'keepalive',
      'refresh',
      'discarded',
      'total',
      'withdrawUpdate',
      'withdrawPrefix',
    ].map((type) => [type, z.string().exactOptional().describe(`Number of ${type}, as a string.`)]),
  ),
)

const text = (description: string) => z.string().exactOptional().describe(description)

const peerState = z.object({
  description: text('As in the spec.'),
  localAs: asNumber().exactOptional().describe('Our AS number.'),
  neighborAddress: text('Address of the router.'),
  peerAs: asNumber().exactOptional().describe('AS number of the router.'),
  peerGroup: text('As in the spec.'),
  peerType: uint32().exactOptional().describe('As in the spec.'),
  removePrivateAs: text('As in the spec.'),
  routeFlapDamping: z.boolean().exactOptional().describe('As in the spec.'),
  sendCommunity: uint32().exactOptional().describe('As in the spec.'),
  sessionState: text('IDLE, CONNECT, ACTIVE, OPENSENT, OPENCONFIRM or ESTABLISHED.'),
  adminState: text('UP, or DOWN when adminDown is set.'),
  outQ: uint32().exactOptional().describe('Messages waiting to be sent.'),
  flops: z
    .union([uint32(), z.string()])
    .exactOptional()
    .describe('How often the session went down; the name is that of OpenELB.'),
  routerId: text('BGP identifier of the router.'),
  queues: z
    .object({
      input: uint32().exactOptional().describe('Messages received and not handled.'),
      output: uint32().exactOptional().describe('Messages waiting to be sent.'),
    })
    .exactOptional()
    .describe('Queues.'),
  messages: z
    .object({
      received: messages.exactOptional().describe('From the router.'),
      sent: messages.exactOptional().describe('To the router.'),
    })
    .exactOptional()
    .describe('Counts of messages, as strings.'),
})

const timersState = z.object({
  connectRetry: text('Seconds.'),
  holdTime: text('Seconds.'),
  keepaliveInterval: text('Seconds.'),
  minimumAdvertisementInterval: text('Seconds.'),
  negotiatedHoldTime: text('Seconds.'),
  uptime: text('When the session was established.'),
  downtime: text('When the session went down.'),
})

export const bgpPeerStatus = z.object({
  nodesPeerStatus: z
    .record(
      z.string(),
      z.object({
        peerState: peerState.exactOptional().describe('The session.'),
        timersState: timersState.exactOptional().describe('Its timers.'),
      }),
    )
    .exactOptional()
    .describe(
      'Name of a node to its session. Beyond 50 nodes only those whose session is not established: the Speaker objects have all of them.',
    ),
  sessionsWanted: count().exactOptional().describe('Number of nodes that should speak with the router.'),
  sessionsUp: count().exactOptional().describe('Number of nodes that do.'),
  up: text('Sessions up / wanted, for the column.'),
  conditions: conditions('What is wrong with the peer, if anything.').exactOptional(),
})

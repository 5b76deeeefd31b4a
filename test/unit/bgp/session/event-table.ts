// RFC 4271 §8.2.2 as data: state by state, event by event. Durations have jitter: what the machine arms is told as `~`,
// the bounds are tested in timers.test.ts.
import type { SessionEvent, SessionEventName, SessionState } from '../../../../src/core/bgp/session/index.ts'
import { headerError, keepalive, notification, openError, updateError } from '../../../../src/core/bgp/wire/index.ts'
import { localAddress, peerOpen } from './sessions.ts'

/** One of each event. */
export const events: { readonly [N in SessionEventName]: Extract<SessionEvent, { readonly name: N }> } = {
  ManualStart: { name: 'ManualStart' },
  ManualStop: { name: 'ManualStop', subcode: 2 },
  AutomaticStart: { name: 'AutomaticStart' },
  ManualStart_with_PassiveTcpEstablishment: { name: 'ManualStart_with_PassiveTcpEstablishment' },
  AutomaticStart_with_PassiveTcpEstablishment: { name: 'AutomaticStart_with_PassiveTcpEstablishment' },
  AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: {
    name: 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment',
  },
  AutomaticStop: { name: 'AutomaticStop', subcode: 6, detail: 'password changed' },
  ConnectRetryTimer_Expires: { name: 'ConnectRetryTimer_Expires' },
  HoldTimer_Expires: { name: 'HoldTimer_Expires' },
  KeepaliveTimer_Expires: { name: 'KeepaliveTimer_Expires' },
  IdleHoldTimer_Expires: { name: 'IdleHoldTimer_Expires' },
  Tcp_CR_Acked: { name: 'Tcp_CR_Acked', localAddress },
  TcpConnectionConfirmed: { name: 'TcpConnectionConfirmed', localAddress },
  TcpConnectionFails: { name: 'TcpConnectionFails', why: 'connection refused' },
  BGPOpen: { name: 'BGPOpen', open: peerOpen() },
  BGPHeaderErr: { name: 'BGPHeaderErr', error: headerError(1, 'marker') },
  BGPOpenMsgErr: { name: 'BGPOpenMsgErr', error: openError(1, 'version 3') },
  OpenCollisionDump: { name: 'OpenCollisionDump' },
  NotifMsgVerErr: { name: 'NotifMsgVerErr', notification: notification(2, 1) },
  NotifMsg: { name: 'NotifMsg', notification: notification(6, 4) },
  KeepAliveMsg: { name: 'KeepAliveMsg', message: keepalive },
  UpdateMsg: { name: 'UpdateMsg', update: { type: 'update', withdrawn: [], attributes: {}, nlri: [], faults: [] } },
  UpdateMsgErr: { name: 'UpdateMsgErr', error: updateError('session-reset', 1, 'lengths') },
  RouteRefreshMsg: { name: 'RouteRefreshMsg', refresh: { type: 'routeRefresh', afi: 1, subtype: 0, safi: 1 } },
  RouteRefreshMsgErr: {
    name: 'RouteRefreshMsgErr',
    error: { ...headerError(1, 'length'), code: 7 },
  },
}

const toConnect = 'CONNECT: arm connectRetry ~, connect'
export const toOpenSent = 'OPENSENT: send open, arm hold 240000'
const unexpected = (state: string, subcode: string, event: string) =>
  ended(`Finite State Machine Error/Receive Unexpected Message in ${subcode} State`, `${event} in ${state}`)

function ended(name: string, detail?: string): string {
  return `IDLE: send ${name}, close, down (${name} sent${detail === undefined ? '' : `: ${detail}`}), arm idleHold ~; counter 4`
}

function given(reason: string): string {
  return `IDLE: close, down (${reason}), arm idleHold ~; counter 4`
}

const stopped = 'IDLE: close, down (stopped); counter 0'
const refused = given('connection refused')
const shutDown = 'IDLE: send Cease/Administrative Shutdown, close, down (Cease/Administrative Shutdown sent); counter 0'
const reconfigured = ended('Cease/Other Configuration Change', 'password changed')
const expired = ended('Hold Timer Expired')
const badHeader = ended('Message Header Error/Connection Not Synchronized', 'marker')
const badOpen = ended('OPEN Message Error/Unsupported Version Number', 'version 3')
const badUpdate = ended('UPDATE Message Error/Malformed Attribute List', 'lengths')
const badRefresh = ended('ROUTE-REFRESH Message Error/Invalid Message Length', 'length')
const collided = ended('Cease/Connection Collision Resolution')
const wrongVersion = given('OPEN Message Error/Unsupported Version Number received')
const wasReset = given('Cease/Administrative Reset received')

type Row = { readonly [N in SessionEventName]: string }

const still = (state: string): string => `${state}: nothing`
const starts = (state: string) => ({
  ManualStart: still(state),
  AutomaticStart: still(state),
  ManualStart_with_PassiveTcpEstablishment: still(state),
  AutomaticStart_with_PassiveTcpEstablishment: still(state),
  AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: still(state),
})
const confirmed = (state: string) => ({ Tcp_CR_Acked: still(state), TcpConnectionConfirmed: still(state) })

const idle = Object.fromEntries(Object.keys(events).map((name) => [name, still('IDLE')])) as Row

/** What we do: the next state, the actions, and where it changes ConnectRetryCounter, which is 3 before. */
export const table: { readonly [S in SessionState['name']]: Row } = {
  IDLE: {
    ...idle,
    ManualStart: `${toConnect}; counter 0`,
    AutomaticStart: `${toConnect}; counter 0`,
    ManualStart_with_PassiveTcpEstablishment: 'ACTIVE: arm connectRetry ~; counter 0',
    AutomaticStart_with_PassiveTcpEstablishment: 'ACTIVE: arm connectRetry ~; counter 0',
    AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: 'ACTIVE: arm connectRetry ~',
    IdleHoldTimer_Expires: toConnect,
    TcpConnectionConfirmed: 'IDLE: close',
  },
  CONNECT: {
    ...starts('CONNECT'),
    ManualStop: stopped,
    AutomaticStop: given('password changed'),
    ConnectRetryTimer_Expires: 'CONNECT: close, arm connectRetry ~, connect',
    HoldTimer_Expires: given('HoldTimer_Expires in CONNECT'),
    KeepaliveTimer_Expires: given('KeepaliveTimer_Expires in CONNECT'),
    IdleHoldTimer_Expires: given('IdleHoldTimer_Expires in CONNECT'),
    Tcp_CR_Acked: toOpenSent,
    TcpConnectionConfirmed: toOpenSent,
    TcpConnectionFails: refused,
    BGPOpen: given('BGPOpen in CONNECT'),
    BGPHeaderErr: given('marker'),
    BGPOpenMsgErr: given('version 3'),
    OpenCollisionDump: given('OpenCollisionDump in CONNECT'),
    NotifMsgVerErr: wrongVersion,
    NotifMsg: wasReset,
    KeepAliveMsg: given('KeepAliveMsg in CONNECT'),
    UpdateMsg: given('UpdateMsg in CONNECT'),
    UpdateMsgErr: given('UpdateMsgErr in CONNECT'),
    RouteRefreshMsg: given('RouteRefreshMsg in CONNECT'),
    RouteRefreshMsgErr: given('RouteRefreshMsgErr in CONNECT'),
  },
  ACTIVE: {
    ...starts('ACTIVE'),
    ManualStop: stopped,
    AutomaticStop: given('password changed'),
    ConnectRetryTimer_Expires: toConnect,
    HoldTimer_Expires: given('HoldTimer_Expires in ACTIVE'),
    KeepaliveTimer_Expires: given('KeepaliveTimer_Expires in ACTIVE'),
    IdleHoldTimer_Expires: given('IdleHoldTimer_Expires in ACTIVE'),
    Tcp_CR_Acked: toOpenSent,
    TcpConnectionConfirmed: toOpenSent,
    TcpConnectionFails: refused,
    BGPOpen: given('BGPOpen in ACTIVE'),
    BGPHeaderErr: given('marker'),
    BGPOpenMsgErr: given('version 3'),
    OpenCollisionDump: given('OpenCollisionDump in ACTIVE'),
    NotifMsgVerErr: wrongVersion,
    NotifMsg: wasReset,
    KeepAliveMsg: given('KeepAliveMsg in ACTIVE'),
    UpdateMsg: given('UpdateMsg in ACTIVE'),
    UpdateMsgErr: given('UpdateMsgErr in ACTIVE'),
    RouteRefreshMsg: given('RouteRefreshMsg in ACTIVE'),
    RouteRefreshMsgErr: given('RouteRefreshMsgErr in ACTIVE'),
  },
  OPENSENT: {
    ...starts('OPENSENT'),
    ...confirmed('OPENSENT'),
    ManualStop: shutDown,
    AutomaticStop: reconfigured,
    ConnectRetryTimer_Expires: unexpected('OPENSENT', 'OpenSent', 'ConnectRetryTimer_Expires'),
    HoldTimer_Expires: expired,
    KeepaliveTimer_Expires: unexpected('OPENSENT', 'OpenSent', 'KeepaliveTimer_Expires'),
    IdleHoldTimer_Expires: unexpected('OPENSENT', 'OpenSent', 'IdleHoldTimer_Expires'),
    TcpConnectionFails:
      "ACTIVE: close, down (connection refused before the peer's OPEN), arm connectRetry ~; counter 4",
    BGPOpen: 'OPENCONFIRM: send keepalive, arm hold 30000, arm keepalive ~',
    BGPHeaderErr: badHeader,
    BGPOpenMsgErr: badOpen,
    OpenCollisionDump: collided,
    NotifMsgVerErr: wrongVersion,
    NotifMsg: wasReset,
    KeepAliveMsg: unexpected('OPENSENT', 'OpenSent', 'KeepAliveMsg'),
    UpdateMsg: unexpected('OPENSENT', 'OpenSent', 'UpdateMsg'),
    UpdateMsgErr: unexpected('OPENSENT', 'OpenSent', 'UpdateMsgErr'),
    RouteRefreshMsg: unexpected('OPENSENT', 'OpenSent', 'RouteRefreshMsg'),
    RouteRefreshMsgErr: unexpected('OPENSENT', 'OpenSent', 'RouteRefreshMsgErr'),
  },
  OPENCONFIRM: {
    ...starts('OPENCONFIRM'),
    ...confirmed('OPENCONFIRM'),
    ManualStop: shutDown,
    AutomaticStop: reconfigured,
    ConnectRetryTimer_Expires: unexpected('OPENCONFIRM', 'OpenConfirm', 'ConnectRetryTimer_Expires'),
    HoldTimer_Expires: expired,
    KeepaliveTimer_Expires: 'OPENCONFIRM: send keepalive, arm keepalive ~; counter 0',
    IdleHoldTimer_Expires: unexpected('OPENCONFIRM', 'OpenConfirm', 'IdleHoldTimer_Expires'),
    TcpConnectionFails: refused,
    BGPOpen: unexpected('OPENCONFIRM', 'OpenConfirm', 'BGPOpen'),
    BGPHeaderErr: badHeader,
    BGPOpenMsgErr: badOpen,
    OpenCollisionDump: collided,
    NotifMsgVerErr: wrongVersion,
    NotifMsg: wasReset,
    KeepAliveMsg: 'ESTABLISHED: arm hold 30000, up',
    UpdateMsg: unexpected('OPENCONFIRM', 'OpenConfirm', 'UpdateMsg'),
    UpdateMsgErr: unexpected('OPENCONFIRM', 'OpenConfirm', 'UpdateMsgErr'),
    RouteRefreshMsg: unexpected('OPENCONFIRM', 'OpenConfirm', 'RouteRefreshMsg'),
    RouteRefreshMsgErr: unexpected('OPENCONFIRM', 'OpenConfirm', 'RouteRefreshMsgErr'),
  },
  ESTABLISHED: {
    ...starts('ESTABLISHED'),
    ...confirmed('ESTABLISHED'),
    ManualStop: shutDown,
    AutomaticStop: reconfigured,
    ConnectRetryTimer_Expires: unexpected('ESTABLISHED', 'Established', 'ConnectRetryTimer_Expires'),
    HoldTimer_Expires: expired,
    KeepaliveTimer_Expires: 'ESTABLISHED: send keepalive, arm keepalive ~; counter 0',
    IdleHoldTimer_Expires: unexpected('ESTABLISHED', 'Established', 'IdleHoldTimer_Expires'),
    TcpConnectionFails: refused,
    BGPOpen: unexpected('ESTABLISHED', 'Established', 'BGPOpen'),
    BGPHeaderErr: badHeader,
    BGPOpenMsgErr: unexpected('ESTABLISHED', 'Established', 'BGPOpenMsgErr'),
    OpenCollisionDump: collided,
    NotifMsgVerErr: wrongVersion,
    NotifMsg: wasReset,
    KeepAliveMsg: 'ESTABLISHED: arm hold 30000',
    UpdateMsg: 'ESTABLISHED: arm hold 30000, deliver',
    UpdateMsgErr: badUpdate,
    RouteRefreshMsg: 'ESTABLISHED: refresh 1/1',
    RouteRefreshMsgErr: badRefresh,
  },
}

/** Events of §8.1 that never happen here, since the optional attribute that they belong to is not supported, and why. */
export const impossible: readonly (readonly [number: number, name: string, why: string])[] = [
  [6, 'AutomaticStart_with_DampPeerOscillations', 'IDLE arms IdleHoldTimer itself, its expiry is the damped start'],
  [12, 'DelayOpenTimer_Expires', 'DelayOpen is not supported: our OPEN goes out at once'],
  [14, 'TcpConnection_Valid', 'TrackTcpState is not supported: the kernel hands out finished connections only'],
  [15, 'Tcp_CR_Invalid', 'TrackTcpState is not supported: a connection from nobody we know never gets to a session'],
  [20, 'BGPOpen with DelayOpenTimer running', 'DelayOpen is not supported: no such timer runs'],
]

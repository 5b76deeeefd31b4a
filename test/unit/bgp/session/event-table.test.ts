// RFC 4271 §8.2.2, state by state, event by event. Durations have jitter: what the machine arms is told as `~`, the
// bounds are tested in timers.test.ts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import {
  type SessionEvent,
  type SessionEventName,
  type SessionState,
  eventNumbers,
  step,
} from '../../../../src/core/bgp/session/index.ts'
import { headerError, keepalive, notification, openError, updateError } from '../../../../src/core/bgp/wire/index.ts'
import { describeStep, localAddress, peerOpen, sessionIn } from './sessions.ts'

const events: { readonly [N in SessionEventName]: Extract<SessionEvent, { readonly name: N }> } = {
  ManualStart: { name: 'ManualStart' },
  ManualStop: { name: 'ManualStop', subcode: 2 },
  AutomaticStart: { name: 'AutomaticStart' },
  ManualStart_with_PassiveTcpEstablishment: { name: 'ManualStart_with_PassiveTcpEstablishment' },
  AutomaticStart_with_PassiveTcpEstablishment: { name: 'AutomaticStart_with_PassiveTcpEstablishment' },
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
const toActive = 'ACTIVE: nothing'
const toOpenSent = 'OPENSENT: send open, arm hold 240000'
const unexpected = (state: string, subcode: string, event: string) =>
  ended(`Finite State Machine Error/Receive Unexpected Message in ${subcode} State`, `${event} in ${state}`)

function ended(name: string, detail?: string): string {
  return `IDLE: send ${name}, close, down (${name} sent${detail === undefined ? '' : `: ${detail}`}), arm idleHold ~`
}

function given(reason: string): string {
  return `IDLE: close, down (${reason}), arm idleHold ~`
}

const stopped = 'IDLE: close, down (stopped)'
const refused = given('connection refused')
const shutDown = 'IDLE: send Cease/Administrative Shutdown, close, down (Cease/Administrative Shutdown sent)'
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
})
const confirmed = (state: string) => ({ Tcp_CR_Acked: still(state), TcpConnectionConfirmed: still(state) })

const idle = Object.fromEntries(Object.keys(events).map((name) => [name, still('IDLE')])) as Row

const table: { readonly [S in SessionState['name']]: Row } = {
  IDLE: {
    ...idle,
    ManualStart: toConnect,
    AutomaticStart: toConnect,
    ManualStart_with_PassiveTcpEstablishment: 'ACTIVE: arm connectRetry ~',
    AutomaticStart_with_PassiveTcpEstablishment: 'ACTIVE: arm connectRetry ~',
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
    BGPHeaderErr: badHeader,
    BGPOpenMsgErr: badOpen,
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
    BGPHeaderErr: badHeader,
    BGPOpenMsgErr: badOpen,
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
    TcpConnectionFails: "ACTIVE: close, down (connection refused before the peer's OPEN), arm connectRetry ~",
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
    KeepaliveTimer_Expires: 'OPENCONFIRM: send keepalive, arm keepalive ~',
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
    KeepaliveTimer_Expires: 'ESTABLISHED: send keepalive, arm keepalive ~',
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

for (const state of Object.keys(table) as (keyof typeof table)[]) {
  describe(`RFC 4271 8.2.2 in ${state}`, () => {
    for (const name of Object.keys(events) as SessionEventName[]) {
      const number = eventNumbers[name]
      test(`${number === 0 ? 'RFC 2918' : `event ${number}`} ${name}`, () => {
        const said = describeStep(step(sessionIn(state), events[name], 0))
        assert.equal(said.replaceAll(/(connectRetry|keepalive|idleHold) \d+/g, '$1 ~'), table[state][name])
      })
    }
  })
}

test('RFC 4271 8.2.2: a passive peer is waited for, never dialled', () => {
  const passive = { passive: true }
  assert.equal(describeStep(step(sessionIn('IDLE', passive), events.ManualStart, 0)), toActive)
  assert.equal(describeStep(step(sessionIn('ACTIVE', passive), events.ConnectRetryTimer_Expires, 0)), toActive)
  assert.equal(describeStep(step(sessionIn('ACTIVE', passive), events.TcpConnectionConfirmed, 0)), toOpenSent)
})

test('RFC 4271 8.2.2: after ManualStop nothing but a manual start leads out of IDLE', () => {
  const { state } = step(sessionIn('ESTABLISHED'), events.ManualStop, 0)
  for (const name of [
    'AutomaticStart',
    'AutomaticStart_with_PassiveTcpEstablishment',
    'IdleHoldTimer_Expires',
  ] as const) {
    assert.equal(step(state, events[name], 0).state.name, 'IDLE', name)
  }
  assert.equal(step(state, events.ManualStart, 0).state.name, 'CONNECT')
})

test('RFC 6608 4: the data of a Finite State Machine Error is the type of the message', () => {
  const { actions } = step(sessionIn('OPENCONFIRM'), events.UpdateMsg, 0)
  const sent = actions.find((action) => action.do === 'send')
  assert.ok(sent?.do === 'send' && sent.message.type === 'notification')
  assert.deepEqual([...sent.message.data], [2])
})

test('RFC 8538 5: a peer that keeps routes over NOTIFICATIONs gets a Hard Reset when we leave, not when settings change', () => {
  const gracefulRestart = { restartTimeMs: 30_000, notification: true }
  const capability = {
    name: 'gracefulRestart',
    restarted: false,
    notification: true,
    restartTimeSeconds: 120,
    families: [],
  } as const
  const open = peerOpen({ capabilities: [capability] })
  const confirm = step(sessionIn('OPENSENT', { gracefulRestart }), { name: 'BGPOpen', open }, 0).state
  const up = step(confirm, events.KeepAliveMsg, 0).state
  assert.match(
    describeStep(step(up, events.ManualStop, 0)),
    /Cease\/Hard Reset \(Cease\/Administrative Shutdown\) sent/,
  )
  assert.match(describeStep(step(up, events.AutomaticStop, 0)), /Cease\/Other Configuration Change sent/)
})

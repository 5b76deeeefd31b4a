// A session in each of its states, and how the answers of the machine read in one line.
import assert from 'node:assert/strict'

import { parseIp } from '../../../../src/core/address/index.ts'
import {
  type Action,
  type SessionEvent,
  type SessionSettings,
  type SessionState,
  type Step,
  initialState,
  step,
} from '../../../../src/core/bgp/session/index.ts'
import { type Open, describeNotification, keepalive } from '../../../../src/core/bgp/wire/index.ts'

export const localAddress = parseIp('10.77.0.1') ?? assert.fail()

export const settings: SessionSettings = {
  localAs: 65001,
  peerAs: 65002,
  routerId: parseIp('192.0.2.1') ?? assert.fail(),
  neighbor: parseIp('10.77.0.2') ?? assert.fail(),
  passive: false,
  holdTimeMs: 90_000,
  keepaliveMs: 30_000,
  connectRetryMs: 120_000,
  families: [4],
  addPathSendMax: 0,
}

/** What the peer's OPEN says unless told otherwise: AS 65002, hold time 30 s, IPv4. */
export function peerOpen(rest: Partial<Open> = {}): Open {
  return {
    type: 'open',
    version: 4,
    as: 65002,
    holdTimeSeconds: 30,
    routerId: parseIp('192.0.2.2') ?? assert.fail(),
    capabilities: [
      { name: 'multiprotocol', afi: 1, safi: 1 },
      { name: 'fourOctetAs', as: 65002 },
    ],
    ...rest,
  }
}

const wayToEstablished: readonly SessionEvent[] = [
  { name: 'ManualStart' },
  { name: 'Tcp_CR_Acked', localAddress },
  { name: 'BGPOpen', open: peerOpen() },
  { name: 'KeepAliveMsg', message: keepalive },
]

/** A session in the given state, on the shortest way. */
export function sessionIn(name: SessionState['name'], changed: Partial<SessionSettings> = {}): SessionState {
  let state: SessionState = initialState({ ...settings, ...changed }, 1)
  const way: readonly SessionEvent[] =
    name === 'ACTIVE' ? [{ name: 'ManualStart_with_PassiveTcpEstablishment' }] : wayToEstablished
  for (const event of way) {
    if (state.name === name) break
    state = step(state, event, 0).state
  }
  assert.equal(state.name, name)
  return state
}

/** `ESTABLISHED: send keepalive, arm hold 30000, up`, times in milliseconds from `now`; timers that are off are left out. */
export function describeStep({ state, actions }: Step, now = 0): string {
  const words = actions.filter((action) => action.do !== 'disarmTimer').map((action) => describeAction(action, now))
  return `${state.name}: ${words.join(', ') || 'nothing'}`
}

function describeAction(action: Action, now: number): string {
  if (action.do === 'send') {
    const { message } = action
    return `send ${message.type === 'notification' ? describeNotification(message) : message.type}`
  }
  if (action.do === 'armTimer') return `arm ${action.timer} ${Math.round(action.at - now)}`
  if (action.do === 'down') return `down (${action.reason})`
  if (action.do === 'refresh') return `refresh ${action.refresh.afi}/${action.refresh.safi}`
  return action.do
}

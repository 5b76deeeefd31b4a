// RFC 4271 §8.2.2: every state with every event, as event-table.ts has them, and what the rows cannot say.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  type SessionEventName,
  type SessionState,
  eventNumbers,
  step,
  withSettings,
} from '../../../../src/core/bgp/session/index.ts'
import { events, impossible, table, toOpenSent } from './event-table.ts'
import { describeStep, peerOpen, sessionIn, settings } from './sessions.ts'

const stateNames: { readonly [S in SessionState['name']]: string } = {
  IDLE: 'Idle',
  CONNECT: 'Connect',
  ACTIVE: 'Active',
  OPENSENT: 'OpenSent',
  OPENCONFIRM: 'OpenConfirm',
  ESTABLISHED: 'Established',
}

const counterBefore = 3

for (const state of Object.keys(table) as (keyof typeof table)[]) {
  const before: SessionState = { ...sessionIn(state), connectRetryCounter: counterBefore }
  for (const name of Object.keys(events) as SessionEventName[]) {
    const number = eventNumbers[name]
    const event = number === 0 ? `${name} (RFC 2918)` : `Event ${number} ${name}`
    const expected = table[state][name]
    test(`RFC 4271 §8.2.2 ${stateNames[state]} + ${event}: ${expected}`, () => {
      const stepped = step(before, events[name], 0)
      const said = describeStep(stepped).replaceAll(/(connectRetry|keepalive|idleHold) \d+/g, '$1 ~')
      const { connectRetryCounter } = stepped.state
      const counter = connectRetryCounter === counterBefore ? '' : `; counter ${connectRetryCounter}`
      assert.equal(`${said}${counter}`, expected)
    })
  }
  for (const [number, name, why] of impossible) {
    test(`RFC 4271 §8.2.2 ${stateNames[state]} + Event ${number} ${name}: cannot happen: ${why}`, () => {
      assert.ok(!Object.values(eventNumbers).includes(number), 'the machine has no such event')
      // What could bring it about is a timer or an action that asks for it: no way into or out of this state has one.
      for (const each of Object.values(events)) {
        for (const action of step(before, each, 0).actions) {
          if (action.do === 'armTimer') assert.ok(timers.includes(action.timer), action.timer)
        }
      }
    })
  }
}

const timers = ['connectRetry', 'hold', 'keepalive', 'idleHold']

test('RFC 4271 §8.1: every event is in the table or impossible', () => {
  const numbers = [
    ...Object.values(eventNumbers).filter((number) => number > 0),
    ...impossible.map(([number]) => number),
  ]
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: 28 }, (_, i) => i + 1),
  )
})

test('RFC 4271 §8.1 Event 6: a start after a failure is damped by IdleHoldTimer, Event 13 is the start', () => {
  const failed = step(sessionIn('CONNECT'), events.TcpConnectionFails, 0)
  assert.ok(failed.actions.some((action) => action.do === 'armTimer' && action.timer === 'idleHold'))
  assert.equal(step(failed.state, events.IdleHoldTimer_Expires, 500).state.name, 'CONNECT')
})

test('RFC 4271 §8.2.2: a passive peer is waited for, never dialled', () => {
  const passive = { passive: true }
  const toActive = 'ACTIVE: nothing'
  assert.equal(describeStep(step(sessionIn('IDLE', passive), events.ManualStart, 0)), toActive)
  assert.equal(describeStep(step(sessionIn('ACTIVE', passive), events.ConnectRetryTimer_Expires, 0)), toActive)
  assert.equal(describeStep(step(sessionIn('ACTIVE', passive), events.TcpConnectionConfirmed, 0)), toOpenSent)
})

test('RFC 4271 §8.2.2: after ManualStop nothing but a manual start leads out of IDLE', () => {
  const { state } = step(sessionIn('ESTABLISHED'), events.ManualStop, 0)
  for (const name of [
    'AutomaticStart',
    'AutomaticStart_with_PassiveTcpEstablishment',
    'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment',
    'IdleHoldTimer_Expires',
  ] as const) {
    assert.equal(step(state, events[name], 0).state.name, 'IDLE', name)
  }
  assert.equal(step(state, events.ManualStart, 0).state.name, 'CONNECT')
})

test('RFC 6608 §4: the data of a Finite State Machine Error is the type of the message', () => {
  const { actions } = step(sessionIn('OPENCONFIRM'), events.UpdateMsg, 0)
  const sent = actions.find((action) => action.do === 'send')
  assert.ok(sent?.do === 'send' && sent.message.type === 'notification')
  assert.deepEqual([...sent.message.data], [2])
})

test('RFC 8538 §5: a peer that keeps routes over NOTIFICATIONs gets a Hard Reset when we leave, not when settings change', () => {
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

test('RFC 9003 §2: a stop by hand carries words for the operator of the other side, 255 octets at most', () => {
  const words = (text: string, subcode = 2): string =>
    describeStep(step(sessionIn('ESTABLISHED'), { name: 'ManualStop', subcode, words: text }, 0))
  assert.match(words('fibre work'), /send Cease\/Administrative Shutdown "fibre work", close/)
  assert.match(words('ä'.repeat(200)), new RegExp(`Shutdown "${'ä'.repeat(127)}", close`), 'no character is cut in two')
  assert.match(words('fibre work', 3), /send Cease\/Peer De-configured, close/, 'RFC 9003: subcodes 2 and 4 only')
})

test('RFC 4271 §4.4: another keepalive time counts from the next KEEPALIVE on, the session stays', () => {
  const up = withSettings(sessionIn('ESTABLISHED'), { ...settings, keepaliveMs: 4000 })
  const { actions } = step(up, events.KeepaliveTimer_Expires, 0)
  const armed = actions.find((action) => action.do === 'armTimer' && action.timer === 'keepalive')
  assert.ok(armed?.do === 'armTimer' && armed.at >= 3000 && armed.at <= 4000)
})

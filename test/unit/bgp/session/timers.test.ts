import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  type Action,
  type SessionState,
  type TimerName,
  jittered,
  step,
} from '../../../../src/core/bgp/session/index.ts'
import { keepalive } from '../../../../src/core/bgp/wire/index.ts'
import { localAddress, peerOpen, sessionIn, settings } from './sessions.ts'

function armed(actions: readonly Action[], timer: TimerName): number {
  const found = actions.findLast((action) => action.do === 'armTimer' && action.timer === timer)
  return found?.do === 'armTimer' ? found.at : assert.fail(`${timer} is not armed`)
}

test('RFC 4271 §10: jitter takes up to a quarter off, differently each time', () => {
  const seen = new Set<number>()
  let seed = 7
  for (let i = 0; i < 1000; i++) {
    const drawn = jittered(1000, seed)
    assert.ok(drawn.durationMs >= 750 && drawn.durationMs <= 1000, String(drawn.durationMs))
    seen.add(drawn.durationMs)
    seed = drawn.seed
  }
  assert.ok(seen.size > 200, `${seen.size} different values`)
})

test('RFC 4271 §4.2: the smaller hold time counts, KEEPALIVEs at a third of it', () => {
  const { state, actions } = step(
    sessionIn('OPENSENT'),
    { name: 'BGPOpen', open: peerOpen({ holdTimeSeconds: 9 }) },
    1000,
  )
  assert.ok(state.name === 'OPENCONFIRM')
  assert.equal(state.negotiated.holdTimeMs, 9000)
  assert.equal(armed(actions, 'hold'), 10_000)
  const at = armed(actions, 'keepalive')
  assert.ok(at >= 1000 + 2250 && at <= 1000 + 3000, String(at))
})

test('RFC 4271 §4.2: a hold time of 0 on one side: no timers at all', () => {
  const { state, actions } = step(sessionIn('OPENSENT'), { name: 'BGPOpen', open: peerOpen({ holdTimeSeconds: 0 }) }, 0)
  assert.ok(!actions.some((action) => action.do === 'armTimer'))
  assert.ok(actions.some((action) => action.do === 'disarmTimer' && action.timer === 'hold'))
  const up = step(state, { name: 'KeepAliveMsg', message: keepalive }, 0)
  assert.equal(up.state.name, 'ESTABLISHED')
  assert.ok(!up.actions.some((action) => action.do === 'armTimer'))
})

test('retries come soon at first, then ever later, at most every ConnectRetryTime', () => {
  let state: SessionState = sessionIn('CONNECT', { connectRetryMs: 5000 })
  const waits: number[] = []
  for (let i = 0; i < 8; i++) {
    const failed = step(state, { name: 'TcpConnectionFails', why: 'connection refused' }, 0)
    waits.push(armed(failed.actions, 'idleHold'))
    state = step(failed.state, { name: 'IdleHoldTimer_Expires' }, 0).state
  }
  const bounds = [500, 1000, 2000, 4000, 5000, 5000, 5000, 5000]
  for (const [i, wait] of waits.entries()) {
    const bound = bounds[i] ?? 0
    assert.ok(wait >= bound * 0.75 && wait <= bound, `attempt ${i + 1}: ${wait} ms`)
  }
})

test('a session that has lasted a keepalive interval makes the next retry a first one', () => {
  let state: SessionState = { ...sessionIn('CONNECT'), connectRetryCounter: 6 }
  state = step(state, { name: 'Tcp_CR_Acked', localAddress }, 0).state
  state = step(state, { name: 'BGPOpen', open: peerOpen() }, 0).state
  state = step(state, { name: 'KeepAliveMsg', message: keepalive }, 0).state
  const early = step(state, { name: 'TcpConnectionFails', why: 'connection reset by peer' }, 0)
  assert.ok(armed(early.actions, 'idleHold') > 10_000)
  state = step(state, { name: 'KeepaliveTimer_Expires' }, 10_000).state
  const late = step(state, { name: 'TcpConnectionFails', why: 'connection reset by peer' }, 10_000)
  assert.ok(armed(late.actions, 'idleHold') <= 10_500)
  assert.equal(settings.connectRetryMs, 120_000)
})

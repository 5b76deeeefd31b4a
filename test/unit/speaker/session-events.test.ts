import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readBgpPeer } from '../../../src/core/model/index.ts'
import { openSessionEvents } from '../../../speaker/session-events.ts'

function stage() {
  const peer = readBgpPeer({
    metadata: { name: 'leaf1', uid: 'uid-leaf1' },
    spec: { conf: { neighborAddress: '192.168.0.1', peerAs: 50001 } },
  })
  const told: string[] = []
  const events = openSessionEvents({
    events: {
      record: ({ kind, name, uid }, type, reason, message) =>
        void told.push(`${kind} ${name} ${uid} ${type} ${reason}: ${message}`),
    },
    nodeName: 'master',
    peers: new Map([['leaf1', peer]]),
  })
  return { peer, told, events }
}

test('a session that a change has ended: an event on its BgpPeer says which and why', () => {
  const { told, events } = stage()
  events.reset('leaf1', 'password changed')
  events.reset('gone', 'password changed')
  assert.deepEqual(told, [
    'BgpPeer leaf1 uid-leaf1 Normal SessionReset: the session of node master to 192.168.0.1 was ended: password changed',
  ])
})

test('a peer without its Secret: a Warning says so, once', () => {
  const { peer, told, events } = stage()
  const down = [{ peer, reason: { code: 'PasswordMissing', message: 'no Secret leaf1' } }] as const
  events.down(down)
  events.down(down)
  assert.deepEqual(told, [
    'BgpPeer leaf1 uid-leaf1 Warning PasswordMissing: node master has no session: no Secret leaf1',
  ])
  events.down([])
  events.down(down)
  assert.equal(told.length, 2, 'again when it is missing again')
})

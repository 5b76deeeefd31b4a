import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import {
  type Message,
  type Open,
  type UpdateContext,
  type WireError,
  decodeMessage,
  encodeMessage,
  extendedMaxLength,
  familyOf,
  isWireError,
  nextFrame,
  notificationName,
} from '../../../src/core/bgp/wire/index.ts'
import { type CapturedMessage, readCaptures } from '../../fixtures/bgp/read.ts'

interface Decoded extends CapturedMessage {
  readonly message: Message | WireError
  readonly context: UpdateContext
}

const sessions = Map.groupBy(decodeAll(readCaptures()), ({ source }) => source)
const routers = ['frr', 'bird', 'gobgp']

describe('captures of real sessions', () => {
  for (const [source, messages] of sessions) {
    test(`${source}: every message is read, and says the same when it is written again`, () => {
      for (const { direction, message, context, bytes } of messages) {
        if (direction === 'sent' && source.includes('-bad-')) continue
        const hex = Buffer.from(bytes).toString('hex')
        assert.ok(!isWireError(message), `${hex}: ${isWireError(message) ? message.detail : ''}`)
        if (message.type === 'update') assert.deepEqual(message.faults, [], hex)
        assert.deepEqual(canonical(encodeMessage(message, context), context), canonical(bytes, context))
      }
    })
  }

  const answers: Readonly<Record<string, readonly [code: number, subcode: number]>> = {
    'bad-version': [2, 1],
    'bad-as': [2, 2],
    'bad-identifier': [2, 3],
    'bad-hold-time': [2, 6],
    'bad-header': [1, 3],
    'bad-update': [3, 1],
    'hold-time': [4, 0],
  }
  for (const [scene, [code, subcode]] of Object.entries(answers)) {
    for (const router of routers) {
      // GoBGP 3.10 closes without a word when it does not know a message's type.
      if (router === 'gobgp' && scene === 'bad-header') continue
      test(`${router} answers ${scene} by ${notificationName(code, subcode)}`, () => {
        const received = receivedOf(`${router}-${scene}`).find((message) => message.type === 'notification')
        assert.deepEqual([received?.code, received?.subcode], [code, subcode])
      })
    }
  }

  for (const router of routers) {
    test(`${router}: routes of both families with communities, large communities and MED are among them`, () => {
      const updates = receivedOf(`${router}-four-octet-as`).filter((message) => message.type === 'update')
      const full = updates.filter(({ attributes: { communities, largeCommunities, med } }) =>
        [communities?.length, largeCommunities?.length, med].every((each) => each !== undefined && each > 0),
      )
      assert.ok(full.some(({ nlri }) => nlri.length > 0))
      assert.ok(full.some(({ attributes: { mpReach } }) => mpReach !== undefined && mpReach.nlri.length > 0))
      assert.ok(full.every(({ attributes: { asPath } }) => asPath?.[0]?.asNumbers[0] === 4_200_000_002))
    })

    test(`${router}: path identifiers come where both offered ADD-PATH`, () => {
      const updates = receivedOf(`${router}-everything`).filter((message) => message.type === 'update')
      const routes = updates.flatMap(({ nlri, attributes: { mpReach } }) => [...nlri, ...(mpReach?.nlri ?? [])])
      assert.ok(routes.some(({ pathId }) => pathId > 0))
    })
  }
})

function receivedOf(source: string): readonly Message[] {
  const messages = sessions.get(source) ?? []
  assert.ok(messages.length > 0, `there is a capture ${source}`)
  return messages.flatMap(({ direction, message }) =>
    direction === 'received' && !isWireError(message) ? [message] : [],
  )
}

// Each session's OPENs decide how its UPDATEs are read.
function decodeAll(captures: readonly CapturedMessage[]): readonly Decoded[] {
  const opens = new Map<string, Open>()
  return captures.map((captured) => {
    const { source, direction, bytes } = captured
    const context = contextOf(opens.get(`${source} ${direction}`), opens.get(`${source} ${other(direction)}`))
    const frame = nextFrame(bytes, 0, extendedMaxLength)
    assert.notEqual(frame.kind, 'needs-more', `${source}: a whole message`)
    const message = frame.kind === 'frame' ? decodeMessage(frame, context) : (frame as WireError)
    if (!isWireError(message) && message.type === 'open') opens.set(`${source} ${direction}`, message)
    return { ...captured, message, context }
  })
}

function other(direction: CapturedMessage['direction']): CapturedMessage['direction'] {
  return direction === 'sent' ? 'received' : 'sent'
}

function contextOf(sender: Open | undefined, receiver: Open | undefined): UpdateContext {
  const has = (open: Open | undefined, name: string): boolean =>
    open?.capabilities.some((each) => each.name === name) ?? false
  const families = (open: Open | undefined, way: 'send' | 'receive') =>
    (open?.capabilities ?? []).flatMap((each) => (each.name === 'addPath' ? each.families.filter((f) => f[way]) : []))
  const taken = families(receiver, 'receive')
  const both = families(sender, 'send').filter((a) => taken.some((b) => a.afi === b.afi && a.safi === b.safi))
  return {
    fourOctetAs: has(sender, 'fourOctetAs') && has(receiver, 'fourOctetAs'),
    addPath: both.flatMap(({ afi, safi }) => familyOf(afi, safi) ?? []),
    external: sender?.as !== receiver?.as,
  }
}

// What may differ without a difference in meaning: the order of capabilities and attributes, the extended length of a
// short attribute, unused bits. So both are read again; lengths tell that nothing was lost.
function canonical(bytes: Uint8Array, context: UpdateContext): unknown {
  const frame = nextFrame(bytes, 0, extendedMaxLength)
  assert.equal(frame.kind, 'frame')
  return decodeMessage(frame, context)
}

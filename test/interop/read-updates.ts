import { type UpdateContext, decodeMessage, isWireError, nextFrame } from '../../src/core/bgp/wire/index.ts'

/** Ours to a router that took ADD-PATH in both families. */
const context: UpdateContext = { fourOctetAs: true, addPath: [4, 6], external: true }

/** What a message of ours says, as far as claims about its order ask. */
export function readSent(bytes: Uint8Array): {
  readonly type: string
  readonly communities: readonly string[]
  readonly withdrawn: number
} {
  const frame = nextFrame(bytes, 0, 65535)
  if (frame.kind !== 'frame') throw new Error('no whole message')
  const message = decodeMessage(frame, context)
  if (isWireError(message)) throw new Error(message.detail)
  if (message.type !== 'update') return { type: message.type, communities: [], withdrawn: 0 }
  const { communities = [], mpUnreach } = message.attributes
  return {
    type: message.type,
    communities: communities.map((each) => `${each >>> 16}:${each & 0xffff}`),
    withdrawn: message.withdrawn.length + (mpUnreach?.withdrawn.length ?? 0),
  }
}

// A socket that takes what it is told to take, with a clock that stands still.
import assert from 'node:assert/strict'

import { type Family, formatPrefix } from '../../../../src/core/address/index.ts'
import { AdjRibOut, type Outbound } from '../../../../src/core/bgp/rib/index.ts'
import {
  type Message,
  type Nlri,
  decodeMessage,
  endOfRibOf,
  familyOf,
  isWireError,
  nextFrame,
} from '../../../../src/core/bgp/wire/index.ts'
import { Counts } from '../../../../src/io/bgp/counts.ts'
import { type Outlet, type RefreshTerms, Sender } from '../../../../src/io/bgp/sender.ts'
import { type ManualClock, manualClock } from '../../io/process/manual-clock.ts'

interface Written {
  readonly bytes: Uint8Array
  readonly written: (() => void) | undefined
}

/** Holds what was written until the peer reads; full at `limit` octets, as a socket at its high-water mark. */
export class FakeSocket implements Outlet {
  readonly limit: number
  readonly #waiting: Written[] = []
  #held = 0
  mostHeld = 0

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.limit = limit
  }

  get held(): number {
    return this.#held
  }

  write(bytes: Uint8Array, written?: () => void): boolean {
    this.#waiting.push({ bytes, written })
    this.#held += bytes.length
    this.mostHeld = Math.max(this.mostHeld, this.#held)
    return this.#held < this.limit
  }

  together(write: () => void): void {
    write()
  }

  /** The oldest message; the caller tells the sender to drain when all are taken. */
  take(): Uint8Array | undefined {
    const first = this.#waiting.shift()
    if (first === undefined) return undefined
    this.#held -= first.bytes.length
    first.written?.()
    return first.bytes
  }
}

export interface SenderStage {
  readonly clock: ManualClock
  readonly sender: Sender
  readonly socket: FakeSocket
  /** Lets the program's turn end, takes all that was written and describes it: `+192.0.2.1/32`, `EoR 4`, `BoRR 4`. */
  readonly written: () => Promise<readonly string[]>
}

export interface StageOptions {
  readonly outbound: Outbound
  readonly terms?: RefreshTerms
  readonly ready?: boolean
  readonly random?: () => number
  readonly limit?: number
}

const allTerms: RefreshTerms = { enhancedRouteRefresh: true, gracefulRestart: true }

export function senderStage({ outbound, terms = allTerms, ready = true, random, limit }: StageOptions): SenderStage {
  const clock = manualClock()
  const counts = new Counts()
  const sender = new Sender(new AdjRibOut(), { clock, random: random ?? (() => 1), counts, isReady: ready })
  const socket = new FakeSocket(limit)
  sender.begin(socket, outbound, terms)
  const written = async (): Promise<readonly string[]> => {
    await clock.advance(0)
    const told: string[] = []
    for (let bytes = socket.take(); bytes !== undefined; bytes = socket.take()) told.push(...describe(bytes, outbound))
    return told
  }
  return { clock, sender, socket, written }
}

export function readMessage(bytes: Uint8Array, outbound: Outbound): Message {
  const frame = nextFrame(bytes, 0, outbound.maxMessageLength)
  assert.ok(frame.kind === 'frame' && frame.length === bytes.length, 'one whole message')
  const message = decodeMessage(frame, outbound.context)
  return isWireError(message) ? assert.fail(message.detail) : message
}

function describe(bytes: Uint8Array, outbound: Outbound): readonly string[] {
  const message = readMessage(bytes, outbound)
  if (message.type === 'routeRefresh') {
    const family = familyOf(message.afi, message.safi) as Family
    return [`${message.subtype === 1 ? 'BoRR' : 'EoRR'} ${family}`]
  }
  assert.ok(message.type === 'update')
  const end = endOfRibOf(message)
  if (end !== undefined) return [`EoR ${end}`]
  const { withdrawn, nlri, attributes } = message
  const name = ({ prefix }: Nlri): string => formatPrefix(prefix)
  return [
    ...[...withdrawn, ...(attributes.mpUnreach?.withdrawn ?? [])].map((each) => `-${name(each)}`),
    ...[...nlri, ...(attributes.mpReach?.nlri ?? [])].map((each) => `+${name(each)}`),
  ]
}

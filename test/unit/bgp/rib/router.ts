// The receiving end of an Adj-RIB-Out: a table that UPDATEs are applied to, read with the codec.
import assert from 'node:assert/strict'

import { formatIp, formatPrefix, parseIp } from '../../../../src/core/address/index.ts'
import { Outbound, type OutboundSettings } from '../../../../src/core/bgp/rib/index.ts'
import type { Negotiated } from '../../../../src/core/bgp/session/index.ts'
import { type Nlri, type Update, decodeUpdate, isWireError, nextFrame } from '../../../../src/core/bgp/wire/index.ts'

const own = { 4: parseIp('10.77.0.1') ?? assert.fail(), 6: parseIp('fd77::1') ?? assert.fail() }

export const negotiated: Negotiated = {
  peerAs: 65002,
  remoteRouterId: parseIp('192.0.2.2') ?? assert.fail(),
  external: true,
  holdTimeMs: 90_000,
  keepaliveMs: 30_000,
  families: [4, 6],
  addPathSend: [4, 6],
  fourOctetAs: true,
  maxMessageLength: 4096,
  extendedNextHop: false,
  routeRefresh: true,
  enhancedRouteRefresh: true,
  gracefulRestart: false,
  gracefulNotification: false,
}

export function outboundOf(changed: Partial<Negotiated> = {}, rest: Partial<OutboundSettings> = {}): Outbound {
  return new Outbound({
    localAs: 65001,
    addPathSendMax: 8,
    negotiated: { ...negotiated, ...changed },
    self: (family) => own[family],
    ...rest,
  })
}

/** What it has of a prefix: `next hop`, or with ADD-PATH `id next hop`, with MED if there is one. */
export class Router {
  readonly table = new Map<string, Map<number, string>>()
  /** Every change as it was read: `+10.0.0.1/32 10.77.0.1`, `-10.0.0.1/32`. */
  readonly log: string[] = []
  readonly #outbound: Outbound

  constructor(outbound: Outbound) {
    this.#outbound = outbound
  }

  take(bytes: Uint8Array): Update {
    const frame = nextFrame(bytes, 0, this.#outbound.maxMessageLength)
    assert.ok(frame.kind === 'frame' && frame.length === bytes.length, 'one whole message')
    const update = decodeUpdate(frame.body, this.#outbound.context)
    if (isWireError(update)) return assert.fail(update.detail)
    assert.deepEqual(update.faults, [])
    const { attributes, withdrawn, nlri } = update
    for (const each of [...withdrawn, ...(attributes.mpUnreach?.withdrawn ?? [])]) this.#withdraw(each)
    const med = attributes.med === undefined ? '' : ` med ${attributes.med}`
    const nextHop = attributes.nextHop ?? attributes.mpReach?.nextHops[0]
    for (const each of [...nlri, ...(attributes.mpReach?.nlri ?? [])]) {
      this.#announce(each, `${formatIp(nextHop ?? assert.fail('a next hop'))}${med}`)
    }
    return update
  }

  /** `{ '10.0.0.1/32': ['1 10.77.0.1'] }`, everything sorted. */
  read(): Record<string, readonly string[]> {
    const rows = [...this.table].map(
      ([key, paths]) => [key, [...paths].map(([id, to]) => `${id} ${to}`).toSorted()] as const,
    )
    return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  #announce({ prefix, pathId }: Nlri, to: string): void {
    const key = formatPrefix(prefix)
    const paths = this.table.get(key) ?? new Map<number, string>()
    this.table.set(key, paths.set(pathId, to))
    this.log.push(`+${key} ${to}`)
  }

  #withdraw({ prefix, pathId }: Nlri): void {
    const key = formatPrefix(prefix)
    const paths = this.table.get(key)
    assert.ok(paths?.delete(pathId) === true, `${key} ${pathId} is withdrawn and was there`)
    if (paths.size === 0) this.table.delete(key)
    this.log.push(`-${key}`)
  }
}

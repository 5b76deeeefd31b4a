// What a change would do to the ways of the routers, for people: what stops working first.
import type { HopChange, WayChanges } from '../src/core/simulate/index.ts'
import { type Paint, formatTable } from './print.ts'

/** Rows shown of a long table unless everything is asked for. */
const mostRows = 20

/** `what`: `The drain of node worker1`. */
export function changeLines(what: string, changes: WayChanges, paint: Paint, wide: boolean): readonly string[] {
  const { before, after, lost, gained, thin, peers } = changes
  const head =
    lost.length > 0
      ? paint.bad(`${what}: ${count(lost.length)} would lose the last way to ${lost.length === 1 ? 'it' : 'them'}.`)
      : paint.good(`${what}: no address would lose its last way.`)
  const losses = lost.map(({ address, services, eip, reason }) => [
    address,
    services.join(', '),
    eip ?? '',
    `${reason.code}: ${reason.message}`,
  ])
  const rows = peers.map((peer) => [peer.peer, `${peer.before} → ${peer.after}`, hops(peer.removed), hops(peer.added)])
  return [
    head,
    ...block(['ADDRESS', 'SERVICE', 'POOL', 'WHY'], losses, wide),
    ...block(['ROUTER', 'ADDRESSES', 'LOSES NEXT HOP', 'LEARNS NEXT HOP'], rows, wide),
    '',
    ...(peers.length === 0 ? ['No router would lose or learn anything.'] : []),
    `${count(before)} reachable now, ${after} then${gained.length > 0 ? `; new: ${some(gained)}` : ''}.`,
    ...(thin.length === 0
      ? []
      : [paint.warn(`Left with one next hop: ${some(thin.map(({ address, node }) => `${address} (${node})`))}.`)]),
  ]
}

/** Of a drain: who goes with the node when it goes down, and not before. */
export function dependentLines(node: string, dependents: readonly HopChange[], paint: Paint): readonly string[] {
  if (dependents.length === 0) return []
  const who = hops(dependents)
  const how = `Only the speaker on ${node} announces ${who}: that goes on during the drain, and ends when ${node} goes down.`
  return [paint.warn(`${how} See "simulate lose-node ${node}".`)]
}

/** For -o json and yaml. */
export function changeData({ before, after, lost, gained, thin, peers }: WayChanges): unknown {
  return { reachable: { before, after }, lost, gained, oneNextHopLeft: thin, routers: peers }
}

function block(head: readonly string[], rows: readonly (readonly string[])[], wide: boolean): readonly string[] {
  if (rows.length === 0) return []
  const shown = wide ? rows : rows.slice(0, mostRows)
  const more = rows.length - shown.length
  return ['', ...formatTable(head, shown), ...(more > 0 ? [`… and ${more} more (-o wide shows all)`] : [])]
}

function hops(changes: readonly { readonly node: string; readonly addresses: number }[]): string {
  return changes.map(({ node, addresses }) => `${node} (${addresses})`).join(', ')
}

function some(texts: readonly string[]): string {
  const shown = texts.slice(0, 5).join(', ')
  return texts.length > 5 ? `${shown} and ${texts.length - 5} more` : shown
}

function count(addresses: number): string {
  return `${addresses} ${addresses === 1 ? 'address' : 'addresses'}`
}

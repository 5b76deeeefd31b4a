// The racks: who speaks in each, and whether somebody speaks for each of its nodes.
import { areMostUnknown, nodeUnusable } from '../announce/index.ts'
import { type ProxiedNode, type Reason, noRack } from '../model/index.ts'
import { listed } from './stage.ts'
import { type ClusterView, isKnown } from './view.ts'

export interface RackRow {
  readonly name: string
  /** Nodes whose speakers live. */
  readonly speakers: readonly string[]
  readonly silent: readonly string[]
  readonly sessions: number
  readonly up: number
  /** Nodes that others announce: `worker1 (by master)`. */
  readonly announced: readonly string[]
  readonly problems: readonly (Reason & { readonly grave: boolean })[]
}

/** In the order of their names, without the rack `none` when it is empty. */
export function rackRows(view: ClusterView): readonly RackRow[] {
  return [...view.racks]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { speakers, proxied }]) => {
      const living = speakers.filter(({ node }) => view.speakers.get(node)?.alive ?? false)
      const sessions = living.flatMap((each) => each.sessions)
      return {
        name,
        speakers: living.map(({ node }) => node),
        silent: speakers.filter((each) => !living.includes(each)).map(({ node }) => node),
        sessions: sessions.length,
        up: sessions.filter(({ established }) => established).length,
        announced: proxied.map(announcedLine),
        problems: problemsOf(name, proxied, view),
      }
    })
    .filter(({ name, speakers, silent, announced }) => {
      return name !== noRack || speakers.length + silent.length + announced.length > 0
    })
}

function announcedLine({ node, usable, reason, announcedBy }: ProxiedNode): string {
  const by = [...new Set(announcedBy.flatMap(({ speakers }) => speakers))]
  if (!usable) return `${node} (${reason ?? 'not usable'})`
  return by.length === 0 ? `${node} (by nobody)` : `${node} (by ${listed(by)})`
}

function problemsOf(rack: string, proxied: readonly ProxiedNode[], view: ClusterView): RackRow['problems'] {
  if (!isKnown(view, 'nodes', 'speakers')) return []
  const mostNodesUnknown = areMostUnknown(view.nodes.values())
  const unserved = proxied.filter(({ node, announcedBy }) => {
    const found = view.nodes.get(node)
    const speaker = view.speakers.get(node)
    const speakerAlive = speaker?.alive ?? false
    const speaks = speakerAlive && (speaker?.status.sessions.some(({ state }) => state === 'ESTABLISHED') ?? false)
    const state = { speakerAlive, leaving: speaker?.status.state === 'Leaving', mostNodesUnknown }
    const isUsable = found !== undefined && nodeUnusable(found, state) === undefined
    return isUsable && !speaks && announcedBy.every(({ speakers }) => speakers.length === 0)
  })
  if (unserved.length === 0) return []
  const nodes = listed(unserved.map(({ node }) => node))
  const message = `nobody announces ${nodes} of rack ${rack}: no router sends traffic there`
  return [{ code: 'RackUnserved', message, grave: true }]
}

// When an address that was given back may be handed out again: when no speaker announces it for its last holder any
// more (design §3, state Cooling).
//
//   1. the time of a release is noted, by our clock: just before the write that clears a status; for a Service that is
//      gone, when the watch told us
//   2. every speaker that is alive must have said that its view of the Services is at least as new
//   3. one that is not alive may still announce, cut off from the API server: until its Node is gone, or 10 minutes
import type { Presence } from './presence.ts'

/**
 * That a Service is gone may reach a speaker's watch before ours, and when nothing more happens the speaker's view stays
 * at that time until the next bookmark, a minute later. So a view may be this much older than the release, if the
 * speaker has renewed since: it does so when it sees a Service change.
 */
const watchSpreadMs = 500

const unheardMs = 600_000

/**
 * Addresses released up to this time (our wall clock) are announced by nobody any more. `speakers`: all that have a
 * Lease, by node.
 */
export function cooledUpToMs(
  speakers: Iterable<readonly [string, Presence]>,
  hasNode: (name: string) => boolean,
  nowMs: number,
): number {
  let upToMs = Number.POSITIVE_INFINITY
  for (const [node, presence] of speakers) upToMs = Math.min(upToMs, seenUpToMs(presence, hasNode(node), nowMs))
  return upToMs
}

function seenUpToMs({ alive, currentUpToMs, renewedMs }: Presence, nodeExists: boolean, nowMs: number): number {
  // One that has no view of the Services yet announces none, so it counts as current when it renews.
  const saidMs = currentUpToMs ?? renewedMs
  const seenMs = Math.max(saidMs, Math.min(saidMs + watchSpreadMs, renewedMs))
  if (alive) return seenMs
  if (!nodeExists) return Number.POSITIVE_INFINITY
  const givenUpMs = nowMs - unheardMs
  return renewedMs <= givenUpMs ? Math.max(seenMs, givenUpMs) : seenMs
}

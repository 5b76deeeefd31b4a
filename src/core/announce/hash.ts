// A small hash that every program computes alike: ranks speakers (rendezvous hashing) and numbers paths (RFC 7911).
// FNV-1a followed by the finalizer of MurmurHash3: without it, names that differ in their last letter rank alike.

/** 32 bits, unsigned; the same for the same text in every process and release. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Candidates in the order in which they should serve `subject`, best first (rendezvous hashing): a candidate that comes
 * or goes moves only the subjects it serves.
 */
export function rankFor(subject: string, candidates: Iterable<string>): readonly string[] {
  return [...candidates]
    .map((name) => ({ name, weight: hashOf(`${name}\n${subject}`) }))
    .toSorted((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name)
}

/**
 * Path identifiers (RFC 7911 §3) of the nodes that are next hops of one prefix: a hash of the name, so that they stay
 * the same over restarts and at every speaker. Above 0; two names with one hash get neighbouring numbers.
 */
export function pathIdsOf(nodes: Iterable<string>): ReadonlyMap<string, number> {
  const names = [...nodes]
  const ids = new Map<string, number>()
  const used = new Set<number>()
  for (const node of names.length > 1 ? names.toSorted() : names) {
    let id = hashOf(node) || 1
    while (used.has(id)) id = id === 0xffff_ffff ? 1 : id + 1
    used.add(id)
    ids.set(node, id)
  }
  return ids
}

// Damage to messages, the same for the same seed.

export type Draw = (below: number) => number

/** A linear congruential generator. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/**
 * One message with one to four kinds of damage: bits flipped, octets changed, left out, repeated or put in, the rest cut
 * off, a length field moved, the end of another message in place of the own one. Two times of three the header's length
 * is put right, so that what is inside is reached.
 */
export function mutate(bytes: Uint8Array, other: Uint8Array, draw: Draw): Uint8Array {
  let octets = [...bytes]
  for (let left = 1 + draw(4); left > 0 && octets.length > 0; left--) octets = damage(octets, other, draw)
  const result = Uint8Array.from(octets)
  if (draw(3) > 0 && result.length >= 19 && result.length <= 0xffff) {
    result[16] = result.length >>> 8
    result[17] = result.length
  }
  return result
}

function damage(octets: number[], other: Uint8Array, draw: Draw): number[] {
  // The header is left alone more often than not.
  const inside = Math.min(octets.length - 1, 19 + draw(octets.length))
  const at = draw(6) === 0 ? draw(octets.length) : inside
  const octet = octets[at] ?? 0
  switch (draw(7)) {
    case 0:
      octets[at] = draw(256)
      return octets
    case 1:
      octets[at] = octet ^ (1 << draw(8))
      return octets
    case 2:
      octets.splice(at, 1 + draw(4))
      return octets
    case 3:
      octets.splice(at, 0, ...octets.slice(at, at + draw(6)))
      return octets
    case 4:
      return octets.slice(0, at)
    case 5:
      // Whatever stands there, as if it were a length: one more, one less, none, the most.
      octets[at] = [(octet + 1) & 0xff, (octet + 255) & 0xff, 0, 0xff][draw(4)] ?? 0
      return octets
    default:
      return [...octets.slice(0, at), ...other.slice(Math.min(other.length, 19 + draw(Math.max(1, other.length - 19))))]
  }
}

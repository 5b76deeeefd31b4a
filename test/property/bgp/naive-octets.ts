// Octets as plain lists, for the naive twin.

export type Octets = readonly number[]

/** Each as `bits/length#identifier`; undefined when they do not add up. */
export function prefixes(octets: Octets, width: number, withIds: boolean): readonly string[] | undefined {
  const list: string[] = []
  let rest = octets
  while (rest.length > 0) {
    const head = withIds ? 5 : 1
    if (rest.length < head) return undefined
    const id = withIds ? number(rest.slice(0, 4)) : 0
    const length = rest[head - 1] ?? 0
    const size = Math.ceil(length / 8)
    if (length > width || rest.length < head + size) return undefined
    const bits = rest
      .slice(head, head + size)
      .map((octet) => octet.toString(2).padStart(8, '0'))
      .join('')
    list.push(`${bits.slice(0, length)}/${length}#${id}`)
    rest = rest.slice(head + size)
  }
  return list
}

export function pieces(octets: Octets, size: number): readonly Octets[] {
  return Array.from({ length: Math.ceil(octets.length / size) }, (_, i) => octets.slice(i * size, (i + 1) * size))
}

export function number(octets: Octets): number {
  return octets.reduce((sum, octet) => sum * 256 + octet, 0)
}

export function hex(octets: Octets): string {
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join('')
}

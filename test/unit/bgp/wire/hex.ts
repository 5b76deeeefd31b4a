// Bytes as the RFCs draw them: pairs of hex digits, blanks anywhere.
export function bytes(hex: string): Uint8Array {
  return Uint8Array.from((hex.replaceAll(/\s+/g, '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)))
}

export function hex(octets: Uint8Array): string {
  return [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join(' ')
}

export const marker = 'ffffffff ffffffff ffffffff ffffffff'

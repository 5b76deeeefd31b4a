const newline = 0x0a

/**
 * Cuts a stream of bytes into lines and hands each on as text, without its line end. Characters that lie across two
 * chunks come out whole. `push` returns false when a line has grown beyond `maxBytes`: then give the stream up.
 */
export function openLineReader(
  onLine: (line: string) => void,
  maxBytes: number,
): { push(chunk: Buffer): boolean; readonly pendingBytes: number } {
  let parts: Buffer[] = []
  let pendingBytes = 0
  return {
    push(chunk) {
      let from = 0
      for (;;) {
        const at = chunk.indexOf(newline, from)
        if (at < 0) break
        const tail = chunk.subarray(from, at)
        const line = parts.length === 0 ? tail.toString('utf8') : Buffer.concat([...parts, tail]).toString('utf8')
        parts = []
        pendingBytes = 0
        from = at + 1
        onLine(line)
      }
      if (from < chunk.length) {
        parts.push(chunk.subarray(from))
        pendingBytes += chunk.length - from
      }
      return pendingBytes <= maxBytes
    },
    get pendingBytes() {
      return pendingBytes
    },
  }
}

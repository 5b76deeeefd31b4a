// When the addresses of Services were written last, by our wall clock: releases and verdicts on announcements count from
// there, and what can wait lets a rush of assignments pass.
export interface StatusWrites {
  note(key: string, wallMs: number): void
  forget(key: string): void
  /** Undefined: not written by this process. */
  of(key: string): number | undefined
  /** Of any Service; 0 when none was. */
  latestMs(): number
}

export function openStatusWrites(): StatusWrites {
  const byKey = new Map<string, number>()
  let latestMs = 0
  return {
    note(key, wallMs) {
      byKey.set(key, wallMs)
      latestMs = wallMs
    },
    forget: (key) => void byKey.delete(key),
    of: (key) => byKey.get(key),
    latestMs: () => latestMs,
  }
}

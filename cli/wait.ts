// Waiting for what others do, with a limit, telling what is seen.
import { type Clock, pause } from '../src/io/process/clock.ts'

export interface WaitOptions {
  readonly clock: Clock
  readonly limitMs: number
  /** Default 500. */
  readonly everyMs?: number
}

/** What one look found: `done`, or what is still missing, in a few words. */
export type Look = { readonly done: true } | { readonly done: false; readonly seen: string }

/** `onSeen` is told of each change of what is missing. False: the time was over first. */
export async function waitUntil(
  look: () => Promise<Look>,
  onSeen: (seen: string) => void,
  { clock, limitMs, everyMs = 500 }: WaitOptions,
): Promise<boolean> {
  const untilMs = clock.nowMs() + limitMs
  let told = ''
  for (;;) {
    const found = await look()
    if (found.done) return true
    if (found.seen !== told) onSeen(found.seen)
    told = found.seen
    if (clock.nowMs() >= untilMs) return false
    await pause(clock, Math.min(everyMs, Math.max(0, untilMs - clock.nowMs())))
  }
}

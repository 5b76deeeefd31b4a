// What could not be read is said below every answer that may lack something for it.
import type { Unread } from '../src/core/explain/index.ts'
import type { Paint } from './print.ts'

export function unreadLines(unread: readonly Unread[], paint: Paint): readonly string[] {
  if (unread.length === 0) return []
  return ['', ...unread.map(({ why }) => paint.warn(`Left out: ${why}`))]
}

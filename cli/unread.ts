// What could not be read is said below every answer that may lack something for it.
import type { Unread } from '../src/core/explain/index.ts'
import type { Paint } from './print.ts'

/** Parts that are missing for one reason share a line. */
export function unreadLines(unread: readonly Unread[], paint: Paint): readonly string[] {
  if (unread.length === 0) return []
  const bySentence = Map.groupBy(unread, ({ part, why }) => why.replace(part, '…'))
  const lines = [...bySentence].map(([sentence, those]) =>
    sentence.replace('…', those.map(({ part }) => part).join(', ')),
  )
  return ['', ...lines.map((line) => paint.warn(`Left out: ${line}`))]
}

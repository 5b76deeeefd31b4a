// On which objects another provider's finalizers are left alone because it is at work, and the condition that says so.
// Services get it from finalizers.ts; the status of the other kinds is written whole, by the duties that listen here.
import {
  type Condition,
  type Metadata,
  type Reason,
  findCondition,
  isLegacyFinalizer,
} from '../src/core/model/index.ts'

/** False while another provider works on the object too; absent else. On Services it has our domain before it. */
const soleProvider = 'SoleProvider'

export interface OtherProviders {
  /** `task`: `plural/key`. Null: none is at work. */
  judge(task: string, reason: Reason | null): void
  forget(task: string): void
  /** What to say of the object; before it was judged, what its status says already. */
  conditionOf(task: string, object: Pick<Metadata, 'finalizers'>, stored: readonly Condition[]): readonly Condition[]
  listen(onChange: (task: string) => void): () => void
}

export function openOtherProviders(): OtherProviders {
  const judged = new Map<string, Reason | null>()
  const listeners = new Set<(task: string) => void>()
  return {
    judge(task, reason) {
      const same = judged.has(task) && judged.get(task)?.message === reason?.message
      judged.set(task, reason)
      if (!same) for (const hear of listeners) hear(task)
    },
    forget: (task) => void judged.delete(task),
    conditionOf(task, { finalizers }, stored) {
      if (!finalizers.some(isLegacyFinalizer)) return []
      const reason = judged.get(task)
      if (reason === null) return []
      if (reason !== undefined) return [notSole(soleProvider, reason)]
      const said = findCondition(stored, soleProvider)
      return said === undefined ? [] : [said]
    },
    listen(onChange) {
      listeners.add(onChange)
      return () => void listeners.delete(onChange)
    },
  }
}

export function notSole(type: string, { code, message }: Reason): Condition {
  return { type, status: 'False', reason: code, message }
}

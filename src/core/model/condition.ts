// metav1.Condition, on the status of Services and of every kind of ours.
import { listAt, numberAt, stringAt } from './field.ts'

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly observedGeneration?: number
  /** RFC 3339. */
  readonly lastTransitionTime?: string
}

export function readConditions(status: unknown): readonly Condition[] {
  return listAt(status, 'conditions').map((condition) => {
    const observedGeneration = numberAt(condition, 'observedGeneration')
    const lastTransitionTime = stringAt(condition, 'lastTransitionTime')
    const value = stringAt(condition, 'status')
    return {
      type: stringAt(condition, 'type') ?? '',
      status: value === 'True' || value === 'False' ? value : 'Unknown',
      reason: stringAt(condition, 'reason') ?? '',
      message: stringAt(condition, 'message') ?? '',
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
      ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
    }
  })
}

export function findCondition(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type)
}

// Writing conditions (metav1.Condition): RFC 6902 operations on lists that others write too, and whole lists of ours.
import type { PatchOperation } from '../src/core/admission/json-patch.ts'
import type { Condition } from '../src/core/model/index.ts'

/** Without its time and generation: whether a condition says something new. */
export function saysSame(a: Condition | undefined, b: Condition | undefined): boolean {
  return a?.status === b?.status && a?.reason === b?.reason && a?.message === b?.message
}

/** With `lastTransitionTime`: that of `stored` unless the status turned. */
export function stamped(wanted: Condition, stored: Condition | undefined, wallMs: number): Condition {
  const since = stored?.status === wanted.status ? stored.lastTransitionTime : undefined
  return { ...wanted, lastTransitionTime: since ?? rfc3339(wallMs) }
}

/** Whole seconds: what metav1.Time keeps. */
export function rfc3339(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/**
 * Puts `wanted` into `/status/conditions`, where `stored` is the whole list as the patch will find it. Each position
 * written is tested first: a list that has changed meanwhile fails the patch, and the next look repeats it.
 */
export function conditionOperations(
  stored: readonly Condition[],
  wanted: readonly Condition[],
  wallMs: number,
): readonly PatchOperation[] {
  const operations: PatchOperation[] = []
  let listed = stored.length > 0
  for (const condition of wanted) {
    const at = stored.findIndex(({ type }) => type === condition.type)
    const value = stamped(condition, stored[at], wallMs)
    if (at >= 0) {
      const path = `/status/conditions/${at}`
      operations.push({ op: 'test', path: `${path}/type`, value: condition.type }, { op: 'replace', path, value })
    } else if (listed) operations.push({ op: 'add', path: '/status/conditions/-', value })
    else {
      operations.push({ op: 'add', path: '/status/conditions', value: [value] })
      listed = true
    }
  }
  return operations
}

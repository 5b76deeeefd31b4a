import type { Reason } from '../model/index.ts'

/** What a validating review is answered. Warnings are printed by kubectl, a line each. */
export type Judgement =
  | { readonly kind: 'allow'; readonly warnings: readonly Reason[] }
  | { readonly kind: 'refuse'; readonly reason: Reason }

export const allow: Judgement = { kind: 'allow', warnings: [] }

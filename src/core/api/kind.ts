// What the API server and the reference pages are told of one kind. Pure data: crd.ts and page.ts turn it into text.
import type * as z from 'zod'

/** A column of `kubectl get`; `priority` 1: only with `-o wide`. */
export interface PrinterColumn {
  readonly name: string
  readonly type: 'string' | 'integer' | 'date' | 'boolean'
  readonly jsonPath: string
  readonly description: string
  readonly priority?: 1
}

/** A CEL rule (Kubernetes "Validation rules"): one concern, one sentence that names the remedy. */
export interface Rule {
  readonly rule: string
  readonly message: string
  /** CEL as well, where the sentence shows the offending value; `message` stands in when it cannot be evaluated. */
  readonly messageExpression?: string
  readonly fieldPath?: string
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired'
  /** The rule runs on creation too and sees `oldSelf` as an optional. */
  readonly optionalOldSelf?: true
}

export interface KindVersion {
  readonly name: string
  readonly storage: boolean
  readonly deprecationWarning?: string
  /** Undefined: the kind has no spec of its own. */
  readonly spec: z.ZodObject | undefined
  /** Undefined: no status subresource. */
  readonly status: z.ZodObject | undefined
  /** Rules on the whole object: only they can see metadata.name. */
  readonly rules: readonly Rule[]
  readonly columns: readonly PrinterColumn[]
}

export interface Kind {
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  /** Becomes the description of the kind in `kubectl explain` and the opening of its page. */
  readonly description: string
  readonly writtenBy: string
  /** An object as a user writes it, for the page; undefined for kinds that only Bellhop writes. */
  readonly example: string | undefined
  readonly versions: readonly KindVersion[]
}

// Which authorities the caBundles must hold, and from when on a leaf of one may be served. One replica's view: it answers
// for what itself serves, the others for theirs, and the Secret for what all will serve.
import type { Certificate } from './x509.ts'

/**
 * A leaf of an authority that was not trusted before is served so long after the caBundles were written: every API server
 * has seen them by then.
 */
export const settleMs = 5_000

/**
 * An authority whose leaf was served here stays in the bundles so long, whatever the Secret says: another replica may
 * be a moment behind.
 */
const afterServedMs = 60_000

export class Trust {
  /** Authorities of leaves that were served here, until when they stay trusted (monotonic). */
  readonly #served = new Map<string, { readonly authority: Certificate; readonly untilMs: number }>()
  /** Since when (monotonic) every caBundle has held the authority. */
  readonly #since = new Map<string, number>()

  /** The bundle: the Secret's authorities, then those of leaves that were served here a short while ago. */
  bundlePem(authorities: readonly Certificate[], nowMs: number, wallMs: number): string {
    const known = new Set(authorities.map(({ fingerprint }) => fingerprint))
    const served = [...this.#served.values()]
      .filter(({ authority, untilMs }) => untilMs > nowMs && authority.expiresMs > wallMs)
      .filter(({ authority }) => !known.has(authority.fingerprint))
    return [...authorities, ...served.map(({ authority }) => authority)].map(({ pem }) => pem).join('')
  }

  /** Every caBundle holds `authorities`; `repaired`: only since this moment. */
  noteBundles(authorities: readonly Certificate[], repaired: boolean, nowMs: number): void {
    if (repaired) this.#since.clear()
    const current = new Set(authorities.map(({ fingerprint }) => fingerprint))
    for (const fingerprint of this.#since.keys()) if (!current.has(fingerprint)) this.#since.delete(fingerprint)
    for (const fingerprint of current) if (!this.#since.has(fingerprint)) this.#since.set(fingerprint, nowMs)
  }

  /** Milliseconds until a leaf of `authority` may be served in place of another; undefined while it is not trusted. */
  waitMs(authority: Certificate, nowMs: number): number | undefined {
    const since = this.#since.get(authority.fingerprint)
    return since === undefined ? undefined : Math.max(0, since + settleMs - nowMs)
  }

  /** A leaf of `authority` is being served from now on, in place of that of `before`. */
  noteServed(authority: Certificate, before: Certificate | undefined, nowMs: number): void {
    if (before !== undefined) {
      this.#served.set(before.fingerprint, { authority: before, untilMs: nowMs + afterServedMs })
    }
    this.#served.set(authority.fingerprint, { authority, untilMs: Infinity })
  }
}

// Equal values that are kept by the ten thousand, kept once.

const mostRemembered = 4096

/** Gives equal values one identity. Forgets all when it has seen many: equal ones may then differ in identity. */
export class Interner<T> {
  readonly #values = new Map<string, T>()
  readonly #keyOf: (value: T) => string

  /** `keyOf` is equal for equal values only. */
  constructor(keyOf: (value: T) => string) {
    this.#keyOf = keyOf
  }

  intern(value: T): T {
    const key = this.#keyOf(value)
    const known = this.#values.get(key)
    if (known !== undefined) return known
    if (this.#values.size >= mostRemembered) this.#values.clear()
    this.#values.set(key, value)
    return value
  }
}

// Names by key, where nearly every key has one name: that one is kept as it is, since a Set for each would cost more than
// the record itself.
export class NameIndex {
  readonly #names = new Map<string, string | Set<string>>()

  add(key: string, name: string): void {
    const known = this.#names.get(key)
    if (known === undefined) this.#names.set(key, name)
    else if (typeof known === 'object') known.add(name)
    else if (known !== name) this.#names.set(key, new Set([known, name]))
  }

  remove(key: string, name: string): void {
    const known = this.#names.get(key)
    if (known === name) this.#names.delete(key)
    else if (typeof known === 'object' && known.delete(name) && known.size === 1) {
      for (const last of known) this.#names.set(key, last)
    }
  }

  /** In the order of the names. */
  of(key: string): readonly string[] {
    const known = this.#names.get(key)
    if (known === undefined) return []
    return typeof known === 'string' ? [known] : [...known].toSorted()
  }
}

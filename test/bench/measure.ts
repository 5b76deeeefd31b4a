/** One measured figure. `ratio` is value / baseline, both of the same run; null where nothing was there to compare with. */
export interface Measure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly baseline: number | null
  readonly ratio: number | null
  /** In words what `ok` was judged by: `ratio <= 0.5`, `value <= 20 ms`. */
  readonly bar: string
  readonly ok: boolean
}

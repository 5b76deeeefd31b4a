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

/** Takes figures as they come: a suite may go on for minutes. */
export type Report = (...measures: readonly Measure[]) => void

export function asRatio(name: string, unit: string, value: number, baseline: number, most: number): Measure {
  const ratio = value / baseline
  return { name, value, unit, baseline, ratio, bar: `ratio <= ${most}`, ok: ratio <= most }
}

export function asValue(name: string, unit: string, value: number, most: number): Measure {
  return { name, value, unit, baseline: null, ratio: null, bar: `value <= ${most} ${unit}`, ok: value <= most }
}

/** Both as ratios: the median, and the slowest in a hundred. */
export function asRatios(
  name: string,
  values: readonly number[],
  baseline: readonly number[],
  most: { readonly p50: number; readonly p99: number },
): readonly Measure[] {
  return [
    asRatio(`${name}, p50`, 'ms', quantile(values, 0.5), quantile(baseline, 0.5), most.p50),
    asRatio(`${name}, p99`, 'ms', quantile(values, 0.99), quantile(baseline, 0.99), most.p99),
  ]
}

/** The value below which the share of all lies; NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** CPU time of this process that the work takes, milliseconds. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

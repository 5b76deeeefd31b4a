// When each alert is quiet and when it fires, in promtool's notation: a series has a sample a minute, `1x5` is the value
// six times, `0+2x5` goes up by two.

export interface AlertCase {
  readonly alert: string
  readonly series: Readonly<Record<string, string>>
  /** Times at which it does not fire: before, after, or ever. */
  readonly quiet: readonly string[]
  readonly fires?: {
    readonly at: string
    /** Beside alertname and severity. */
    readonly labels: Readonly<Record<string, string>>
    readonly summary: string
  }
}

/** The target that is the speaker of node n1. */
export const speakerOfN1 = { job: 'bellhop-speaker', node: 'n1', instance: 'n1:9082' }

/** A series of the speaker of a node. */
export const at = (name: string, labels: string, node = 'n1'): string =>
  `${name}{job="bellhop-speaker",node="${node}",instance="${node}:9082"${labels === '' ? '' : `,${labels}`}}`

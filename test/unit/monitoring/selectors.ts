// The little of PromQL that is needed to know what an expression asks for: names of metrics with the labels they are
// selected by, and the labels by which is grouped or matched.
const words = new Set(
  'by without on ignoring group_left group_right and or unless bool offset sum max min count rate increase changes predict_linear histogram_quantile vector time label_values'.split(
    ' ',
  ),
)

export interface Selectors {
  readonly metrics: readonly { readonly name: string; readonly labels: readonly string[] }[]
  readonly grouped: readonly string[]
}

export function selectorsOf(expression: string): Selectors {
  // Texts may hold anything: they go first.
  const bare = expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\[[^\]]*\]/g, '')
  const grouped: string[] = []
  const rest = bare.replaceAll(
    /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g,
    (_all, list: string) => {
      grouped.push(...(list.match(/\w+/g) ?? []))
      return ' '
    },
  )
  const metrics = Array.from(
    rest.matchAll(/\b([a-z_][a-z0-9_]*)\b(?:\s*\{([^}]*)\})?/gi),
    ([, name = '', inner = '']) => ({
      name,
      labels: Array.from(inner.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g), ([, label = '']) => label),
    }),
  )
  return { metrics: metrics.filter(({ name }) => !words.has(name)), grouped }
}

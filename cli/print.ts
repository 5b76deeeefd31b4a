// What is printed: tables for people, with colour on a terminal only; JSON and YAML for programs.

export type Format = 'table' | 'wide' | 'json' | 'yaml'
export const formats: readonly Format[] = ['table', 'wide', 'json', 'yaml']

/** Marks text for people; without colour it is the text itself. */
export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
}

const codes = { good: 32, bad: 31, warn: 33, dim: 2, bold: 1 } as const

export function openPaint(isColoured: boolean): Paint {
  const paint = (code: number) => (text: string) =>
    isColoured && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text
  return {
    good: paint(codes.good),
    bad: paint(codes.bad),
    warn: paint(codes.warn),
    dim: paint(codes.dim),
    bold: paint(codes.bold),
  }
}

/** NO_COLOR as no-color.org has it, and TERM=dumb. */
export function isColoured(
  stream: { readonly isTTY?: boolean },
  asked: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const refused = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb'
  return asked && stream.isTTY === true && !refused
}

/** Columns three blanks apart, as kubectl has them; cells may be painted. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => all.reduce((most, row) => Math.max(most, widthOf(row[column] ?? '')), 0))
  return all.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))))
      .join('   ')
      .trimEnd(),
  )
}

function widthOf(text: string): number {
  // oxlint-disable-next-line no-control-regex -- the marks of openPaint
  return text.replace(/\u001b\[\d+m/g, '').length
}

export async function formatData(data: unknown, format: 'json' | 'yaml'): Promise<string> {
  if (format === 'json') return `${JSON.stringify(data, undefined, 2)}\n`
  const { stringify } = await import('yaml')
  return stringify(JSON.parse(JSON.stringify(data)), { lineWidth: 0, aliasDuplicateObjects: false })
}

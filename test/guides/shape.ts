// Whether what a command printed is what a page shows: the rules stand in README.md. Pure.

/** What a page's words stand for this time. */
export interface Known {
  /** Word of the page → what it is in this run. */
  readonly learned: ReadonlyMap<string, string>
  /** Words that the page itself has said so far in commands and files, and what never changes: they stand for themselves. */
  readonly said: ReadonlySet<string>
}

export const nothingKnown: Known = { learned: new Map(), said: new Set() }

export type Comparison =
  | { readonly same: true; readonly known: Known }
  /** The first line shown that has no counterpart in the output. */
  | { readonly same: false; readonly missing: string }

const ipv4 = String.raw`(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]|\/(?!32\b|128\b)\d)`
const ipv6 = String.raw`(?<![\w:])(?=[0-9a-f:]*::|(?:[0-9a-f]+:){7})[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:]|\/(?!32\b|128\b)\d)`
// The two random parts of the name of a Deployment's Pod: Kubernetes spares vowels and what looks like another letter.
const podSuffix = String.raw`(?<=[a-z0-9])-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}(?![\w-])`

const learnable = new RegExp(`${ipv4}|${ipv6}|${podSuffix}`, 'g')
/** What is never compared: how it looks in a page, and what stands for it. */
const free: readonly (readonly [string, string])[] = [
  ['…', '.*?'],
  [String.raw`\b\d{4}-\d\d-\d\dT[\d:.]+Z`, String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`],
  [String.raw`(?<=:)[23]\d{4}(?=\/(?:TCP|UDP|SCTP))`, String.raw`\d{5}`],
  [String.raw`(?<=nhid )\d+`, String.raw`\d+`],
  // 13s, 4m10s, 2d3h, 1.4 s
  [
    String.raw`(?<![\w.-])\d+(?:\.\d+)?(?: ?ms| ?s|m|h|d)(?:\d+[smh])?(?![\w-])`,
    String.raw`\d+(?:\.\d+)?(?: ?ms| ?s|m|h|d)(?:\d+[smh])?`,
  ],
]
const pieces = new RegExp([learnable.source, ...free.map(([looks]) => looks), String.raw`\s+`].join('|'), 'g')

/** What is known once the page has said this in a command or a file. */
export function withSaid(text: string, { learned, said }: Known): Known {
  const words = [...text.matchAll(learnable)].map(([word]) => word).filter((word) => !learned.has(word))
  return { learned, said: new Set([...said, ...words]) }
}

/** Puts what was learned in the place of the page's words, for a command or a file. */
export function withLearned(text: string, { learned }: Known): string {
  return text.replaceAll(learnable, (word) => learned.get(word) ?? word)
}

export function compareShown(page: readonly string[], output: string, known: Known): Comparison {
  const shown = inOrder(page)
  const text = `${inOrder(output.replaceAll('\r', '').trimEnd().split('\n')).join('\n')}\n`
  const { source, words } = patternOf(shown, known)
  const found = new RegExp(`^${source}$`).exec(text)
  if (found === null) return { same: false, missing: firstMissing(shown, text, known) }
  const learned = new Map(known.learned)
  for (const [word, group] of words) learned.set(word, found.groups?.[group] ?? word)
  return { same: true, known: { ...known, learned } }
}

/** The next hops of a route, which a kernel lists in no order, sorted. */
function inOrder(lines: readonly string[]): readonly string[] {
  const isHop = (line: string | undefined): boolean => /^\s*nexthop via /.test(line ?? '')
  const sorted: string[] = []
  for (let at = 0; at < lines.length;) {
    const from = at
    while (isHop(lines[at])) at += 1
    if (at === from) sorted.push(lines[at++] ?? '')
    else sorted.push(...lines.slice(from, at).toSorted((a, b) => a.trim().localeCompare(b.trim())))
  }
  return sorted
}

function firstMissing(shown: readonly string[], text: string, known: Known): string {
  for (let count = 1; count <= shown.length; count++) {
    const { source } = patternOf(shown.slice(0, count), known)
    if (!new RegExp(`^${source}`).test(text)) return shown[count - 1] ?? ''
  }
  return '(nothing more: the output goes on)'
}

interface Pattern {
  readonly source: string
  /** Word of the page that is learned here → its group. */
  readonly words: ReadonlyMap<string, string>
}

function patternOf(shown: readonly string[], known: Known): Pattern {
  const words = new Map<string, string>()
  const source = shown
    .map((line) => (line.trim() === '…' ? String.raw`(?:[^\n]*\n)*?` : `${lineSource(line, known, words)}[ \\t]*\\n`))
    .join('')
  return { source, words }
}

function lineSource(line: string, known: Known, words: Map<string, string>): string {
  let source = '[ \\t]*'
  let at = 0
  const trimmed = line.trim()
  for (const found of trimmed.matchAll(pieces)) {
    source += escape(trimmed.slice(at, found.index)) + pieceSource(found[0], trimmed, found.index, known, words)
    at = found.index + found[0].length
  }
  return source + escape(trimmed.slice(at))
}

function pieceSource(piece: string, line: string, index: number, known: Known, words: Map<string, string>): string {
  if (/^\s+$/.test(piece)) return '[ \\t]+'
  if (matchesAt(learnable.source, line, index, piece)) return wordSource(piece, known, words)
  const kind = free.find(([looks]) => matchesAt(looks, line, index, piece))
  return kind === undefined ? escape(piece) : kind[1]
}

function wordSource(word: string, { learned, said }: Known, words: Map<string, string>): string {
  const group = words.get(word)
  if (group !== undefined) return String.raw`\k<${group}>`
  const value = learned.get(word)
  if (value !== undefined) return escape(value)
  if (said.has(word)) return escape(word)
  const name = `w${words.size}`
  words.set(word, name)
  if (word.startsWith('-')) return `(?<${name}>-[a-z0-9]{6,10}-[a-z0-9]{5})`
  return word.includes(':') ? `(?<${name}>[0-9a-f:]+)` : `(?<${name}>[0-9.]+)`
}

/** Whether this kind of piece is what was found there: what surrounds it counts. */
function matchesAt(looks: string, line: string, index: number, piece: string): boolean {
  const sticky = new RegExp(looks, 'y')
  sticky.lastIndex = index
  return sticky.exec(line)?.[0] === piece
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
}

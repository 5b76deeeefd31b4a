// A page of docs/guide as the steps that it tells its reader to take. What the fences mean stands in README.md. Pure.
import { type Role, type RouterName, roles, routerNames } from '../lab/topology.ts'

/** Where a command is run: the reader's own machine, or a place of the lab. */
export type Place = 'here' | Role

interface At {
  /** Line of the page, from 1. */
  readonly line: number
}

export type Step = At &
  (
    | { readonly kind: 'file'; readonly name: string; readonly text: string }
    | {
        readonly kind: 'command'
        readonly place: Place
        readonly command: string
        /** What the page shows of the output; undefined when it shows none. */
        readonly shown: readonly string[] | undefined
      }
    /** A command on a router's own command line. */
    | {
        readonly kind: 'ask'
        readonly router: RouterName
        readonly command: string
        readonly shown: readonly string[] | undefined
      }
    /** Lines of a router's configuration. */
    | { readonly kind: 'configure'; readonly router: RouterName; readonly lines: readonly string[] }
    | { readonly kind: 'untested'; readonly reason: string }
  )

interface Block extends At {
  readonly language: string
  /** What stands behind the language in the opening fence. */
  readonly info: string
  readonly lines: readonly string[]
}

/** The fenced blocks of a page, also those within lists. Throws on a fence that is never closed. */
export function readBlocks(page: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { line: number; indent: string; language: string; info: string; lines: string[] } | undefined
  for (const [index, text] of page.split('\n').entries()) {
    const fence = /^(\s*)```(\S*)\s*(.*)$/.exec(text)
    if (open === undefined) {
      if (fence === null) continue
      const [, indent = '', language = '', info = ''] = fence
      open = { line: index + 1, indent, language, info, lines: [] }
    } else if (fence !== null && fence[2] === '') {
      const { indent, ...block } = open
      blocks.push({
        ...block,
        lines: block.lines.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)),
      })
      open = undefined
    } else open.lines.push(text)
  }
  if (open !== undefined) throw new Error(`line ${open.line}: the block is never closed`)
  return blocks
}

/** What a page tells its reader to do, in order. Throws one sentence, with the line, on a block that cannot be run. */
export function readSteps(page: string): readonly Step[] {
  return readBlocks(page).flatMap(stepsOf)
}

function stepsOf(block: Block): readonly Step[] {
  const { line, language, lines } = block
  const reason = /\bno-test="([^"]*)"/.exec(block.info)?.[1]
  if (reason !== undefined) {
    if (reason.trim().length < 10) throw new Error(`line ${line}: no-test needs a reason that says something`)
    return [{ kind: 'untested', line, reason }]
  }
  switch (language) {
    case 'sh':
      return [{ kind: 'command', line, place: placeOf(block), command: lines.join('\n'), shown: undefined }]
    case 'console':
      return readSession(block)
    case 'yaml': {
      const name = /^# ([a-z0-9-]+\.yaml)$/.exec(lines[0] ?? '')?.[1]
      if (name === undefined)
        throw new Error(`line ${line}: begin the file with a comment that names it (# pool.yaml), or say no-test="why"`)
      return [{ kind: 'file', line, name, text: `${lines.join('\n')}\n` }]
    }
    case 'frr': {
      const router = routerOf(placeOf(block))
      if (router === undefined) throw new Error(`line ${line}: say whose configuration it is, for instance frr leaf1`)
      return [
        { kind: 'configure', line, router, lines: lines.map((each) => each.trim()).filter((each) => each !== '') },
      ]
    }
    case 'text':
      if (lines.some((each) => promptOf(each) !== undefined))
        throw new Error(`line ${line}: a session is console, not text`)
      return []
    default:
      throw new Error(`line ${line}: a block is sh, console, yaml, frr or text, not "${language}"`)
  }
}

function placeOf({ line, info }: Block): Place {
  const word = info.trim()
  if (word === '') return 'here'
  const place = roles.find((role) => role === word)
  if (place === undefined) throw new Error(`line ${line}: the lab has no place "${word}": ${roles.join(', ')}`)
  return place
}

function routerOf(place: Place): RouterName | undefined {
  return routerNames.find((name) => name === place)
}

interface Prompt {
  readonly place: Place
  readonly sign: '$' | '#'
  readonly command: string
}

const promptPattern = new RegExp(`^(${roles.join('|')})?([$#]) (.+)$`)

function promptOf(line: string): Prompt | undefined {
  const found = promptPattern.exec(line)
  if (found === null) return undefined
  const [, place, sign = '', command = ''] = found
  // "# " alone begins a comment or an output.
  if (place === undefined && sign === '#') return undefined
  return { place: (place ?? 'here') as Place, sign: sign as '$' | '#', command }
}

function readSession({ line, lines }: Block): readonly Step[] {
  const steps: Step[] = []
  for (let at = 0; at < lines.length;) {
    const begin = at
    const prompt = promptOf(lines[at] ?? '')
    if (prompt === undefined) throw new Error(`line ${line + 1 + at}: a session begins with a prompt`)
    let { command } = prompt
    at += 1
    // The rest of a command that goes over several lines.
    while (at < lines.length && (command.endsWith('\\') || /^> /.test(lines[at] ?? ''))) {
      command += `\n${(lines[at] ?? '').replace(/^> /, '')}`
      at += 1
    }
    const from = at
    while (at < lines.length && promptOf(lines[at] ?? '') === undefined) at += 1
    const output = withoutBlankEnd(lines.slice(from, at))
    const shown = output.length === 0 ? undefined : output
    const where = { line: line + 1 + begin, command }
    const router = routerOf(prompt.place)
    if (prompt.sign === '$') steps.push({ kind: 'command', ...where, place: prompt.place, shown })
    else if (router !== undefined) steps.push({ kind: 'ask', ...where, router, shown })
    else throw new Error(`line ${where.line}: ${prompt.place} is no router: its shell is ${prompt.place}$`)
  }
  return steps
}

function withoutBlankEnd(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => line.trim() !== '')
  return lines.slice(0, last + 1)
}

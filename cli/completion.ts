// `completion SHELL`: a script for the shell, which asks `__complete` for each word; kubectl asks it too, through an
// executable `kubectl_complete-bellhop` beside the plugin. Names of objects come from the cluster, within a second or not
// at all.
import type { Command, Option } from 'commander'
import { isOurs } from '../src/core/ipam/ours.ts'
import { type Part, viewCluster } from '../src/core/explain/index.ts'
import type { Cli } from './cli.ts'
import { readCluster } from './read-cluster.ts'

const patienceMs = 1_000

export function addCompletion(program: Command, cli: Cli): void {
  program
    .command('completion <shell>')
    .description('a script that completes commands: bash, zsh, fish, or kubectl (save it as kubectl_complete-bellhop)')
    .allowExcessArguments(false)
    .action((shell: string, _options: unknown, command: Command) => {
      const script = scripts.get(shell)
      if (script === undefined)
        return command.error(`error: no shell is named ${shell}: ${[...scripts.keys()].join(', ')}`)
      cli.out.write(script)
    })
}

/** `bellhop __complete WORD… LAST`, before the command line is parsed: it is not whole yet. */
export async function complete(program: Command, cli: Cli, words: readonly string[]): Promise<void> {
  const before = words.slice(0, -1)
  // So that -n and --context count.
  program.parseOptions([...before])
  const found = await candidates(program, before, words.at(-1) ?? '', (kind) => namesOf(cli, kind))
  // The last line is cobra's, whose protocol kubectl speaks: no names of files.
  cli.out.write([...found, ':4', ''].join('\n'))
}

export type NameKind = 'service' | 'node' | 'peer'

/** What may stand in place of `last`, which begins with it. */
export async function candidates(
  program: Command,
  before: readonly string[],
  last: string,
  names: (kind: NameKind) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const { command, args, valueOf } = walk(program, before)
  const all = async (): Promise<readonly string[]> => {
    if (valueOf !== undefined) return valueOf.argChoices ?? []
    if (last.startsWith('-')) return optionsOf(command)
    const own = command.commands.map((each) => each.name())
    if (own.length > 0) return own
    const argument = command.registeredArguments[args.length]
    if (argument?.argChoices !== undefined) return argument.argChoices
    const kind = kindOf(command.name(), argument?.name())
    return kind === undefined ? [] : names(kind)
  }
  return (await all()).filter((each) => each.startsWith(last)).toSorted()
}

interface Place {
  readonly command: Command
  readonly args: readonly string[]
  /** The option whose value comes next. */
  readonly valueOf: Option | undefined
}

function walk(program: Command, words: readonly string[]): Place {
  let command = program
  let args: string[] = []
  let valueOf: Option | undefined
  for (const word of words) {
    if (valueOf !== undefined) valueOf = undefined
    else if (word.startsWith('-')) {
      const option = [...command.options, ...program.options].find(({ long, short }) => word === long || word === short)
      valueOf = option !== undefined && (option.required || option.optional) ? option : undefined
    } else {
      const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word))
      if (next === undefined) args.push(word)
      else {
        command = next
        args = []
      }
    }
  }
  return { command, args, valueOf }
}

function optionsOf(command: Command): readonly string[] {
  const all = [...command.options, ...(command.parent?.options ?? []), ...(command.parent?.parent?.options ?? [])]
  return [...new Set(all.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? [])), '--help']
}

function kindOf(command: string, argument: string | undefined): NameKind | undefined {
  if (command === 'service' && argument === 'name') return 'service'
  if (argument === 'node') return 'node'
  return argument === 'peer' ? 'peer' : undefined
}

const parts: Readonly<Record<NameKind, readonly Part[]>> = {
  service: ['services', 'eips', 'eipallocations'],
  node: ['nodes'],
  peer: ['bgppeers'],
}

async function namesOf(cli: Cli, kind: NameKind): Promise<readonly string[]> {
  let found: readonly string[] = []
  const work = cli.quietly(async ({ client, namespace }) => {
    const view = viewCluster(await readCluster(client, { parts: parts[kind], wallMs: cli.wallMs }))
    found =
      kind === 'node'
        ? [...view.nodes.keys()]
        : kind === 'peer'
          ? [...view.peers.keys()]
          : [...view.services.values()]
              .filter((service) => service.namespace === namespace && isOurs(service, view.pools, true))
              .map(({ name }) => name)
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)))
  await Promise.race([work, late])
  clearTimeout(timer)
  return found
}

const bash = `# bash completion for bellhop: source <(bellhop completion bash)
_bellhop() {
  local IFS=$'\\n'
  COMPREPLY=($(bellhop __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | grep -v '^:'))
}
complete -F _bellhop bellhop
`

const zsh = `#compdef bellhop
# zsh completion for bellhop: source <(bellhop completion zsh)
_bellhop() {
  local -a found
  found=("\${(@f)$(bellhop __complete "\${(@)words[2,CURRENT]}" 2>/dev/null | grep -v '^:')}")
  compadd -- $found
}
compdef _bellhop bellhop
`

const fish = `# fish completion for bellhop: bellhop completion fish | source
function __bellhop_complete
  set -l words (commandline -opc) (commandline -ct)
  bellhop __complete $words[2..-1] 2>/dev/null | string match -v ':*'
end
complete -c bellhop -f -a '(__bellhop_complete)'
`

const kubectl = `#!/bin/sh
# kubectl completes its plugins by this file: kubectl_complete-bellhop, executable, on the PATH.
exec kubectl-bellhop __complete "$@"
`

const scripts: ReadonlyMap<string, string> = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
  ['kubectl', kubectl],
])

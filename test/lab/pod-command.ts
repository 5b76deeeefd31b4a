// What a container of a Pod becomes on this machine: environment, argv, confinement. Pure.
import type { Confinement, Container } from './pod.ts'
import { isLabImage } from './pod-probe.ts'

/** A Pod's own fields by their downward API path. */
export type DownwardFields = Readonly<Record<string, string>>

/** Environment of the container, `$(NAME)` in values replaced. Throws on a field that the lab does not know. */
export function resolveEnvironment(
  { environment }: Container,
  base: Readonly<Record<string, string>>,
  fields: DownwardFields,
): Readonly<Record<string, string>> {
  const resolved: Record<string, string> = { ...base }
  for (const { name, value, fieldPath } of environment) {
    if (fieldPath === undefined) {
      resolved[name] = expand(value, resolved)
      continue
    }
    const field = fields[fieldPath]
    if (field === undefined) throw new Error(`${name}: the lab does not know the field ${fieldPath}`)
    resolved[name] = field
  }
  return resolved
}

/** `$(NAME)` becomes the variable's value, `$$(NAME)` stays `$(NAME)`, an unknown name stays as it is. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$?\$\(([^)]+)\)/g, (match, name: string) =>
    match.startsWith('$$') ? match.slice(1) : (variables[name] ?? match),
  )
}

export interface ProgramPaths {
  readonly node: string
  /** Of the lab's own server. */
  readonly repository: string
  /** Where `NAME/main.js` are. */
  readonly programs: string
  /** Whether the owner's permissions alone let root read all of them. */
  readonly rootMayRead: boolean
}

/**
 * What an image stands for: `bellhop/NAME`, with any registry before and tag behind, is this repository, compiled, and
 * the program of that name unless the command names another (`webhook/main.js`); `lab/http-echo` the lab's server.
 * Throws for any other.
 */
export function resolveCommand(
  { image, command, args }: Container,
  variables: Readonly<Record<string, string>>,
  { node, repository, programs }: ProgramPaths,
): { readonly program: string; readonly argv: readonly string[] } {
  const name = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  const ours = /(?:^|\/)bellhop\/([a-z]+)$/.exec(name)?.[1]
  const named = command.map((part) => /^([a-z]+)\/main\.js$/.exec(part)?.[1]).find((each) => each !== undefined)
  const program = ours === undefined ? (isLabImage(name) ? 'http-echo' : undefined) : (named ?? ours)
  if (program === undefined) throw new Error(`the lab has no image ${image}: bellhop/NAME or lab/http-echo`)
  const entry =
    program === 'http-echo' ? [node, `${repository}/test/lab/http-echo.ts`] : [node, `${programs}/${program}/main.js`]
  const [first, ...rest] = command
  if (program === 'http-echo') return { program, argv: entry }
  const own = first === undefined ? entry : [first === 'node' ? node : first, ...rest]
  return { program, argv: [...own, ...args].map((each) => expand(each, variables)) }
}

/**
 * argv that runs `argv` as confined as the container asks. An image's files can be read by any user, this repository's
 * perhaps not: who could not read them otherwise is allowed to (dac_read_search).
 */
export function confine(
  { user, group, noNewPrivileges, capabilities }: Confinement,
  argv: readonly string[],
  rootMayRead: boolean,
): readonly string[] {
  if (capabilities === undefined) return argv
  const list = (names: readonly string[]): string => ['-all', ...[...new Set(names)].map((name) => `+${name}`)].join()
  const reading = user === 0 && rootMayRead ? [] : ['dac_read_search']
  // As in Kubernetes: a user other than root has the capabilities only within its bounds, none in effect.
  const inherited = user === 0 ? [...capabilities, ...reading] : reading
  return [
    'setpriv',
    `--reuid=${user}`,
    `--regid=${group}`,
    '--clear-groups',
    `--bounding-set=${list([...capabilities, ...reading])}`,
    `--inh-caps=${list(inherited)}`,
    ...(user === 0 ? [] : [`--ambient-caps=${list(reading)}`]),
    ...(noNewPrivileges ? ['--no-new-privs'] : []),
    '--',
    ...argv,
  ]
}

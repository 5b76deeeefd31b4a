// What a tool of this repository was asked for: --help prints the usage, a word it does not know ends it with one sentence.
import { type ParseArgsConfig, parseArgs } from 'node:util'

/** As `parseArgs` has it, with at most so many words besides the options. Exit status 2 where the command line is wrong. */
export function readCommandLine<const T extends NonNullable<ParseArgsConfig['options']>>(
  usage: string,
  options: T,
  mostWords = 0,
) {
  if (process.argv.slice(2).includes('--help')) {
    process.stdout.write(usage)
    process.exit(0)
  }
  try {
    const read = parseArgs({ options, allowPositionals: true })
    const tooMany = read.positionals[mostWords]
    return tooMany === undefined ? read : refuseCommandLine(usage, `${tooMany} is one word too many`)
  } catch (error) {
    return refuseCommandLine(usage, error instanceof Error ? error.message : String(error))
  }
}

/** `why` is one sentence about a word of the command line. */
export function refuseCommandLine(usage: string, why: string): never {
  process.stderr.write(`${why}\n\n${usage}`)
  process.exit(2)
}

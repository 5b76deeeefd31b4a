// What a command holds: the options that all commands share, a connection when it asks for one, and one way to answer.
//
//   1. a command's file exports `addX(program, cli)`, which declares it with commander and says what it does
//   2. it answers by `cli.answer(format, work)`: `work` gets the connection and returns an Answer
//   3. the answer is printed as asked, and its `exit` becomes the exit status
import { type Command, Option } from 'commander'
import { CannotAsk, type ConnectOptions, type Connection, connect } from './connect.ts'
import { type Format, type Paint, formatData, formats, isColoured, openPaint } from './print.ts'

export const exitStatus = { well: 0, wrong: 1, usage: 2, cannotAsk: 3 } as const

export interface Answer {
  /** For -o json and yaml: plain values only. */
  readonly data: unknown
  /** For people, a line each. */
  readonly lines: (paint: Paint, wide: boolean) => readonly string[]
  /** Something is wrong: exit status 1. */
  readonly wrong?: boolean
}

export interface GlobalOptions extends ConnectOptions {
  readonly systemNamespace: string
  readonly color: boolean
}

export interface Cli {
  readonly options: () => GlobalOptions
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly err: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly paint: () => Paint
  readonly wallMs: () => number
  /** The client is closed when `work` has ended. */
  answer(format: Format, work: (connection: Connection) => Promise<Answer>): Promise<void>
  /** For what prints by itself: connects, runs, closes, and sets the exit status that `work` returns. */
  run(work: (connection: Connection) => Promise<number>): Promise<void>
  /** For completion: nothing is said, whatever goes wrong. */
  quietly(work: (connection: Connection) => Promise<void>): Promise<void>
}

export interface CliOptions {
  readonly program: Command
  readonly out: Cli['out']
  readonly err: Cli['err']
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly wallMs: () => number
  readonly setExit: (status: number) => void
  /** For tests. */
  readonly open?: (options: ConnectOptions) => Promise<Connection>
}

export function openCli({ program, out, err, environment, wallMs, setExit, open = connect }: CliOptions): Cli {
  const options = (): GlobalOptions => program.opts<GlobalOptions>()
  const paint = (): Paint => openPaint(isColoured(out, options().color, environment))

  async function run(work: (connection: Connection) => Promise<number>): Promise<void> {
    let connection: Connection | undefined
    try {
      connection = await open(options())
      setExit(await work(connection))
    } catch (error) {
      if (!(error instanceof CannotAsk)) throw error
      err.write(`${error.message}\n`)
      setExit(exitStatus.cannotAsk)
    } finally {
      connection?.client.close()
    }
  }

  return {
    options,
    out,
    err,
    paint,
    wallMs,
    run,
    async quietly(work) {
      let connection: Connection | undefined
      try {
        connection = await open(options())
        await work(connection)
      } catch {
        // No candidates then.
      } finally {
        connection?.client.close()
      }
    },
    answer: (format, work) =>
      run(async (connection) => {
        const { data, lines, wrong = false } = await work(connection)
        const text =
          format === 'json' || format === 'yaml'
            ? await formatData(data, format)
            : lines(paint(), format === 'wide')
                .map((line) => `${line}\n`)
                .join('')
        out.write(text)
        return wrong ? exitStatus.wrong : exitStatus.well
      }),
  }
}

/** `-o`: each command's own, so that one may use the letter for something else. */
export function outputOption(choices: readonly Format[] = formats): Option {
  return new Option('-o, --output <format>', 'how to print it').choices(choices).default('table')
}

// `racks`: who speaks in each, and who is announced by whom.
import type { Command } from 'commander'
import { type RackRow, rackRows, viewCluster } from '../src/core/explain/index.ts'
import { type Answer, type Cli, outputOption } from './cli.ts'
import { type Format, type Paint, formatTable } from './print.ts'
import { readCluster } from './read-cluster.ts'
import { areGrave, problemLines, stateCell } from './table-command.ts'
import { unreadLines } from './unread.ts'

export function addRacks(program: Command, cli: Cli): void {
  program
    .command('racks')
    .description(
      'the racks: their speakers and sessions, and the nodes that others announce; exit status 1 if nobody does',
    )
    .addOption(outputOption())
    .allowExcessArguments(false)
    .action(({ output }: { readonly output: Format }) =>
      cli.answer(output, async ({ client }): Promise<Answer> => {
        const { systemNamespace } = cli.options()
        const parts = ['racks', 'speakers', 'leases', 'nodes'] as const
        const cluster = await readCluster(client, { systemNamespace, wallMs: cli.wallMs, parts })
        const rows = rackRows(viewCluster(cluster))
        return {
          data: { racks: rows, unread: cluster.unread },
          lines: (paint, wide) => [...rackLines(rows, paint, wide), ...unreadLines(cluster.unread, paint)],
          wrong: areGrave(rows),
        }
      }),
    )
}

const mostNamed = 4

export function rackLines(rows: readonly RackRow[], paint: Paint, wide: boolean): readonly string[] {
  const named = (names: readonly string[]): string =>
    wide || names.length <= mostNamed
      ? names.join(', ')
      : `${names.slice(0, mostNamed).join(', ')} and ${names.length - mostNamed} more`
  const cells = rows.map(({ name, speakers, silent, sessions, up, announced, problems }) => [
    ...[name, named(speakers), named(silent), `${up}/${sessions}`, named(announced)],
    stateCell(problems, paint),
  ])
  return [
    ...formatTable(['NAME', 'SPEAKERS', 'SILENT', 'SESSIONS', 'ANNOUNCED BY OTHERS', 'STATE'], cells),
    ...problemLines(
      rows.flatMap(({ problems }) => problems),
      paint,
    ),
  ]
}

// `pools`: how full each is, and what is wrong with it.
import type { Command } from 'commander'
import { type PoolRow, poolRows, viewCluster } from '../src/core/explain/index.ts'
import { type Answer, type Cli, outputOption } from './cli.ts'
import type { Format, Paint } from './print.ts'
import { formatTable } from './print.ts'
import { readCluster } from './read-cluster.ts'
import { areGrave, problemLines, stateCell } from './table-command.ts'
import { unreadLines } from './unread.ts'

export function addPools(program: Command, cli: Cli): void {
  program
    .command('pools')
    .description('the pools (Eips): how full they are and what is wrong with them; exit status 1 if one gives nothing')
    .addOption(outputOption())
    .allowExcessArguments(false)
    .action(({ output }: { readonly output: Format }) =>
      cli.answer(output, async ({ client }): Promise<Answer> => {
        const { systemNamespace } = cli.options()
        const cluster = await readCluster(client, {
          ...{ systemNamespace, wallMs: cli.wallMs },
          parts: ['eips', 'eipallocations', 'nodes', 'bgppeers', 'servicecidrs', 'endpointslices', 'namespaces'],
          // Of the slices those of the API server alone are of interest here.
          service: { namespace: 'default', name: 'kubernetes' },
        })
        const rows = poolRows(viewCluster(cluster))
        return {
          data: { pools: rows, unread: cluster.unread },
          lines: (paint, wide) => [...poolLines(rows, paint, wide), ...unreadLines(cluster.unread, paint)],
          wrong: areGrave(rows),
        }
      }),
    )
}

export function poolLines(rows: readonly PoolRow[], paint: Paint, wide: boolean): readonly string[] {
  if (rows.length === 0) return ['There is no pool: create an Eip (docs/guide/first-service.md).']
  const head = [
    'NAME',
    'ADDRESSES',
    'USED',
    'FREE',
    'FULL',
    'DEFAULT',
    'BOUND TO',
    ...(wide ? ['PROTOCOL'] : []),
    'STATE',
  ]
  const cells = rows.map((row) => [
    row.name,
    row.addresses.join(', '),
    String(row.used),
    row.free,
    `${Math.floor(row.usedShare * 100)} %`,
    row.isDefault ? 'yes' : '',
    row.boundTo.join(', '),
    ...(wide ? [row.protocol] : []),
    stateCell(row.problems, paint),
  ])
  return [
    ...formatTable(head, cells),
    ...problemLines(
      rows.flatMap(({ problems }) => problems),
      paint,
    ),
  ]
}
